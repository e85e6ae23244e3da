"""The names of ``torch._C`` that programs use: switches of ``__torch_function__``, questions about state, plain classes.

``_functorch`` tells what tensors inside function transforms hold; ``_distributed_c10d`` and ``_distributed_rpc`` have the
names of process groups and remote calls.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from typing import Any

from ..tensor.device import device
from ..tensor.dtypes import dtype
from ..tensor.generator import Generator
from ..tensor.layouts import layout, memory_format  # noqa: F401
from ..tensor.modes import modes
from ..tensor.overriding import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    disabled_torch_function_impl,
)
from ..tensor.size import Size
from ..tensor.tensor import Tensor as TensorBase
from ..tensor.tensor import _TensorMeta  # noqa: F401

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
    from ..jit._state import state

    return state.tracing or None


def _are_functorch_transforms_active() -> bool:
    """Whether ``vmap``, ``grad`` or another transform is running."""
    return bool(modes.transforms or modes.grad_scopes)


def _get_privateuse1_backend_name() -> str:
    """The name of the device type that extensions may take; none does."""
    return "privateuseone"


def _get_accelerator() -> device:
    """The accelerator, the CPU where there is none."""
    from ..accelerator import current_accelerator

    return current_accelerator() or device("cpu")


def _is_torch_function_mode_enabled() -> bool:
    """Whether a ``TorchFunctionMode`` is entered."""
    return bool(modes.function_mode)


def _len_torch_function_stack() -> int:
    """How many ``TorchFunctionMode`` objects are entered."""
    return len(modes.function_mode)


def _len_torch_dispatch_stack() -> int:
    """0: there is no dispatcher below ops that a mode could see."""
    return 0


def _get_default_device() -> str:
    """The device type of the default tensor type, which is the CPU's; ``set_default_device`` does not change it."""
    return "cpu"


def _is_alias_of(a: TensorBase, b: TensorBase) -> bool:
    """Whether two tensors share their storage."""
    if getattr(a, "_storage", None) is None or getattr(b, "_storage", None) is None:
        return False
    return a.untyped_storage()._storage is b.untyped_storage()._storage


def _current_graph_task_id() -> int:
    """The number of the backward pass that runs in this thread; -1 outside of one."""
    from ..autograd.engine import running_pass

    current = running_pass()
    return -1 if current is None else current.number


def _current_autograd_node() -> Any:
    """The node whose derivative the backward pass of this thread computes; None outside of one."""
    from ..autograd.engine import running_pass

    current = running_pass()
    return None if current is None else current.node


def _get_cudnn_enabled() -> bool:
    """``torch.backends.cudnn.enabled``."""
    from ..backends import cudnn

    return bool(cudnn.enabled)


def _set_cudnn_enabled(enabled: bool) -> None:
    """Set ``torch.backends.cudnn.enabled``."""
    from ..backends import cudnn

    cudnn.enabled = enabled


def _storage_Use_Count(storage_ptr: int) -> int:
    """Not supported."""
    raise NotImplementedError(
        "torch._C._storage_Use_Count: storages are counted by Python (sys.getrefcount), and have no address of their own"
    )


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


_NATIVE = ("DeviceObjType", "StorageBase", "TensorType")
_SUBMODULES = ("_distributed_c10d", "_distributed_rpc", "_functorch")
_GRAPHS = "graphs of TorchScript do not exist here: torch.fx.symbolic_trace or torch.export give a graph"
_CLASSES = {
    **dict.fromkeys(("Graph", "Node", "Value", "Block", "CompilationUnit", "ConcreteModuleType"), _GRAPHS),
    "ScriptObject": "there are no classes of TorchScript: write Python classes",
}
"""Classes of PyTorch's scripting compiler, of which there are no instances."""


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _CLASSES:
        from .._absent import empty_class

        made = globals()[name] = empty_class(f"_C.{name}", _CLASSES[name])
        return made
    if name in ("Function", "_FunctionBase", "FunctionBase"):
        from ..autograd.function import FunctionCtx

        return FunctionCtx
    if name == "_LinAlgError":
        from ..composite.linalg_errors import LinAlgError

        return LinAlgError
    if name in _NATIVE:
        from .. import _native

        return _native.TORCH_NAMES[name]
    if name == "_nn":
        from ..nn.modules.module import _parse_to

        return types.SimpleNamespace(_parse_to=_parse_to)
    if name in _SWITCHES:
        return _switch(name, _SWITCHES[name])
    raise AttributeError(
        f"module 'torch._C' has no attribute '{name}': PyTorch's C++ side does not exist here; use the public function"
    )
