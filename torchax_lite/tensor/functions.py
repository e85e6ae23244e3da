"""Functions of the torch namespace that are neither ops nor factories: predicates, settings, dtype rules."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.avals import CPU
from ..engine.recorder import Node
from ..ops.precision import PRECISIONS, set_precision
from ..ops.precision import precision as float32_precision
from ..ops.registry import OPS
from . import dispatch, dtypes
from .casting import copy_
from .device import device, get_default_device, set_default_device
from .modes import modes
from .size import Size
from .tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Whether an object is a storage."""
    from .storage_api import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is floating."""
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex."""
    return input.dtype.is_complex


def is_conj(input: Tensor) -> bool:
    """Whether the memory holds the conjugates of the values."""
    return input.is_conj()


def is_neg(input: Tensor) -> bool:
    """Whether the memory holds the negatives of the values."""
    return input.is_neg()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input.is_inference()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return input.shape == other.shape


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has a sign."""
    return input.dtype.is_signed


def numel(input: Tensor) -> int:
    """Number of elements."""
    return input.numel()


def is_nonzero(input: Tensor) -> bool:
    """Truth of a one-element tensor."""
    if input.numel() != 1:
        which = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {which} is ambiguous")
    return bool(input)


def detach(input: Tensor) -> Tensor:
    """The same values outside the graph."""
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Take a tensor out of the graph."""
    return input.detach_()


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself, or a copy whose memory holds the values themselves if it holds their conjugates."""
    return input.resolve_conj()


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself, or a copy whose memory holds the values themselves if it holds their negatives."""
    return input.resolve_neg()


def result_type(tensor: Any, other: Any) -> dtypes.dtype:
    """Dtype of an arithmetic result of two operands (tensors or numbers)."""
    operands = []
    for x in (tensor, other):
        if isinstance(x, Tensor):
            operands.append((x.dtype, 2 if x.ndim else 1))
        else:
            operands.append((dtypes.number_dtype(dispatch.KIND[type(dispatch.python_number(x))]), 0))
    return dtypes.result_dtype(operands)


def set_default_dtype(d: dtypes.dtype) -> None:
    """Set the default floating dtype."""
    dtypes.set_default_dtype(d)
    for op in OPS.values():
        op.sites.clear()


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a tensor type such as ``torch.DoubleTensor`` (deprecated)."""
    if isinstance(t, str):
        from .creation import LEGACY_TYPES

        found = LEGACY_TYPES.get(t.removeprefix("torch."))
        if found is None:
            raise TypeError(f"invalid type object: {t}")
        t = found
    set_default_dtype(t.dtype)


def set_float32_matmul_precision(precision: str) -> None:
    """Precision of float32 matrix products: ``highest``, ``high`` or ``medium``; any other changes nothing and warns."""
    if not isinstance(precision, str):
        raise RuntimeError(f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}")
    if precision not in PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has "
            "no effect.",
            stacklevel=2,
        )
        return
    set_precision("products", precision)


def get_float32_matmul_precision() -> str:
    """The precision set by :func:`set_float32_matmul_precision`."""
    return float32_precision("products")


_worker_threads = 0
"""Threads of a loader's worker; 0 in every other process."""


def get_num_threads() -> int:
    """CPU cores that XLA may use."""
    if _worker_threads:
        return _worker_threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_num_threads(int_: int) -> None:
    """Check the count; XLA sizes its own thread pool at start, so another count warns."""
    if not isinstance(int_, int) or isinstance(int_, bool):
        raise TypeError(f"set_num_threads expects an int, but got {type(int_).__name__}")
    if int_ <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    if int_ != get_num_threads():
        warnings.warn(
            f"set_num_threads({int_}): XLA's thread pool is sized when the process starts ({get_num_threads()} here); set the "
            "process's CPU affinity instead (taskset)",
            RuntimeWarning,
            stacklevel=2,
        )


_INTEROP_THREADS = 1
_deterministic, _warn_only = False, False
_warn_always = False


def get_num_interop_threads() -> int:
    """Threads that run independent operations side by side: one, as a program runs as a whole."""
    return _INTEROP_THREADS


def set_num_interop_threads(int_: int) -> None:
    """Check the count; a program runs as a whole, so another count than one warns."""
    if not isinstance(int_, int) or isinstance(int_, bool):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(int_).__name__}")
    if int_ <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    if int_ != _INTEROP_THREADS:
        warnings.warn(
            f"set_num_interop_threads({int_}): a program runs as a whole, its operations are not scheduled here",
            RuntimeWarning,
            stacklevel=2,
        )


def set_flush_denormal(mode: bool) -> bool:
    """Whether arithmetic treats denormal floats as asked: XLA always flushes them to zero."""
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return mode


def set_warn_always(b: bool, /) -> None:
    """Keep whether warnings are to come every time; those here are Python's, which its filters govern."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    global _warn_always
    _warn_always = b


def is_warn_always_enabled() -> bool:
    """What :func:`set_warn_always` was given."""
    return _warn_always


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for deterministic algorithms; XLA's on CPU are, so nothing changes there."""
    for text, flag in (("'mode' (position 1)", mode), ("'warn_only'", warn_only)):
        if not isinstance(flag, bool):
            raise TypeError(
                f"_set_deterministic_algorithms(): argument {text} must be bool, not {dispatch.type_name(flag)}"
            )
    global _deterministic, _warn_only
    _deterministic, _warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What was asked of :func:`use_deterministic_algorithms`."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` was asked for warnings only."""
    return _warn_only


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """:func:`use_deterministic_algorithms` by one value: 0 ``default``, 1 ``warn``, 2 ``error``."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """The mode as a number: 0, 1 or 2, see :func:`set_deterministic_debug_mode`."""
    return (1 if _warn_only else 2) if _deterministic else 0


def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element set to a number (or a 0-dim tensor's value)."""
    from .creation import full, scalar_tensor

    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        return copy_(self, value)
    number = dispatch.python_number(value)
    if number is None:
        raise TypeError(f"fill_(): argument 'value' (position 1) must be Number, not {dispatch.type_name(value)}")
    if isinstance(number, complex) and not self.is_complex():
        raise RuntimeError(
            f"value cannot be converted to type {str(self.dtype).removeprefix('torch.')} without overflow"
        )
    if self._requires_grad and modes.grad:
        return copy_(self, scalar_tensor(number, dtype=self.dtype, device=self.device))
    dispatch.check_writable(self)
    if self._requires_grad and self._grad_fn is None and self._aval.place is CPU:
        # A parameter's initial value lies on the host, so that the first step's program is that of all later ones.
        dispatch.assign(self, Node(self._aval, np.full(self._aval.shape, number, self._aval.dtype)))
        return self
    made = full(self._aval.shape, number, dtype=self.dtype, device=self.device)
    dispatch.assign(self, made._storage.node)
    return self


def zero_(self: Tensor) -> Tensor:
    """Every element set to zero."""
    return fill_(self, 0)


def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Every element replaced by a Python function's value for it; slow, CPU only."""
    if not self.is_cpu:
        raise TypeError("apply_ is only implemented on CPU tensors")
    if self._requires_grad:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    return _write_numbers(self, [callable(v) for v in self.reshape(-1).tolist()])


def map_(self: Tensor, other: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Every element replaced by a Python function's value for it and the other tensor's element; slow, CPU only."""
    if not isinstance(other, Tensor):
        raise TypeError(f"map_(): argument 'other' (position 1) must be Tensor, not {dispatch.type_name(other)}")
    if not self.is_cpu or not other.is_cpu:
        raise TypeError("map_ is only implemented on CPU tensors")
    if self._requires_grad or other._requires_grad:
        raise RuntimeError("Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.")
    pairs = zip(self.reshape(-1).tolist(), other.expand(self.shape).reshape(-1).tolist(), strict=True)
    return _write_numbers(self, [callable(a, b) for a, b in pairs])


def _write_numbers(t: Tensor, numbers: list[Any]) -> Tensor:
    from .creation import tensor

    return copy_(t, tensor(numbers, dtype=t.dtype).reshape(t.shape))


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange everything two tensors are (values, metadata, attributes)."""
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__


Tensor.fill_ = fill_
Tensor.zero_ = zero_
Tensor.apply_ = apply_
Tensor.map_ = map_

FUNCTIONS: dict[str, Any] = {
    f.__name__: f
    for f in (
        is_tensor, is_storage, is_floating_point, is_complex, is_conj, is_neg, is_inference, is_same_size, is_signed, numel,
        is_nonzero, detach, detach_, resolve_conj, resolve_neg, result_type, set_default_dtype, set_default_tensor_type,
        set_float32_matmul_precision, get_float32_matmul_precision, get_num_threads, set_num_threads,
        get_num_interop_threads, set_num_interop_threads, set_flush_denormal, set_warn_always, is_warn_always_enabled,
        use_deterministic_algorithms, are_deterministic_algorithms_enabled,
        is_deterministic_algorithms_warn_only_enabled, set_deterministic_debug_mode, get_deterministic_debug_mode,
    )
}  # fmt: skip
FUNCTIONS["fill_"] = fill_
FUNCTIONS["zero_"] = zero_

__all__ = ["FUNCTIONS", "Size", "device", "get_default_device", "np", "set_default_device"]
