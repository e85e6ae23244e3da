"""``torch.utils._python_dispatch``: questions about tensor subclasses and modes below ops.

Ops are recorded for XLA here: there is no dispatcher that ``__torch_dispatch__`` could be called from. So no such mode
is ever active, and entering one says what to use instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

from ..tensor.tensor import Tensor

_USE = (
    "there is no dispatcher below torch's functions: use torch.overrides.TorchFunctionMode (or __torch_function__), which "
    "sees every call of a public function"
)


class TensorWithFlatten(Protocol):
    """A tensor that says which tensors it is made of."""

    def __tensor_flatten__(self) -> tuple[list[str], object]: ...


class TraceableWrapperSubclass(Protocol):
    """A tensor subclass that can be taken apart into tensors and rebuilt of them."""

    def __tensor_flatten__(self) -> tuple[list[str], object]: ...

    @staticmethod
    def __tensor_unflatten__(inner_tensors: Any, flatten_spec: Any, outer_size: Any, outer_stride: Any) -> Any: ...


def is_traceable_wrapper_subclass_type(t: type) -> bool:
    """Whether a class is a tensor subclass with ``__tensor_flatten__`` and ``__tensor_unflatten__``."""
    return issubclass(t, Tensor) and hasattr(t, "__tensor_flatten__") and hasattr(t, "__tensor_unflatten__")


def is_traceable_wrapper_subclass(t: object) -> bool:
    """Whether an object is a tensor of a class that wraps other tensors and can be rebuilt of them."""
    return is_traceable_wrapper_subclass_type(type(t))


def transform_subclass(
    t: Any, callback: Callable[[str, Any], Any], outer_size: Any = None, outer_stride: Any = None
) -> Any:
    """A wrapper subclass rebuilt of ``callback(name, tensor)`` of each tensor that it is made of."""
    names, context = t.__tensor_flatten__()
    inner = {name: callback(name, getattr(t, name)) for name in names}
    size = t.size() if outer_size is None else outer_size
    stride = t.stride() if outer_stride is None else outer_stride
    return type(t).__tensor_unflatten__(inner, context, size, stride)


def return_and_correct_aliasing(func: Any, args: Any, kwargs: Any, out: Any) -> NoReturn:
    """Not supported."""
    raise NotImplementedError(f"torch.utils._python_dispatch.return_and_correct_aliasing: {_USE}")


class TorchDispatchMode:
    """A mode that would see ops below the public functions; it can be made and subclassed, but not entered."""

    def __init__(self, _dispatch_key: Any = None) -> None:
        self._dispatch_key = _dispatch_key

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} is a torch.utils._python_dispatch.TorchDispatchMode: {_USE}")

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        pass

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """An instance."""
        return cls(*args, **kwargs)

    @classmethod
    def is_infra_mode(cls) -> bool:
        """False."""
        return False


BaseTorchDispatchMode = TorchDispatchMode


def _push_mode(mode: Any) -> None:
    """Enter a mode, which is not possible."""
    mode.__enter__()


def _pop_mode(k: Any = None) -> NoReturn:
    """No mode is active."""
    raise RuntimeError("no TorchDispatchMode is active")


def _get_current_dispatch_mode() -> None:
    """None: no mode is active."""
    return None


def _get_current_dispatch_mode_stack() -> list[Any]:
    """An empty list: no mode is active."""
    return []


def _detect_infra_mode(key: Any) -> None:
    """None: no mode is active."""
    return None


@contextlib.contextmanager
def _disable_current_modes() -> Iterator[list[Any]]:
    """A block without modes, which every block is; yields the modes that were active."""
    yield []


def is_in_torch_dispatch_mode(include_infra_modes: bool = True) -> bool:
    """False: no mode is active."""
    return False


def is_in_any_mode_without_ignore_compile_internals() -> bool:
    """False: no mode is active."""
    return False


def any_torch_dispatch_mode_on_stack(*args: Any, **kwargs: Any) -> bool:
    """False: no mode is active."""
    return False


_is_in_torch_dispatch_mode = _is_in_non_infra_torch_dispatch_mode = False

__all__ = [
    "BaseTorchDispatchMode", "TensorWithFlatten", "TorchDispatchMode", "TraceableWrapperSubclass",
    "is_in_torch_dispatch_mode", "is_traceable_wrapper_subclass", "is_traceable_wrapper_subclass_type",
    "return_and_correct_aliasing", "transform_subclass",
]  # fmt: skip
