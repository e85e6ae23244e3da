"""Tensors that record mutations for ``functionalize``: classes without instances."""

from __future__ import annotations

from typing import Any

from .._absent import empty_class

_USE = "torch.func.functionalize returns the function as it is: XLA programs have no mutations"
FunctionalTensor = empty_class("_subclasses.functional_tensor.FunctionalTensor", _USE)
FunctionalTensorMode = empty_class("_subclasses.functional_tensor.FunctionalTensorMode", _USE)

__all__ = ["FunctionalTensor", "FunctionalTensorMode", "mb_unwrap_functional_tensor"]


def mb_unwrap_functional_tensor(tensor: Any) -> Any:
    """The tensor as it is."""
    return tensor
