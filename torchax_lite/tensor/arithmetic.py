"""Python's operators on tensors."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .._generated import torch_ops as ops
from ..engine.avals import aval
from ..ops.registry import OPS
from . import dispatch
from .creation import from_numpy, on_place
from .device import to_place
from .host_views import host_view
from .modes import modes
from .tensor import Tensor


def _operand(x: Any) -> bool:
    return isinstance(x, Tensor) or dispatch.python_number(x) is not None


def _operator(fn: Callable[..., Any]) -> Callable[..., Any]:
    """An operator method: operands of foreign types give NotImplemented, so that their own methods get a turn."""

    @functools.wraps(fn)
    def method(self: Tensor, other: Any) -> Any:
        try:
            return fn(self, other)
        except TypeError:
            if _operand(other):
                raise
            return NotImplemented

    return method


def _rtruediv(self: Tensor, other: Any) -> Any:
    return ops.mul(ops.reciprocal(self), other)


def _rpow(self: Tensor, other: Any) -> Any:
    from .powers import pow

    return pow(other, self)


def _rsub(self: Tensor, other: Any) -> Any:
    return ops.rsub(self, other)


def _matmul(self: Tensor, other: Any) -> Any:
    from torchax_lite import matmul

    return matmul(self, other)


def _div_floor_left(self: Tensor, other: Any) -> Any:
    return ops.floor_divide(dispatch.Tensor.new_tensor(self, other) if not isinstance(other, Tensor) else other, self)


def _remainder_left(self: Tensor, other: Any) -> Any:
    return ops.remainder(other, self)


def _invert(self: Tensor) -> Any:
    if self._aval.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return ops.bitwise_not(self)


def _inplace(name: str) -> Callable[..., Any]:
    def method(self: Tensor, other: Any) -> Any:
        return getattr(self, name)(other)

    return _operator(method)


def _index_value(x: Tensor) -> int | None:
    """The value of a 0-dim index that lies on the host: an element of fresh random or loaded indices. None otherwise."""
    if type(x) is not Tensor or modes.inference or modes.function_mode:
        return None
    storage = x._storage
    base = storage.host
    if base is None and storage.node is not None:
        base = storage.node.value
    if type(base) is not np.ndarray:
        return None
    found = base if x._view is None else host_view(base, x._view)
    return None if found is None else int(found)


def _binary(name: str) -> Callable[..., Any]:
    """Operator method of a declared op, by the dispatcher's shortest path.

    The arithmetic of indices that the host knows (``data[i : i + n]`` with ``i`` from ``torch.randint``) is done there:
    such a number is read at once, and a program of its own would cut the training step in pieces.
    """
    op = OPS[name]
    call2 = dispatch.call2
    on_index = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}.get(name)

    def method(self: Tensor, other: Any) -> Any:
        try:
            if on_index is not None and self._aval is _INDEX and type(other) is int:
                known = _index_value(self)
                if known is not None and -(2**63) <= (value := on_index(known, other)) < 2**63:
                    return on_place(np.array(value, np.int64), _INDEX.place)
            return call2(op, self, other)
        except AttributeError:
            if isinstance(self, Tensor):
                raise
            raise TypeError(
                f"descriptor '{method.__name__}' for 'torch._C.TensorBase' objects doesn't apply to a "
                f"'{type(self).__name__}' object"
            ) from None
        except TypeError:
            if _operand(other):
                raise
            return NotImplemented

    return method


def _compare(fn: Callable[..., Any]) -> Callable[..., Any]:
    compare = _operator(fn)

    def method(self: Tensor, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            other = from_numpy(other)
        return compare(self, other)

    return functools.wraps(fn)(method)


def _on_the_right(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The form of a symmetric operator whose tensor stands on the right."""
    apply = _operator(fn)

    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(self, Tensor):
            raise TypeError(
                f"descriptor '{name}' for 'torch._C.TensorBase' objects doesn't apply to a '{type(self).__name__}' object"
            )
        return apply(self, other)

    return functools.wraps(fn)(method)


_INDEX = aval((), np.dtype(np.int64), to_place("cpu"))

_METHODS: dict[str, Callable[..., Any]] = {
    "__add__": _binary("add"), "__radd__": _binary("add"),
    "__sub__": _binary("sub"), "__rsub__": _operator(_rsub),
    "__mul__": _binary("mul"), "__rmul__": _binary("mul"),
    "__truediv__": _binary("div"), "__rtruediv__": _operator(_rtruediv), "__rdiv__": lambda a, b: a.reciprocal() * b,
    "__floordiv__": _operator(ops.floor_divide), "__rfloordiv__": _operator(_div_floor_left),
    "__mod__": _operator(ops.remainder), "__rmod__": _operator(_remainder_left),
    "__pow__": _operator(lambda a, b: a.pow(b)), "__rpow__": _operator(_rpow),
    "__matmul__": _operator(_matmul), "__rmatmul__": _operator(lambda a, b: _matmul(b, a)),
    "__and__": _operator(ops.bitwise_and), "__rand__": _on_the_right(ops.bitwise_and, "__rand__"),
    "__or__": _operator(ops.bitwise_or), "__ror__": _on_the_right(ops.bitwise_or, "__ror__"),
    "__xor__": _operator(ops.bitwise_xor), "__rxor__": _on_the_right(ops.bitwise_xor, "__rxor__"),
    "__lshift__": _operator(ops.bitwise_left_shift), "__rshift__": _operator(ops.bitwise_right_shift),
    "__rlshift__": _operator(lambda a, b: ops.bitwise_left_shift(b, a)),
    "__rrshift__": _operator(lambda a, b: ops.bitwise_right_shift(b, a)),
    "__eq__": _compare(ops.eq), "__ne__": _compare(ops.ne), "__lt__": _compare(ops.lt), "__le__": _compare(ops.le),
    "__gt__": _compare(ops.gt), "__ge__": _compare(ops.ge),
    "__iadd__": _inplace("add_"), "__isub__": _inplace("sub_"), "__imul__": _inplace("mul_"),
    "__itruediv__": _inplace("div_"), "__ifloordiv__": _inplace("floor_divide_"), "__imod__": _inplace("remainder_"),
    "__ipow__": _inplace("pow_"), "__iand__": _inplace("bitwise_and_"), "__ior__": _inplace("bitwise_or_"),
    "__ixor__": _inplace("bitwise_xor_"), "__ilshift__": _inplace("bitwise_left_shift_"),
    "__irshift__": _inplace("bitwise_right_shift_"),
    "__neg__": lambda self: ops.neg(self), "__pos__": lambda self: self, "__abs__": lambda self: ops.abs(self),
    "__invert__": _invert,
}  # fmt: skip

for _name, _fn in _METHODS.items():
    setattr(Tensor, _name, _fn)
