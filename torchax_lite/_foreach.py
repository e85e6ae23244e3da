"""``torch._foreach_*``: one operation on each tensor of a list.

PyTorch saves kernel launches by them; here every operation is part of the one program anyway.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torchax_lite as torch

_UNARY = (
    "abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "frac", "lgamma", "log",
    "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh",
    "trunc",
)  # fmt: skip
_BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "clamp_min", "clamp_max")
_SCALED = {"add", "sub"}
"""Take ``alpha``."""


def _tensors(given: Any, name: str) -> Sequence[Any]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(t, torch.Tensor) for t in given):
        raise TypeError(f"{name}(): argument 'self' (position 1) must be tuple of Tensors, not {type(given).__name__}")
    if not given:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return given


def _one_each(given: Any, count: int) -> Iterable[Any]:
    """A value for each of ``count`` tensors: of a list of tensors or numbers, or the same for all."""
    if not isinstance(given, (list, tuple)):
        return [given] * count
    if len(given) != count:
        if given and isinstance(given[0], torch.Tensor):
            raise RuntimeError(f"Tensor lists must have the same number of tensors, got {count} and {len(given)}")
        raise RuntimeError("Tensor list must have same number of elements as scalar list.")
    return given


def _unary(name: str, inplace: bool) -> Callable[..., Any]:
    method = getattr(torch.Tensor, f"{name}_" if inplace else name)
    label = f"_foreach_{name}{'_' if inplace else ''}"

    def each(self: Any) -> Any:
        made = [method(t) for t in _tensors(self, label)]
        return self if inplace else tuple(made)

    return _named(each, label, f"``{name}`` of each tensor.")


def _binary(name: str, inplace: bool) -> Callable[..., Any]:
    takes_number = name not in ("maximum", "minimum", "clamp_min", "clamp_max")
    label = f"_foreach_{name}{'_' if inplace else ''}"
    method = getattr(torch.Tensor, f"{name}_" if inplace and takes_number else name)

    def each(self: Any, other: Any = None, **kwargs: Any) -> Any:
        for spelling in ("scalar", "scalars", "exponent"):
            other = kwargs.pop(spelling, other)
        if kwargs.keys() - ({"alpha"} if name in _SCALED else set()):
            raise TypeError(f"{label}() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if name == "pow" and not inplace and isinstance(self, numbers.Number):
            return tuple(torch.pow(self, t) for t in _tensors(other, label))
        made = []
        for t, o in zip(_tensors(self, label), _one_each(other, len(self))):
            if takes_number:
                made.append(method(t, o, **kwargs))
                continue
            value = o if isinstance(o, torch.Tensor) else torch.full_like(t, o)
            made.append(method(t, value) if not inplace else t.copy_(method(t, value)))
        return self if inplace else tuple(made)

    return _named(each, label, f"``{name}`` of each tensor with its partner, or with a number.")


def _ternary(name: str, inplace: bool) -> Callable[..., Any]:
    method = getattr(torch.Tensor, f"{name}_" if inplace else name)
    label = f"_foreach_{name}{'_' if inplace else ''}"

    def each(self: Any, tensor1: Any, tensor2: Any, value: Any = 1, *, scalars: Any = None) -> Any:
        values = value if scalars is None else scalars
        if isinstance(values, torch.Tensor):
            if values.ndim != 1 or len(values) != len(self):
                raise RuntimeError(f"Expected length of scalars to match input of length {len(self)}")
            values = values.tolist()
        count = len(_tensors(self, label))
        columns = (self, _one_each(tensor1, count), _one_each(tensor2, count), _one_each(values, count))
        made = [method(t, a, b, value=v) for t, a, b, v in zip(*columns)]
        return self if inplace else tuple(made)

    return _named(each, label, f"``{name}`` of each tensor with its partners.")


def _lerp(inplace: bool) -> Callable[..., Any]:
    method = torch.Tensor.lerp_ if inplace else torch.Tensor.lerp
    label = f"_foreach_lerp{'_' if inplace else ''}"

    def each(self: Any, tensors1: Any, weight: Any = None, *, weights: Any = None) -> Any:
        count = len(_tensors(self, label))
        columns = (self, _one_each(tensors1, count), _one_each(weight if weights is None else weights, count))
        made = [method(t, end, w) for t, end, w in zip(*columns)]
        return self if inplace else tuple(made)

    return _named(each, label, "The way from each tensor to its partner, by a weight.")


def _foreach_norm(self: Any, ord: float = 2, dtype: Any = None) -> tuple[Any, ...]:
    """The norm of each tensor, flattened."""
    return tuple(torch.linalg.vector_norm(t, ord, dtype=dtype) for t in _tensors(self, "_foreach_norm"))


def _foreach_powsum(self: Any, ord: float = 2, dtype: Any = None) -> tuple[Any, ...]:
    """``sum |x|^ord`` of each tensor."""
    return tuple(t.to(dtype or t.dtype).abs().pow(ord).sum() for t in _tensors(self, "_foreach_powsum"))


def _foreach_max(self: Any) -> tuple[Any, ...]:
    """The largest element of each tensor."""
    return tuple(t.max() for t in _tensors(self, "_foreach_max"))


def _foreach_mm(self: Any, mat2: Any) -> tuple[Any, ...]:
    """The product of each matrix with its partner."""
    return tuple(a.mm(b) for a, b in zip(_tensors(self, "_foreach_mm"), _one_each(mat2, len(self))))


def _foreach_clone(self: Any, *, memory_format: Any = None) -> tuple[Any, ...]:
    """A copy of each tensor."""
    options = {} if memory_format is None else {"memory_format": memory_format}
    return tuple(t.clone(**options) for t in _tensors(self, "_foreach_clone"))


def _foreach_copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Copy its partner into each tensor."""
    for t, s in zip(_tensors(self, "_foreach_copy_"), _one_each(src, len(self))):
        t.copy_(s, non_blocking)
    return self


def _foreach_zero_(self: Any) -> Any:
    """Fill each tensor with zeros."""
    for t in _tensors(self, "_foreach_zero_"):
        t.zero_()
    return self


def _named(function: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


TORCH_NAMES: dict[str, Any] = {
    f.__name__: f
    for f in (
        *(_unary(name, inplace) for name in _UNARY for inplace in (False, True)),
        *(_binary(name, inplace) for name in _BINARY for inplace in (False, True)),
        *(_ternary(name, inplace) for name in ("addcmul", "addcdiv") for inplace in (False, True)),
        *(_lerp(inplace) for inplace in (False, True)),
        _foreach_norm, _foreach_powsum, _foreach_max, _foreach_mm, _foreach_clone, _foreach_copy_, _foreach_zero_,
    )
}  # fmt: skip
"""What ``torch`` shows of this module."""
