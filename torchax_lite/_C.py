"""The few names of ``torch._C`` that programs import: switches of ``__torch_function__`` and plain classes."""

from __future__ import annotations

from typing import Any

from .tensor.device import device
from .tensor.dtypes import dtype
from .tensor.generator import Generator
from .tensor.modes import modes
from .tensor.overriding import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    disabled_torch_function_impl,
)
from .tensor.size import Size
from .tensor.tensor import Tensor as TensorBase
from .tensor.tensor import layout, memory_format

_disabled_torch_function_impl = disabled_torch_function_impl
_TensorBase = TensorBase

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size", "TensorBase", "device", "dtype",
    "layout", "memory_format",
]  # fmt: skip


def _is_torch_function_enabled() -> bool:
    """Whether arguments may override functions."""
    return modes.subclasses


def _log_api_usage_once(event: str) -> None:
    """PyTorch counts uses of its functions; nothing is counted here."""


def _get_tracing_state() -> Any:
    """What ``torch.jit.trace`` is tracing; None outside of it."""
    from .jit._state import state

    return state.tracing or None


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module 'torch._C' has no attribute '{name}': PyTorch's C++ side does not exist here; use the public function"
    )
