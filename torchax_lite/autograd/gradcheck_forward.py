"""Forward-mode derivatives checked against finite differences, for ``gradcheck(check_forward_ad=True)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..tensor.tensor import Tensor
from . import forward_ad
from .gradcheck import GradcheckError, _array, _close, _Nudged, _parts, _tuple


def _directions(x: Tensor, fast: bool) -> Iterator[np.ndarray[Any, Any]]:
    """Every unit vector (times 1 and i for a complex input), or one random direction."""
    if fast:
        rng = np.random.default_rng(0)
        d = rng.standard_normal(x.shape)
        d = d + 1j * rng.standard_normal(x.shape) if x.is_complex() else d
        yield d / max(float(np.linalg.norm(d)), 1e-300)
        return
    for j in range(x.numel()):
        for unit in (1.0, 1j) if x.is_complex() else (1.0,):
            d = np.zeros(x.numel(), np.complex128 if x.is_complex() else np.float64)
            d[j] = unit
            yield d.reshape(x.shape)


def _pushed(func: Callable[..., Any], args: Sequence[Any], k: int, tangent: Any, wanted: Sequence[int]) -> list[Any]:
    """(output, tangent or None) of the outputs named by ``wanted``, for a tangent of argument ``k``."""
    import torchax_lite as torch

    with forward_ad.dual_level():
        given = []
        for i, a in enumerate(args):
            if not isinstance(a, Tensor) or not (a.is_floating_point() or a.is_complex()):
                given.append(a)
            elif i == k:
                given.append(forward_ad.make_dual(a.detach(), tangent))
            elif a.requires_grad:
                given.append(forward_ad.make_dual(a.detach(), torch.zeros_like(a)))
            else:
                given.append(a.detach())
        outs = _tuple(func(*given))
        return [tuple(forward_ad.unpack_dual(outs[i])) for i in wanted]


def _indices(func: Callable[..., Any], args: Sequence[Any]) -> list[int]:
    return [i for i, o in enumerate(_tuple(func(*args))) if isinstance(o, Tensor) and o.requires_grad]


def check_forward(
    func: Callable[..., Any], args: Sequence[Any], eps: float, atol: float, rtol: float, fast: bool,
    check_undefined: bool, check_dtypes: bool,
) -> None:  # fmt: skip
    """Compare directional derivatives with central differences.

    Raises:
        GradcheckError: they differ, or a tangent has another shape or dtype than its output.
    """
    import torchax_lite as torch

    wanted = _indices(func, args)
    for k, x in enumerate(args):
        if not isinstance(x, Tensor) or not x.requires_grad:
            continue
        nudged = _Nudged(func, args, x)
        columns: list[Any] = []
        for d in _directions(x, fast):
            pairs = _pushed(func, args, k, torch.tensor(d, dtype=x.dtype, device=x.device), wanted)
            columns.append((d, pairs))
        found: dict[Any, tuple[list[Any], list[Any]]] = {}
        for d, pairs in columns:
            numerical = iter(nudged.difference(d * eps, eps))
            for i, (out, t) in zip(wanted, pairs, strict=True):
                if check_dtypes and t is not None and t.dtype is not out.dtype:
                    raise GradcheckError("Forward AD gradient has dtype mismatch.")
                filled = torch.zeros_like(out) if t is None else t.to(out.dtype)
                for text, part in _parts(filled.detach()):
                    a, n = found.setdefault((text, i), ([], []))
                    n.append(next(numerical).reshape(-1))
                    a.append(_array(part).reshape(-1))
        for (text, i), (a, n) in found.items():
            analytical, whole = np.stack(a), np.stack(n)
            if not _close(analytical, whole, rtol, atol):
                raise GradcheckError(
                    f"{text}Jacobian computed with forward mode mismatch for output {i} with respect to input {k},\n"
                    f"numerical:{torch.tensor(whole)}\nanalytical:{torch.tensor(analytical)}\n"
                )
        if check_undefined:
            for _, t in _pushed(func, args, k, torch.zeros_like(x), wanted):
                if t is not None and not bool((t == 0).all()):
                    raise GradcheckError(
                        "Expected all input grads to be undefined or zero when all output grads are zero"
                    )


def check_batched_forward(func: Callable[..., Any], args: Sequence[Any]) -> None:
    """Compare a batch of tangents, under ``vmap``, with the same tangents one by one.

    Raises:
        GradcheckError: they differ, or the batch fails.
    """
    import torchax_lite as torch
    from torchax_lite.func import vmap

    wanted = _indices(func, args)
    for k, x in enumerate(args):
        if not isinstance(x, Tensor) or not x.requires_grad:
            continue

        def push(tangent: Tensor, k: int = k) -> tuple[Tensor, ...]:
            return tuple(
                torch.zeros_like(out) if t is None else t for out, t in _pushed(func, args, k, tangent, wanted)
            )

        tangents = torch.randn((2, *x.shape), dtype=x.dtype, device=x.device)
        rows = [push(tangents[i]) for i in range(2)]
        try:
            batch = vmap(push)(tangents)
        except RuntimeError as error:
            raise GradcheckError(f"While computing batched gradients, got: {error}") from error
        for i, whole in zip(wanted, batch, strict=True):
            if not torch.allclose(whole, torch.stack([r[wanted.index(i)] for r in rows])):
                raise GradcheckError(
                    f"For output {i} and input {k}: a batch of forward-mode gradients differs from the gradients one by one"
                )


__all__ = ["check_batched_forward", "check_forward"]
