"""The few names of ``torch._C`` that programs import: switches of ``__torch_function__`` and plain classes."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from .tensor.device import device
from .tensor.dtypes import dtype
from .tensor.generator import Generator
from .tensor.layouts import layout, memory_format  # noqa: F401
from .tensor.modes import modes
from .tensor.overriding import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    disabled_torch_function_impl,
)
from .tensor.size import Size
from .tensor.tensor import Tensor as TensorBase
from .tensor.tensor import _TensorMeta  # noqa: F401

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


def _are_functorch_transforms_active() -> bool:
    """Whether ``vmap``, ``grad`` or another transform is running."""
    return bool(modes.transforms or modes.grad_scopes)


def _get_privateuse1_backend_name() -> str:
    """The name of the device type that extensions may take; none does."""
    return "privateuseone"


def _get_accelerator() -> device:
    """The accelerator, the CPU where there is none."""
    from .accelerator import current_accelerator

    return current_accelerator() or device("cpu")


def _switch(name: str, answer: Any) -> Callable[..., Any]:
    def set_it(*args: Any) -> Any:
        return answer

    set_it.__name__ = set_it.__qualname__ = name
    set_it.__doc__ = "A switch of PyTorch's scripting compiler; XLA compiles here, and nothing changes."
    return set_it


_SWITCHES = {
    **dict.fromkeys(
        (
            "_jit_can_fuse_on_cpu", "_jit_can_fuse_on_gpu", "_jit_set_nvfuser_enabled", "_jit_set_profiling_executor",
            "_jit_set_profiling_mode", "_jit_set_texpr_fuser_enabled", "_jit_set_nvfuser_guard_mode", "_jit_texpr_fuser_enabled",
            "_jit_set_nvfuser_horizontal_mode", "_jit_set_nvfuser_single_node_mode",
        ),
        False,
    ),
    **dict.fromkeys(("_jit_override_can_fuse_on_cpu", "_jit_override_can_fuse_on_gpu", "_jit_set_bailout_depth")),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "_nn":
        from .nn.modules.module import _parse_to

        return types.SimpleNamespace(_parse_to=_parse_to)
    if name in _SWITCHES:
        return _switch(name, _SWITCHES[name])
    raise AttributeError(
        f"module 'torch._C' has no attribute '{name}': PyTorch's C++ side does not exist here; use the public function"
    )
