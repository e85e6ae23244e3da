"""``Variable``: the old name of tensors that can require gradients."""

from __future__ import annotations

from typing import Any

from ..tensor.tensor import Tensor


class VariableMeta(type):
    """Every tensor is an instance of Variable."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """``Variable(data, requires_grad)`` is a leaf tensor that shares ``data``'s values."""

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if data is None:
            return Tensor().requires_grad_(requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


__all__ = ["Variable", "VariableMeta"]
