"""``torch.autocast``: regions in which listed ops run in a lower precision, others in float32; custom functions in them."""

from __future__ import annotations

import collections.abc
import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..tensor import dtypes
from ..tensor.tensor import Tensor
from . import _state
from ._state import bfloat16, float16, float64, state

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for a device type."""
    return _state.check_device(device_type) in _state.DEVICES


def autocast_decorator(autocast_instance: autocast, func: Callable[..., Any]) -> Callable[..., Any]:
    """``func``, run inside a region."""

    @functools.wraps(func)
    def decorate_autocast(*args: Any, **kwargs: Any) -> Any:
        with autocast_instance:
            return func(*args, **kwargs)

    return decorate_autocast


class autocast:
    """A region in which ops choose their precision by PyTorch's lists; a context manager, and a decorator.

    Tensors of the named device are cast: the arguments of products and convolutions to ``dtype``, those of ops that need
    range or accuracy to float32. In-place ops, ``out=`` forms and float64 tensors are left alone. Gradients flow
    through the casts; a weight is cast once in the outermost region.

    Args:
        device_type: ``"cpu"``, ``"cuda"``, ``"xla"`` (names of devices that JAX does not have are without effect).
        dtype: ``bfloat16`` or ``float16``; by default float16 for ``cuda``, bfloat16 elsewhere.
        enabled: False makes a region without casts.
        cache_enabled: whether cast weights are kept.

    Raises:
        ValueError: ``device_type`` is no string. RuntimeError: it names no device.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = _state.get_dtype(device_type) if dtype is None else dtype
        self.device = _state.check_device(device_type)
        self.custom_backend_name = "privateuseone"
        if not is_autocast_available(self.device):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{self.device}'")
        self._cache_enabled = state.cache_enabled if cache_enabled is None else cache_enabled
        if enabled and self.device == "cuda" and not _has_cuda():
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in (bfloat16, float16):
            name = self.device.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled

    def __enter__(self) -> autocast:
        self.prev_cache_enabled = state.cache_enabled
        self.prev = self.device in state.enabled
        self.prev_fastdtype = _state.get_dtype(self.device)
        state.nesting += 1
        state.cache_enabled = self._cache_enabled
        _state.set_dtype(self.device, self.fast_dtype)
        _state.set_enabled(self.device, self._enabled)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        decrement_nesting()
        _state.set_enabled(self.device, self.prev)
        _state.set_dtype(self.device, self.prev_fastdtype)
        state.cache_enabled = self.prev_cache_enabled

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return autocast_decorator(self, func)


def _has_cuda() -> bool:
    from .. import cuda

    return cuda.is_available()


def _enter_autocast(*vals: Any) -> autocast:
    """Enter a region and return it."""
    mode = autocast(*vals)
    mode.__enter__()
    return mode


def _exit_autocast(mode: autocast) -> None:
    """Leave a region."""
    mode.__exit__(None, None, None)


# -- custom functions --------------------------------------------------------------------------------------------------


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    if isinstance(value, Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype is not float64
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes)) or type(value).__module__ == "numpy":
        return value
    if isinstance(value, collections.abc.Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, collections.abc.Iterable):
        items = (_cast(v, device_type, dtype) for v in value)
        return type(value)(items) if isinstance(value, (list, tuple)) else items
    return value


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorate the ``forward`` of a ``Function``: how it runs inside an autocast region.

    Args:
        fwd: the method.
        device_type: device of the region.
        cast_inputs: dtype that floating-point arguments are cast to, with autocast off inside; None runs ``forward``
            in the region as it is.

    Raises:
        ValueError: ``device_type`` is no string.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = _state.get_dtype(device_type)
        if cast_inputs is None:
            args[0]._fwd_used_autocast = _state.is_enabled(device_type)
            return fwd(*args, **kwargs)
        within = _state.is_enabled(device_type)
        args[0]._fwd_used_autocast = False
        if not within:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorate_fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the ``backward`` of a ``Function``: it runs with the autocast state that its ``forward`` had.

    Raises:
        ValueError: ``device_type`` is no string.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type=device_type, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return bwd(*args, **kwargs)

    return decorate_bwd


# -- the functions of the torch namespace ------------------------------------------------------------------------------


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is inside an enabled region for a device type (``cuda`` by default)."""
    return _state.is_enabled("cuda" if device_type is None else device_type)


def set_autocast_enabled(*args: Any, **kwargs: Any) -> None:
    """``set_autocast_enabled([device_type,] enabled)``: switch casting in this thread without a region."""
    values = [*args, *(kwargs[k] for k in ("device_type", "enabled") if k in kwargs)]
    device_type, enabled = values if len(values) == 2 else ("cuda", *values)
    if not isinstance(enabled, bool):
        raise TypeError(f"set_autocast_enabled(): argument 'enabled' must be bool, not {type(enabled).__name__}")
    _state.set_enabled(device_type, enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The low precision of a device type in this thread."""
    return _state.get_dtype(device_type)


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Choose the low precision of a device type in this thread."""
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"set_autocast_dtype(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    _state.set_dtype(device_type, dtype)


def is_autocast_cache_enabled() -> bool:
    """Whether cast weights are kept."""
    return state.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Choose whether cast weights are kept."""
    state.cache_enabled = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget the cast weights."""
    _state.clear_cache()


def autocast_increment_nesting() -> int:
    """Count one more region; returns the count."""
    state.nesting += 1
    return state.nesting


def decrement_nesting() -> int:
    """Count one region less; the last one takes the cast weights along. Returns the count."""
    state.nesting -= 1
    if state.nesting == 0:
        _state.clear_cache()
    return state.nesting


def _old(name: str, new: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        text = f"torch.{name} is deprecated. Please use torch.{new} instead."
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return fn(*args)

    function.__name__ = function.__qualname__ = name.partition("(")[0]
    function.__doc__ = f"Old spelling of ``{new}``."
    return function


def _old_functions() -> dict[str, Callable[..., Any]]:
    found = {}
    for short, device in (("gpu", "cuda"), ("cpu", "cpu"), ("xla", "xla"), ("ipu", "ipu")):
        listed = [
            (f"get_autocast_{short}_dtype()", f"get_autocast_dtype('{device}')", functools.partial(get_autocast_dtype, device)),
            (
                f"set_autocast_{short}_dtype(dtype)", f"set_autocast_dtype('{device}', dtype)",
                functools.partial(set_autocast_dtype, device),
            ),
        ]  # fmt: skip
        if short != "gpu":
            listed += [
                (
                    f"is_autocast_{short}_enabled()", f"is_autocast_enabled('{device}')",
                    functools.partial(is_autocast_enabled, device),
                ),
                (
                    f"set_autocast_{short}_enabled(enabled)", f"set_autocast_enabled('{device}', enabled)",
                    functools.partial(set_autocast_enabled, device),
                ),
            ]  # fmt: skip
        for name, new, fn in listed:
            found[name.partition("(")[0]] = _old(name, new, fn)
    return found


TORCH_NAMES: dict[str, Any] = {
    "autocast": autocast, "autocast_decrement_nesting": decrement_nesting,
    "autocast_increment_nesting": autocast_increment_nesting, "clear_autocast_cache": clear_autocast_cache,
    "get_autocast_dtype": get_autocast_dtype, "is_autocast_cache_enabled": is_autocast_cache_enabled,
    "is_autocast_enabled": is_autocast_enabled, "set_autocast_cache_enabled": set_autocast_cache_enabled,
    "set_autocast_dtype": set_autocast_dtype, "set_autocast_enabled": set_autocast_enabled, **_old_functions(),
}  # fmt: skip
"""What the ``torch`` namespace shows of this module."""
