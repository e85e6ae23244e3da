"""``torch.masked``: reductions and normalisations over the elements that a boolean mask takes.

Every function takes ``mask`` (broadcast against the input; None takes all). What has no elements is the identity of the
reduction. ``MaskedTensor`` itself is not supported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.compiler._absent import functions

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median", "norm",
    "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip

_USE = "masked tensors are not supported; torch.masked.sum(input, mask=mask) and its kin take tensors and a mask"
__getattr__ = functions(
    "torch.masked", dict.fromkeys(("MaskedTensor", "masked_tensor", "as_masked_tensor", "is_masked_tensor"), _USE)
)

Dims = int | tuple[int, ...] | None


def _cast(input: Tensor, dtype: Any, widen: bool = False) -> Tensor:
    if dtype is None and widen and not input.is_floating_point() and not input.is_complex():
        dtype = torch.int64
    return input if dtype is None else input.to(dtype)


def _filled(input: Tensor, mask: Tensor | None, value: float | Callable[[Tensor], float]) -> Tensor:
    """The input with ``value`` (or what it gives for the input) where the mask is False."""
    if mask is None:
        return input
    if callable(value):
        if input.dtype is torch.bool:
            raise NotImplementedError(f"identity of {'amax' if value is _lowest else 'amin'} on torch.bool input")
        value = value(input)
    return torch.where(mask, input, torch.full((), value, dtype=input.dtype, device=input.device))


def _lowest(input: Tensor) -> float:
    return -torch.inf if input.is_floating_point() else torch.iinfo(input.dtype).min


def _highest(input: Tensor) -> float:
    return torch.inf if input.is_floating_point() else torch.iinfo(input.dtype).max


def _dims(input: Tensor, dim: Dims) -> tuple[int, ...]:
    if dim is None:
        return tuple(range(input.ndim))
    return tuple(d % max(input.ndim, 1) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def _count(input: Tensor, dim: Dims, keepdim: bool, mask: Tensor | None) -> Tensor:
    ones = torch.ones(input.shape, dtype=torch.int64, device=input.device)
    return torch.sum(ones if mask is None else ones * mask, _dims(input, dim), keepdim)


def sum(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Sum of the elements."""
    x = _cast(input, dtype, widen=True)
    return torch.sum(_filled(x, mask, 0), _dims(x, dim), keepdim)


def prod(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Product of the elements."""
    x = _filled(_cast(input, dtype, widen=True), mask, 1)
    for d in sorted(_dims(x, dim), reverse=True):
        x = torch.prod(x, d, keepdim)
    return x


def amax(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Largest element."""
    x = _cast(input, dtype)
    return torch.amax(_filled(x, mask, _lowest), _dims(x, dim), keepdim)


def amin(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Smallest element."""
    x = _cast(input, dtype)
    return torch.amin(_filled(x, mask, _highest), _dims(x, dim), keepdim)


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Position of the largest element, in the input's dtype (as in PyTorch)."""
    x = _cast(input, dtype)
    return torch.argmax(_filled(x, mask, _lowest), dim, keepdim).to(x.dtype)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Position of the smallest element, in the input's dtype (as in PyTorch)."""
    x = _cast(input, dtype)
    return torch.argmin(_filled(x, mask, _highest), dim, keepdim).to(x.dtype)


def mean(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Mean of the elements; nan where there are none."""
    x = _cast(input, dtype)
    if not x.is_floating_point() and not x.is_complex():
        raise ValueError(
            f"mean(): Could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {x.dtype}"
        )
    return sum(x, dim, keepdim=keepdim, mask=mask) / _count(x, dim, keepdim, mask)


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """Lower median of the elements of a dim, of integers in ``dtype`` if given (of others in their own, as in PyTorch)."""
    x = input if input.is_floating_point() else input.to(torch.float32)
    made = torch.nanmedian(_filled(x, mask, torch.nan), dim, keepdim).values
    return made if input.is_floating_point() else made.to(dtype or input.dtype)


def var(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *, correction: float | None = None, keepdim: bool = False,
    dtype: Any = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Variance of the elements; ``correction`` is taken from their number (1 by default). Complex for complex ones."""
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    take = float(unbiased) if unbiased is not None else 1.0 if correction is None else correction
    if input.dtype is torch.bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    x = _cast(input, dtype)
    x = x if x.is_floating_point() or x.is_complex() else x.to(torch.get_default_dtype())
    distance = x - mean(x, dim, keepdim=True, mask=mask)
    squares = (distance * distance.conj()).real if x.is_complex() else distance * distance
    count = _count(x, dim, keepdim, mask)
    made = sum(squares, dim, keepdim=keepdim, mask=mask) / torch.clamp(count - take, min=0)
    return made.to(x.dtype)


def std(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *, correction: float | None = None, keepdim: bool = False,
    dtype: Any = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Square root of :func:`var`."""
    return torch.sqrt(var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask))


def norm(
    input: Tensor, ord: float | None = 2.0, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:  # fmt: skip
    """Vector norm of the elements."""
    power = 2.0 if ord is None else ord
    fill = torch.inf if power < 0 else 0.0
    return torch.linalg.vector_norm(_filled(input, mask, fill), power, _dims(input, dim), keepdim, dtype=dtype)


def logsumexp(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """``log(sum(exp(x)))`` of the elements."""
    x = _cast(input, dtype)
    fill = _lowest if not x.is_complex() else -torch.inf
    return torch.logsumexp(_filled(x, mask, fill), _dims(x, dim), keepdim).to(x.dtype)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Any = None, input_mask: Tensor | None = None, other_mask: Tensor | None = None
) -> Tensor:  # fmt: skip
    """``log(exp(a) + exp(b))``, where a masked element counts as -inf."""
    a, b = _filled(_cast(input, dtype), input_mask, -torch.inf), _filled(_cast(other, dtype), other_mask, -torch.inf)
    return torch.logaddexp(a, b)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Running sum of the elements."""
    return torch.cumsum(_filled(_cast(input, dtype), mask, 0), dim, dtype=dtype or input.dtype)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Running product of the elements."""
    return torch.cumprod(_filled(_cast(input, dtype), mask, 1), dim, dtype=dtype or input.dtype)


def _normal(
    fn: Callable[..., Tensor], input: Tensor, dim: int, dtype: Any, mask: Tensor | None, fill: Callable[[Tensor], float]
) -> Tensor:  # fmt: skip
    x = _cast(input, dtype)
    return fn(_filled(x, mask, fill), dim)


def softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Softmax over the elements of a dim."""
    return _normal(torch.softmax, input, dim, dtype, mask, _lowest)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Logarithm of the softmax over the elements of a dim."""
    return _normal(torch.log_softmax, input, dim, dtype, mask, _lowest)


def softmin(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """Softmax of the negated elements of a dim."""
    return _normal(torch.nn.functional.softmin, input, dim, dtype, mask, _highest)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """The elements of a dim divided by their norm, which is ``eps`` at least."""
    x = _cast(input, dtype)
    size = torch.clamp(norm(x, ord, dim, keepdim=True, mask=mask), min=eps)
    return _filled(x, mask, 0) / size
