"""``torch.fft``: discrete Fourier transforms, their frequencies and shifts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import torchax_lite as torch

from ._generated import fft as _ops
from .composite.registry import into

globals().update({name: getattr(_ops, name) for name in _ops.__all__})
__all__ = sorted([*_ops.__all__, "fftfreq", "fftshift", "ifftshift", "rfftfreq"])  # noqa: PLE0605


def _frequencies(
    name: str, points: np.ndarray[Any, Any], n: int, d: float, out: Any, dtype: Any, layout: Any, device: Any,
    requires_grad: bool,
) -> torch.Tensor:  # fmt: skip
    kind = dtype or (out.dtype if out is not None else torch.get_default_dtype())
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if layout not in (None, torch.strided):
        raise NotImplementedError(f"{name}: layout={layout} is not supported; use torch.strided")
    width = float(n) * float(d)
    result = torch.as_tensor(points, dtype=kind, device=device) * (1 / width if width else float("inf"))
    return into(name, result, out).requires_grad_(requires_grad)


def fftfreq(
    n: int, d: float = 1.0, *, out: torch.Tensor | None = None, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Frequencies of the bins of ``fft`` for ``n`` points at distance ``d``: 0, 1, ..., -2, -1 over ``n * d``."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    points = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    return _frequencies("fftfreq", points, n, d, out, dtype, layout, device, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, out: torch.Tensor | None = None, dtype: torch.dtype | None = None,
    layout: torch.layout = torch.strided, device: Any = None, requires_grad: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Frequencies of the bins of ``rfft`` for ``n`` points at distance ``d``: 0, 1, ..., n // 2 over ``n * d``."""
    return _frequencies("rfftfreq", np.arange(n // 2 + 1), n, d, out, dtype, layout, device, requires_grad)


def _shifted(input: torch.Tensor, dim: int | Sequence[int] | None, sign: int) -> torch.Tensor:
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    shifts = tuple((input.size(d) + (sign < 0)) // 2 for d in dims)
    return torch.roll(input, shifts, dims)


def fftshift(input: torch.Tensor, dim: int | Sequence[int] | None = None) -> torch.Tensor:
    """Spectrum with the zero frequency in the middle of each of ``dim`` (all dims)."""
    return _shifted(input, dim, 1)


def ifftshift(input: torch.Tensor, dim: int | Sequence[int] | None = None) -> torch.Tensor:
    """Inverse of :func:`fftshift`."""
    return _shifted(input, dim, -1)
