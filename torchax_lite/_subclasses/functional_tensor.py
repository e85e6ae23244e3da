"""Tensors that record mutations for ``functionalize``: classes without instances."""

from __future__ import annotations

from typing import Any

from .._absent import fill

__all__ = ["mb_unwrap_functional_tensor"]
fill(
    globals(),
    "torch.func.functionalize returns the function as it is: XLA programs have no mutations",
    classes="FunctionalTensor FunctionalTensorMode",
)


def mb_unwrap_functional_tensor(tensor: Any) -> Any:
    """The tensor as it is."""
    return tensor
