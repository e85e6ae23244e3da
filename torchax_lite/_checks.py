"""``torch._check`` and its kin: conditions that a program states, as exceptions when they do not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torchax_lite as torch

_TEXT = (
    "Expected cond to be True, but got False. (Could this error message be improved? If so, please report an "
    "enhancement request to PyTorch.)"
)


def _check_with(error_type: type[Exception], cond: bool, message: Callable[[], Any] | None) -> None:
    """Raise ``error_type`` with ``message()`` unless ``cond``."""
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if message is not None and not callable(message):
        raise TypeError("message must be a callable")
    if not cond:
        raise error_type(_TEXT if message is None else str(message()))


def _check(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise RuntimeError unless ``cond``."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise IndexError unless ``cond``."""
    _check_with(IndexError, cond, message)


def _check_value(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise ValueError unless ``cond``."""
    _check_with(ValueError, cond, message)


def _check_type(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise TypeError unless ``cond``."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond: bool, message: Callable[[], Any] | None = None) -> None:
    """Raise NotImplementedError unless ``cond``."""
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i: int, message: Callable[[], Any] | None = None, *, max: int | None = None) -> None:
    """Raise RuntimeError unless ``0 <= i`` (``<= max``)."""
    _check(i >= 0 and (max is None or i <= max), message)


def _check_tensor_all_with(
    error_type: type[Exception], cond: torch.Tensor, message: Callable[[], Any] | None = None
) -> None:
    """Raise ``error_type`` unless every element of a boolean tensor is true."""
    if not isinstance(cond, torch.Tensor):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    if cond.dtype != torch.bool:
        raise TypeError(f"cond tensor must have dtype torch.bool, but got {cond.dtype}")
    _check_with(error_type, bool(cond.all().item()), message)


def _check_tensor_all(cond: torch.Tensor, message: Callable[[], Any] | None = None) -> None:
    """Raise RuntimeError unless every element of a boolean tensor is true."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _assert_async(input: torch.Tensor, assert_msg: str | None = None) -> None:
    """Raise RuntimeError if a tensor of one element is zero; reads it on the host."""
    if input.numel() != 1:
        kind = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous")
    if not input.item():
        raise RuntimeError(assert_msg or "Expected Tensor with single nonzero value, but got zero")


def _shape_as_tensor(input: torch.Tensor) -> torch.Tensor:
    """The sizes of a tensor, (ndim) int64."""
    return torch.as_tensor(list(input.shape), dtype=torch.int64)


def _softmax_backward_data(
    grad_output: torch.Tensor, output: torch.Tensor, dim: int, input_dtype: torch.dtype
) -> torch.Tensor:
    """``y * (g - sum(g * y, dim))``: the derivative of softmax with result ``y``; half precision is rounded once."""
    wide = torch.float32 if output.dtype in (torch.float16, torch.bfloat16) else output.dtype
    g, y = grad_output.to(wide), output.to(wide)
    return (y * (g - (g * y).sum(dim, keepdim=True))).to(input_dtype)


TORCH_NAMES: dict[str, Any] = {
    f.__name__: f
    for f in (
        _assert_async, _check, _check_index, _check_is_size, _check_not_implemented, _check_tensor_all, _check_tensor_all_with,
        _check_type, _check_value, _check_with, _shape_as_tensor, _softmax_backward_data,
    )
}  # fmt: skip
"""What ``torch`` shows of this module."""
