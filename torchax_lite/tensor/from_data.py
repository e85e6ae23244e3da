"""Tensors from Python's numbers and lists, NumPy arrays, buffers and DLPack."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import aval
from . import dtypes
from .casting import clone, to
from .device import to_place
from .making import HOST, check_dtype, finish, on_place
from .rebuilding import on_storage
from .storage import Storage
from .storage_api import is_storage
from .strides import contiguous_strides, is_non_overlapping_and_dense
from .tensor import Tensor


def array_of(data: Any, dtype: dtypes.dtype | None) -> np.ndarray[Any, Any]:
    """A fresh NumPy array with the values of (nested) data, in the dtype that PyTorch infers."""
    if isinstance(data, np.ndarray):
        _check_memory(data)
        if dtype is None:
            dtype = dtypes.from_numpy_dtype(data.dtype)
        return _convert(data, dtypes.to_numpy_dtype(dtype))
    if isinstance(data, np.generic):
        return _convert(np.asarray(data), dtypes.to_numpy_dtype(dtype or dtypes.from_numpy_dtype(data.dtype)))
    shape, leaves = _flatten(data)
    if dtype is None:
        dtype = _infer_dtype(leaves)
    target = dtypes.to_numpy_dtype(dtype)
    values = [x.item() if isinstance(x, (Tensor, np.generic)) else x for x in leaves]
    if target.kind in "iu":
        return _integers(values, target, dtype).reshape(shape)
    if target.kind == "c":
        return np.array(values, np.complex128).reshape(shape).astype(target)
    if target.kind == "b":
        return np.array([bool(v) for v in values], np.bool_).reshape(shape)
    if any(isinstance(v, complex) for v in values):
        raise RuntimeError(f"value cannot be converted to type {_c_name(dtype)} without overflow")
    return np.array(values, np.float64).reshape(shape).astype(target)


def _check_memory(ndarray: np.ndarray[Any, Any]) -> None:
    """Refuse arrays whose elements do not lie as those of a tensor can."""
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported."
        )
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if any(s % ndarray.itemsize for s in ndarray.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the "
            "memory."
        )


def _c_name(dtype: dtypes.dtype) -> str:
    return {"float32": "float", "float64": "double"}.get(str(dtype).removeprefix("torch."), str(dtype))


def _integers(values: Sequence[Any], target: np.dtype[Any], dtype: dtypes.dtype) -> np.ndarray[Any, Any]:
    whole = [int(v) for v in values]
    info = np.iinfo(target)
    low = info.min if target.kind == "i" else -info.max - 1
    if whole and not (low <= min(whole) and max(whole) <= info.max):
        if any(not -(2**63) <= v < (2**64 if target.kind == "u" else 2**63) for v in whole):
            raise ValueError("Overflow when unpacking long long")
        name = target.name
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    if target.kind == "u":
        whole = [v % (info.max + 1) for v in whole]
    return np.array(whole, target)


def _convert(array: np.ndarray[Any, Any], target: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind == "c" and target.kind != "c":
        warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=4)
        array = array.real
    with np.errstate(invalid="ignore", over="ignore"):
        return np.array(array, dtype=target, order="C")


def _flatten(data: Any) -> tuple[tuple[int, ...], list[Any]]:
    shape: list[int] = []
    probe = data
    while True:
        if isinstance(probe, np.ndarray) and probe.ndim:
            shape.extend(probe.shape)
            break
        if isinstance(probe, (dict, set, frozenset)):
            raise RuntimeError(f"Could not infer dtype of {type(probe).__name__}")
        if isinstance(probe, (str, bytes)):
            if shape:
                raise ValueError(f"too many dimensions '{type(probe).__name__}'")
            raise TypeError(f"new(): invalid data type '{type(probe).__name__}'")
        if (
            not hasattr(probe, "__len__")
            or not hasattr(probe, "__getitem__")
            or isinstance(probe, (Tensor, np.ndarray))
        ):
            break
        shape.append(len(probe))
        if len(probe) == 0:
            break
        probe = probe[0]
    leaves: list[Any] = []
    _collect(data, tuple(shape), 0, leaves)
    return tuple(shape), leaves


def _collect(data: Any, shape: tuple[int, ...], depth: int, leaves: list[Any]) -> None:
    if depth == len(shape):
        if isinstance(data, (bool, int, float, complex, np.generic)):
            leaves.append(data)
            return
        if isinstance(data, (Tensor, np.ndarray)):
            if data.size != 1 if isinstance(data, np.ndarray) else data.numel() != 1:
                if (data.dtype if isinstance(data, np.ndarray) else data._aval.dtype).kind in "iub":
                    raise TypeError("only integer tensors of a single element can be converted to an index")
                raise ValueError("only one element tensors can be converted to Python scalars")
            leaves.append(data)
            return
        if hasattr(data, "__len__") and not isinstance(data, (str, bytes)):
            kind = type(data).__name__
            if leaves and all(isinstance(x, int) for x in leaves):
                raise TypeError(f"'{kind}' object cannot be interpreted as an integer")
            raise TypeError(f"must be real number, not {kind}")
        kind = type(data).__name__
        if isinstance(data, (str, bytes)):
            raise TypeError(f"new(): invalid data type '{kind}'")
        if hasattr(data, "__float__"):
            leaves.append(float(data))
            return
        raise RuntimeError(f"Could not infer dtype of {kind}")
    if isinstance(data, (Tensor, np.ndarray)):
        array = data._host_array() if isinstance(data, Tensor) else data
        if array.shape != shape[depth:]:
            raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(array)})")
        leaves.extend(array.reshape(-1))
        return
    if not hasattr(data, "__len__"):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    for x in data:
        _collect(x, shape, depth + 1, leaves)


def _infer_dtype(leaves: Sequence[Any]) -> dtypes.dtype:
    if not leaves:
        return dtypes.get_default_dtype()
    kinds = {type(x) for x in leaves}
    found: dtypes.dtype | None = None
    for kind in kinds:
        if issubclass(kind, Tensor):
            for x in leaves:
                if isinstance(x, Tensor):
                    found = x.dtype if found is None else dtypes.promote_types(found, x.dtype)
            continue
        if issubclass(kind, np.generic) and kind is not np.float64:
            d = dtypes.from_numpy_dtype(np.dtype(kind))
        elif issubclass(kind, np.float64):
            d = dtypes.float64
        elif issubclass(kind, bool):
            d = dtypes.bool_
        elif issubclass(kind, int):
            d = dtypes.int64
        elif issubclass(kind, float):
            d = dtypes.get_default_dtype()
        else:
            d = dtypes.number_dtype("c")
        found = d if found is None else dtypes.promote_types(found, d)
    return found or dtypes.get_default_dtype()


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor with a copy of the data (numbers, nested sequences, arrays, tensors); always a leaf.

    Raises:
        ValueError: sequences of unequal lengths. TypeError, RuntimeError: items that are no numbers.
    """
    dtype = check_dtype(dtype)
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        copied = clone(data.detach())
        copied = to(copied, dtype=dtype or data.dtype, device=device or data.device)
        return finish(copied, requires_grad)
    return finish(on_place(array_of(data, dtype), to_place(device)), requires_grad)


_warned_not_writable = False


def _warn_not_writable() -> None:
    """Tell, once, that writes to a tensor over a read-only array are not defined."""
    global _warned_not_writable
    if not _warned_not_writable:
        _warned_not_writable = True
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to "
            "this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it "
            "writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.",
            UserWarning,
            stacklevel=3,
        )


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        prefix = "numpy." if isinstance(ndarray, np.generic) else ""
        raise TypeError(f"expected np.ndarray (got {prefix}{kind.__name__})")
    dtypes.from_numpy_dtype(ndarray.dtype)
    _check_memory(ndarray)
    if not ndarray.flags.writeable:
        _warn_not_writable()
    a = aval(ndarray.shape, ndarray.dtype, HOST)
    out = Tensor.__new__(Tensor)
    out._aval = a
    out._storage = Storage(None, a)
    strides = tuple(s // ndarray.itemsize for s in ndarray.strides)
    if strides != contiguous_strides(ndarray.shape) and ndarray.size:
        out._strides = strides
        if is_non_overlapping_and_dense(ndarray.shape, strides):
            out._storage.strides = strides
    out._storage.tie(ndarray if ndarray.base is not None else ndarray.view())
    return out


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor that shares the data's memory where it can."""
    dtype = check_dtype(dtype)
    if isinstance(data, Tensor):
        return to(data, dtype=dtype, device=device)
    if isinstance(data, np.ndarray) and (device is None or to_place(device) is HOST) and to_place(None) is HOST:
        shared = from_numpy(data)
        return shared if dtype is None else to(shared, dtype)
    return on_place(array_of(data, dtype), to_place(device))


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """Any array-like as a tensor, sharing memory unless ``copy`` or the arguments forbid it."""
    if isinstance(obj, Tensor):
        out = obj if requires_grad else obj.detach()
        moved = to(out, dtype=check_dtype(dtype), device=device)
        out = clone(out) if copy and moved is out else moved
    elif is_storage(obj):
        shown = on_storage(obj, check_dtype(dtype))
        moved = to(shown, device=device)
        out = clone(moved) if copy and moved is shown else moved
    elif copy:
        out = on_place(array_of(obj, check_dtype(dtype)), to_place(device))
    else:
        out = as_tensor(obj, dtype, device)
    return finish(out, requires_grad)


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-D tensor over the memory of a Python buffer."""
    d = check_dtype(dtype)
    if d is None:
        raise TypeError("frombuffer(): argument 'dtype' must be torch.dtype, not None")
    array = np.frombuffer(buffer, dtypes.to_numpy_dtype(d), count, offset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if array.flags.writeable else "default")
        return finish(from_numpy(array), requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor from an object with ``__dlpack__`` (shares memory with host arrays), moved to ``device`` if one is named.

    Raises:
        BufferError: for a tensor that requires grad, or one without values.
    """
    shared = _shared_by_dlpack(ext_tensor)
    if copy:
        shared = clone(shared)
    return shared if device is None else to(shared, device)


def _shared_by_dlpack(ext_tensor: Any) -> Tensor:
    if isinstance(ext_tensor, Tensor):
        if ext_tensor.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        if ext_tensor.is_meta:
            raise BufferError("Cannot pack tensors on meta")
        return ext_tensor.detach()
    kind = ext_tensor.__dlpack_device__()[0] if hasattr(ext_tensor, "__dlpack_device__") else 1
    if kind == 1:
        return from_numpy(np.from_dlpack(ext_tensor))
    import jax

    from ..interop import from_jax

    return from_jax(jax.dlpack.from_dlpack(ext_tensor))
