"""Derivatives checked against finite differences: ``gradcheck`` and ``gradgradcheck``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..tensor import dtypes
from ..tensor.strides import is_overlapping
from ..tensor.tensor import Tensor
from . import grad
from .function import Function
from .grad_mode import no_grad


class GradcheckError(RuntimeError):
    """A derivative differs from finite differences, or breaks a rule of backward functions."""


_NONDETERMINISM = (
    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different "
    "values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {}."
)
_UNDEFINED = (
    "Expected backward function to handle undefined output grads. Please look at 'Notes about undefined output gradients' "
    "in 'tools/autograd/derivatives.yaml'"
)


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None,
) -> bool:  # fmt: skip
    """Whether the gradients of ``func`` agree with central differences ``(f(x + eps) - f(x - eps)) / 2 eps``.

    A complex output counts as its real and imaginary part; the gradient to a complex input ``x + iy`` of a real value
    is ``df/dx + i df/dy``.

    Args:
        func: takes tensors, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple; those that require grad are checked, and should be double precision.
        eps, atol, rtol: step, and tolerances of the comparison.
        raise_exception: raise :class:`GradcheckError` where False would be returned.
        nondet_tol: how much two runs of the same backward may differ.
        check_undefined_grad: check that missing output gradients count as zeros.
        check_grad_dtypes: check that gradients have their inputs' dtypes.
        check_batched_grad: check ``is_grads_batched=True`` against a loop.
        check_forward_ad: check forward mode; ``check_batched_forward_grad``: also under ``vmap``.
        check_backward_ad: check reverse mode.
        fast_mode: compare one random projection of the Jacobian instead of all of it.
        masked: vary and compare only what sparse inputs list; otherwise all their elements.
    """
    if any(isinstance(x, Tensor) and x._own_layout for x in _tuple(inputs)):
        from ..sparse import as_sparse_gradcheck

        return as_sparse_gradcheck(gradcheck)(  # type: ignore[no-any-return]
            func, inputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
            check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
            check_batched_grad=check_batched_grad, check_batched_forward_grad=check_batched_forward_grad,
            check_forward_ad=check_forward_ad, check_backward_ad=check_backward_ad, fast_mode=fast_mode,
            masked=bool(masked),
        )  # fmt: skip
    if not check_forward_ad and not check_backward_ad:
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    args = _tuple(inputs)
    try:
        _check_inputs(args)
        outs = _outputs(func, args)
        if not outs:
            _expect_zero(func, args, eps)
            return True
        if check_backward_ad:
            (_check_fast if fast_mode else _check_slow)(func, args, eps, atol, rtol, nondet_tol)
        if check_forward_ad:
            from .gradcheck_forward import check_batched_forward, check_forward

            check_forward(func, args, eps, atol, rtol, fast_mode, check_undefined_grad, check_grad_dtypes)
            if check_batched_forward_grad:
                check_batched_forward(func, args)
        if not check_backward_ad:
            return True
        _check_zero_weights(outs, _wanted(args), check_grad_dtypes)
        if check_batched_grad:
            _check_batched(outs, _wanted(args))
        if check_undefined_grad:
            _check_undefined(func, args)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _wanted(args: Sequence[Any]) -> list[Tensor]:
    return [a for a in args if isinstance(a, Tensor) and a.requires_grad]


def _check_inputs(args: Sequence[Any]) -> None:
    if not _wanted(args):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i, x in enumerate(args):
        if not isinstance(x, Tensor) or not x.requires_grad:
            continue
        if x.dtype not in (dtypes.float64, dtypes.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely "
                "fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if x._strides is not None and is_overlapping(x._aval.shape, x._strides):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be "
                "able to compute the numerical gradients correctly. You should call .contiguous on the input before passing it "
                "to gradcheck."
            )
        if x.grad_fn is not None:
            x.retain_grad()


def _outputs(func: Callable[..., Any], args: Sequence[Any]) -> list[Tensor]:
    """The outputs that can have gradients."""
    outs = _tuple(func(*args))
    for o in outs:
        if not isinstance(o, Tensor):
            raise ValueError(f"gradcheck expects the function to return tensors, but it returned {type(o).__name__}")
    return [o for o in outs if o.requires_grad]


def _parts(out: Tensor) -> list[tuple[str, Tensor]]:
    """An output as real-valued tensors, each with the words that name the part."""
    import torchax_lite as torch

    if not out.is_complex():
        return [("", out)]
    both = torch.view_as_real(out)
    return [
        ("While considering the real part of complex outputs only, ", both[..., 0]),
        ("While considering the imaginary part of complex outputs only, ", both[..., 1]),
    ]


def _real_outputs(func: Callable[..., Any], args: Sequence[Any]) -> list[tuple[int, str, Tensor]]:
    return [(i, text, part) for i, out in enumerate(_outputs(func, args)) for text, part in _parts(out)]


def _array(t: Tensor) -> np.ndarray[Any, Any]:
    return np.array(t._host_array())


class _Nudged:
    """Values of the outputs with one input moved along a direction."""

    def __init__(self, func: Callable[..., Any], args: Sequence[Any], x: Tensor) -> None:
        self.func, self.args, self.x = func, args, x
        with no_grad():
            self.base = x.detach().clone()

    def values(self, step: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        import torchax_lite as torch

        data = self.x.data
        with no_grad():
            data.copy_(self.base + torch.tensor(step, dtype=self.x.dtype, device=self.x.device))
        try:
            return [_array(part) for _, _, part in _all_parts(self.func, self.args)]
        finally:
            with no_grad():
                data.copy_(self.base)

    def difference(self, step: np.ndarray[Any, Any], eps: float) -> list[np.ndarray[Any, Any]]:
        """Central differences of all outputs along ``step``, whose length is ``eps``."""
        return [(b - a) / (2 * eps) for a, b in zip(self.values(-step), self.values(step), strict=True)]


def _all_parts(func: Callable[..., Any], args: Sequence[Any]) -> list[tuple[int, str, Tensor]]:
    return _real_outputs(func, args)


def _numerical(func: Callable[..., Any], args: Sequence[Any], x: Tensor, eps: float) -> list[np.ndarray[Any, Any]]:
    """For each real output its Jacobian, shape (elements of x, elements of the output)."""
    nudged = _Nudged(func, args, x)
    kind = np.complex128 if x.is_complex() else np.float64
    rows: list[list[Any]] = []
    for j in range(x.numel()):
        step = np.zeros(x.numel(), kind)
        step[j] = eps
        row = nudged.difference(step.reshape(x.shape), eps)
        if x.is_complex():
            other = nudged.difference((1j * step).reshape(x.shape), eps)
            row = [a + 1j * b for a, b in zip(row, other, strict=True)]
        rows.append(row)
    if not rows:
        return [np.zeros((0, p.numel())) for _, _, p in _real_outputs(func, args)]
    return [np.stack([row[k].reshape(-1) for row in rows]) for k in range(len(rows[0]))]


def _analytical(out: Tensor, xs: Sequence[Tensor]) -> list[np.ndarray[Any, Any]]:
    """For each input the Jacobian of one real output, shape (elements of x, elements of the output)."""
    columns: list[list[Any]] = [[] for _ in xs]
    for j in range(out.numel()):
        weight = np.zeros(out.numel())
        weight[j] = 1.0
        for column, x, g in zip(columns, xs, _back(out, xs, weight.reshape(out.shape)), strict=True):
            column.append(np.zeros(x.numel()) if g is None else _array(g).reshape(-1))
    return [np.stack(column, 1) if column else np.zeros((x.numel(), 0)) for column, x in zip(columns, xs, strict=True)]


def _back(out: Tensor, xs: Sequence[Tensor], weight: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    import torchax_lite as torch

    w = torch.tensor(weight, dtype=out.dtype, device=out.device)
    found: tuple[Any, ...] = grad(out, xs, w, retain_graph=True, allow_unused=True)
    for g, x in zip(found, xs, strict=True):
        if g is not None and g.shape != x.shape:
            raise GradcheckError("Analytical gradient has incorrect size")
    return found


def _close(a: np.ndarray[Any, Any], n: np.ndarray[Any, Any], rtol: float, atol: float) -> bool:
    return bool(np.allclose(a, n, rtol=rtol, atol=atol))


def _mismatch(
    text: str, i: int, k: int, a: np.ndarray[Any, Any], n: np.ndarray[Any, Any], like: Tensor
) -> GradcheckError:
    import torchax_lite as torch

    start = f"{text}Jacobian" if text else "Jacobian"
    shown = [torch.tensor(v if v.dtype.kind == "c" else v.astype(like._aval.dtype)) for v in (n, a)]
    return GradcheckError(
        f"{start} mismatch for output {i} with respect to input {k},\nnumerical:{shown[0]}\nanalytical:{shown[1]}\n"
    )


def _check_slow(
    func: Callable[..., Any], args: Sequence[Any], eps: float, atol: float, rtol: float, nondet_tol: float
) -> None:
    xs = _wanted(args)
    numerical = [_numerical(func, args, x, eps) for x in xs]
    for p, (i, text, part) in enumerate(_real_outputs(func, args)):
        first, again = _analytical(part, xs), _analytical(part, xs)
        for k, x in enumerate(xs):
            a, n = first[k], numerical[k][p]
            if not _close(a, n, rtol, atol):
                raise _mismatch(text, i, k, a, n, x)
        for a, b in zip(first, again, strict=True):
            if a.size and np.abs(a - b).max() > nondet_tol:
                raise GradcheckError(_NONDETERMINISM.format(nondet_tol))


def _check_fast(
    func: Callable[..., Any], args: Sequence[Any], eps: float, atol: float, rtol: float, nondet_tol: float
) -> None:
    xs = _wanted(args)
    random = np.random.default_rng(0)
    parts = _real_outputs(func, args)
    weights = [random.random(part.shape) for _, _, part in parts]
    directions = []
    for x in xs:
        d = random.standard_normal(x.shape)
        d = d + 1j * random.standard_normal(x.shape) if x.is_complex() else d
        directions.append(d / max(float(np.linalg.norm(d)), 1e-300))
    moved = [_Nudged(func, args, x).difference(d * eps, eps) for x, d in zip(xs, directions, strict=True)]
    for p, (i, text, part) in enumerate(parts):
        first, again = _back(part, xs, weights[p]), _back(part, xs, weights[p])
        for k, (x, d) in enumerate(zip(xs, directions, strict=True)):
            g = np.zeros(x.shape) if first[k] is None else _array(first[k])
            a = np.array((np.conj(g) * d).real.sum())
            n = np.array((moved[k][p] * weights[p]).sum())
            if not _close(a, n, rtol, atol * max(1.0, float(np.abs(weights[p]).sum()))):
                raise _mismatch(text, i, k, a, n, x)
        for g1, g2 in zip(first, again, strict=True):
            if g1 is not None and g1.numel() and np.abs(_array(g1) - _array(g2)).max() > nondet_tol:
                raise GradcheckError(_NONDETERMINISM.format(nondet_tol))


def _expect_zero(func: Callable[..., Any], args: Sequence[Any], eps: float) -> None:
    """A function whose results have no graph must not change with its inputs."""
    for x in _wanted(args):
        base = x.detach().clone()
        for j in range(x.numel()):
            step = np.zeros(x.numel())
            step[j] = eps
            import torchax_lite as torch

            with no_grad():
                before = [_array(o) for o in _tuple(func(*args)) if o.is_floating_point() or o.is_complex()]
                x.data.copy_(base + torch.tensor(step.reshape(x.shape), dtype=x.dtype, device=x.device))
                after = [_array(o) for o in _tuple(func(*args)) if o.is_floating_point() or o.is_complex()]
                x.data.copy_(base)
            if any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True)):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_zero_weights(outs: Sequence[Tensor], xs: Sequence[Tensor], check_dtypes: bool) -> None:
    """Zero output gradients give zero gradients, of the inputs' shapes (and dtypes)."""
    import torchax_lite as torch

    found = grad(outs, xs, [torch.zeros_like(o) for o in outs], retain_graph=True, allow_unused=True)
    for g, x in zip(found, xs, strict=True):
        if g is None:
            continue
        if not bool((g == 0).all()):
            raise GradcheckError("backward not multiplied by grad_output")
        if check_dtypes and g.dtype is not x.dtype:
            raise GradcheckError("grad is incorrect type")
        if g.device != x.device:
            raise GradcheckError("grad is incorrect device")
        if g.shape != x.shape:
            raise GradcheckError("grad is incorrect size")


def _check_batched(outs: Sequence[Tensor], xs: Sequence[Tensor]) -> None:
    import torchax_lite as torch

    for out in outs:
        weights = torch.randn((2, *out.shape), dtype=out.dtype, device=out.device)
        rows = [grad(out, xs, weights[i], retain_graph=True, allow_unused=True) for i in range(2)]
        batch = grad(out, xs, weights, retain_graph=True, allow_unused=True, is_grads_batched=True)
        for k in range(len(xs)):
            if batch[k] is not None and not torch.allclose(batch[k], torch.stack([r[k] for r in rows])):
                raise GradcheckError("For output and input a batched gradient differs from the gradients one by one")


class _Undefined(Function):
    """The identity, through which no gradient comes back."""

    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Any:
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None,) * len(grads)


def _check_undefined(func: Callable[..., Any], args: Sequence[Any]) -> None:
    """Missing output gradients (all of them, then each) count as zeros."""
    import torchax_lite as torch

    def check(missing: Sequence[int]) -> None:
        outs, xs = _outputs(func, args), _wanted(args)
        kept = list(outs)
        for k, t in zip(missing, _Undefined.apply(*[outs[k] for k in missing]), strict=True):
            kept[k] = t
        weights = [torch.zeros_like(o) for o in kept]
        try:
            found = grad(kept, xs, weights, allow_unused=True)
        except RuntimeError as e:
            raise GradcheckError(_UNDEFINED) from e
        if any(g is not None and not bool((g == 0).all()) for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero. Please look at "
                "'Notes about undefined output gradients' in 'tools/autograd/derivatives.yaml'"
            )

    n = len(_outputs(func, args))
    check(range(n))
    if n > 1:
        for k in range(n):
            check([k])


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """Whether the gradients of the gradients of ``func`` agree with central differences of its gradients.

    Args:
        grad_outputs: what the outputs' gradients are weighted with (random by default).
        gen_non_contig_grad_outputs: make those random tensors non-contiguous.
        check_fwd_over_rev: check forward over reverse mode.
        check_rev_over_rev: check reverse over reverse mode.

    The other arguments are :func:`gradcheck`'s.
    """
    import torchax_lite as torch

    if not check_fwd_over_rev and not check_rev_over_rev:
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    args = _tuple(inputs)
    if grad_outputs is None:
        weights = []
        for o in _tuple(func(*args)):
            if not (o.is_floating_point() or o.is_complex()):
                continue
            kind = o.dtype if o.dtype in (dtypes.float64, dtypes.complex128) else dtypes.float64
            w = torch.rand(
                o.shape, dtype=kind if o.is_floating_point() or o.is_complex() else dtypes.float64, device=o.device
            )
            w = w.to(o.dtype)
            if gen_non_contig_grad_outputs and o.ndim:
                w = torch.stack([w, w], -1)[..., 0].detach()
            weights.append(w.requires_grad_(True))
    else:
        weights = list(_tuple(grad_outputs))

    def first_derivatives(*both: Any) -> tuple[Tensor, ...]:
        xs, ws = both[: len(both) - len(weights)], both[len(both) - len(weights) :]
        for x, given in zip(xs, args, strict=True):
            if isinstance(given, Tensor) and given.requires_grad and not x.requires_grad:
                x.requires_grad_(True)
        outs = [o for o in _tuple(func(*xs)) if o.is_floating_point() or o.is_complex()]
        kept = [(o, w) for o, w in zip(outs, ws, strict=True) if o.requires_grad]
        found = grad([o for o, _ in kept], _wanted(xs), [w for _, w in kept], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first_derivatives, (*args, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode, masked=masked,
    )  # fmt: skip


__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
