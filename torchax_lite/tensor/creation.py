"""Factories: tensors from data, from numbers, from NumPy, and like other tensors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import Aval, Place, aval
from ..engine.recorder import Node
from ..ops.registry import OPS
from . import dispatch, dtypes
from .casting import clone, format_strides, to, to_place_copy
from .device import to_place
from .modes import modes
from .rebuilding import on_storage
from .size import Size
from .storage import Storage
from .storage_api import is_storage
from .strides import contiguous_strides, is_non_overlapping_and_dense
from .tensor import Tensor, contiguous_format, preserve_format, strided

_full, _arange, _linspace, _eye = OPS["full"], OPS["arange"], OPS["linspace"], OPS["eye"]


def on_place(array: np.ndarray[Any, Any], where: Place) -> Tensor:
    """A tensor with an array's values (the array must not be written any more)."""
    t: Tensor = dispatch.wrap(Node(aval(array.shape, array.dtype, _HOST), array))
    return t if where is _HOST else to_place_copy(t, where)


_HOST = to_place("cpu")


def _finish(t: Tensor, requires_grad: bool, layout: Any = None, pin_memory: bool = False) -> Tensor:
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"layout={layout!r}: make it dense and convert it: to_sparse(layout={layout!r})")
    if requires_grad:
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        t.requires_grad_(True)
    if modes.inference:
        t._inference = True
    return t


def site_on(op: Any, where: Place, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """The site of an op without tensor inputs on a place."""
    kinds = "".join(dispatch.KIND[s.__class__] for s in scalars)
    key = (where, kinds, statics)
    found = op.sites.get(key)
    if found is None:
        found = dispatch.make_site(op, (), scalars, statics, key)
        if where is not _HOST:
            from ..engine.recorder import Site

            out_avals = tuple(aval(a.shape, a.dtype, where) for a in found.out_avals)
            found = op.sites[key] = Site(found.fn, (), kinds, out_avals, found.name, found.label, where)
    return found


def record(op: Any, where: Place, scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Tensor:
    """Record an op without tensor inputs on a place."""
    scalars = tuple(dispatch.python_number(s) for s in scalars)
    site = site_on(op, where, scalars, statics)
    out: Tensor = dispatch.wrap(site.record(site, (), scalars))
    return out


# -- from data ---------------------------------------------------------------------------------------------------------


def _data_to_array(data: Any, dtype: dtypes.dtype | None) -> np.ndarray[Any, Any]:
    """A fresh NumPy array with the values of (nested) data, in the dtype that PyTorch infers."""
    if isinstance(data, np.ndarray):
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
        return _finish(copied, requires_grad)
    return _finish(on_place(_data_to_array(data, dtype), to_place(device)), requires_grad)


def check_dtype(dtype: Any) -> dtypes.dtype | None:
    """A dtype argument: a torch.dtype, a Python type, or None."""
    if dtype is None or isinstance(dtype, dtypes.dtype):
        return dtype
    found = dtypes.of_python(dtype)
    if isinstance(found, dtypes.dtype):
        return found
    raise TypeError(f"dtype must be torch.dtype, not {type(dtype).__name__}")


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy_dtype(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported."
        )
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to "
            "this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it "
            "writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.",
            UserWarning,
            stacklevel=2,
        )
    a = aval(ndarray.shape, ndarray.dtype, _HOST)
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
    if isinstance(data, np.ndarray) and (device is None or to_place(device) is _HOST) and to_place(None) is _HOST:
        shared = from_numpy(data)
        return shared if dtype is None else to(shared, dtype)
    return on_place(_data_to_array(data, dtype), to_place(device))


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
        out = on_place(_data_to_array(obj, check_dtype(dtype)), to_place(device))
    else:
        out = as_tensor(obj, dtype, device)
    return _finish(out, requires_grad)


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-D tensor over the memory of a Python buffer."""
    d = check_dtype(dtype)
    if d is None:
        raise TypeError("frombuffer(): argument 'dtype' must be torch.dtype, not None")
    array = np.frombuffer(buffer, dtypes.to_numpy_dtype(d), count, offset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if array.flags.writeable else "default")
        return _finish(from_numpy(array), requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor from an object with ``__dlpack__`` (shares memory with host arrays)."""
    if isinstance(ext_tensor, Tensor):
        return ext_tensor
    kind = ext_tensor.__dlpack_device__()[0] if hasattr(ext_tensor, "__dlpack_device__") else 1
    if kind == 1:
        shared = from_numpy(np.from_dlpack(ext_tensor))
        return clone(shared) if copy else shared
    import jax

    from ..interop import from_jax

    return from_jax(jax.dlpack.from_dlpack(ext_tensor))


# -- from numbers ------------------------------------------------------------------------------------------------------


def size_of(args: tuple[Any, ...], size: Any = None, function: str = "empty") -> tuple[int, ...]:
    """A shape from ``f(2, 3)``, ``f((2, 3))`` or ``size=``."""
    if size is None:
        if len(args) == 1 and (isinstance(args[0], (float, complex, bool, str)) or args[0] is None):
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, not {dispatch.type_name(args[0])}"
            )
        size = args[0] if len(args) == 1 and not isinstance(args[0], (int, np.integer)) else args
    if isinstance(size, Tensor) and size.ndim == 0:
        size = (size.item(),)
    if isinstance(size, (int, np.integer)):
        size = (size,)
    found = []
    for i, s in enumerate(size):
        if isinstance(s, (float, str)) or s is None or isinstance(s, bool):
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple of ints,but got {type(s).__name__}\""
            )
        s = s.__index__()
        found.append(s)
    if function == "zeros" and any(s < 0 for s in found):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    if any(s < 0 for s in found):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {next(s for s in found if s < 0)}: {list(found)}"
        )
    return tuple(found)


_C_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "float16": "c10::Half",
    "bfloat16": "c10::BFloat16", "float32": "float",
}  # fmt: skip


def check_fits(value: Any, dtype: dtypes.dtype) -> None:
    """RuntimeError for a number that a dtype cannot hold; negative numbers wrap around in unsigned dtypes."""
    if value.__class__ is bool or isinstance(value, complex) or not (value > 127 or value < -128 or value != value):
        return
    if dtype.is_floating_point:
        limit = dtypes.finfo(dtype).max
        fits = not limit < abs(value) < math.inf
    elif dtype.is_complex or dtype is dtypes.bool_:
        return
    else:
        top = dtypes.iinfo(dtype).max
        fits = (-top - 1 if dtype.is_signed else -top) <= value <= top
    if not fits:
        name = str(dtype).removeprefix("torch.")
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES.get(name, name)} without overflow")


def _full_tensor(
    size: tuple[int, ...], value: Any, dtype: dtypes.dtype, device: Any, overwritten: bool = False
) -> Tensor:
    """A filled tensor; on the CPU, one that is about to be ``overwritten`` is no op of the pending program."""
    if overwritten and to_place(device) is _HOST:
        return on_place(np.zeros(size, dtypes.to_numpy_dtype(dtype)), _HOST)
    if value:
        check_fits(value, dtype)
    return record(_full, to_place(device), (value,), (size, dtype))


def ones_of(a: Aval) -> Tensor:
    """Ones in the shape, dtype and place of an aval."""
    if a.place.kind == "device":
        return record(_full, a.place, (1,), (a.shape, a.ext.dtype))
    made: Tensor = ones(a.shape, dtype=a.ext.dtype, device=a.ext.device)
    return made


def _out(result: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        return result
    dispatch.write_out(out, result, "full")
    return out


def _lists_nothing(name: str, layout: Any) -> bool:
    """Whether a filled tensor of this layout is a sparse one without values."""
    return layout is not None and layout is not strided and name in ("zeros", "empty")


def _no_values(shape: Any, dtype: Any, device: Any, layout: Any, requires_grad: bool) -> Any:
    from ..sparse._build import no_values

    return no_values(shape, dtype, device, layout, requires_grad)


def _filler(name: str, value: float, doc: str) -> Any:
    def factory(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
                pin_memory: bool = False, requires_grad: bool = False, names: Any = None, memory_format: Any = None,
                **kwargs: Any) -> Tensor:  # fmt: skip
        if not size and "size" not in kwargs:
            raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
        shape = size_of(size, kwargs.pop("size", None), name)
        if kwargs:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if names is not None:
            raise NotImplementedError("named tensors are not supported")
        if out is not None and dtype is None:
            dtype, device = out.dtype, out.device
        if _lists_nothing(name, layout):
            return _no_values(shape, check_dtype(dtype), device, layout, requires_grad)
        made = _full_tensor(shape, value, check_dtype(dtype) or dtypes.get_default_dtype(), device, name == "empty")
        if memory_format is not None and memory_format is not contiguous_format:
            strides = format_strides(made, memory_format)
            if strides is not None:
                made._strides = made._storage.strides = strides
        return _out(_finish(made, requires_grad, layout, pin_memory), out)

    def like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
             memory_format: Any = preserve_format, pin_memory: bool = False) -> Tensor:  # fmt: skip
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}_like(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        layout = input.layout if layout is None and input._own_layout else layout
        if _lists_nothing(name, layout):
            where = _device_like(input, device)
            return _no_values(input._aval.shape, check_dtype(dtype) or input.dtype, where, layout, requires_grad)
        made = _full_tensor(input._aval.shape, value, check_dtype(dtype) or input.dtype, _device_like(input, device))
        made = _beside(made, input)
        strides = format_strides(input, memory_format)
        if strides is not None:
            made._strides = made._storage.strides = strides
        return _finish(made, requires_grad, layout, pin_memory)

    def new(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
            layout: Any = None, pin_memory: bool = False, **kwargs: Any) -> Tensor:  # fmt: skip
        shape = size_of(size, kwargs.pop("size", None), f"new_{name}")
        if kwargs:
            raise TypeError(f"new_{name}() got an unexpected keyword argument '{next(iter(kwargs))}'")
        made = _full_tensor(shape, value, check_dtype(dtype) or self.dtype, _device_like(self, device))
        made = _beside(made, self)
        return _finish(made, requires_grad, layout, pin_memory)

    factory.__name__, like.__name__, new.__name__ = name, f"{name}_like", f"new_{name}"
    factory.__doc__ = f"A tensor of a shape, filled with {doc}."
    like.__doc__ = f"A tensor with the shape, dtype and device of ``input``, filled with {doc}."
    new.__doc__ = f"A tensor of a shape, with this tensor's dtype and device, filled with {doc}."
    return factory, like, new


def _beside(made: Tensor, like: Tensor) -> Tensor:
    """A new tensor where ``like`` is: inside a function transform it can then take values that differ by example."""
    if like._aval.place.kind != "transform":
        return made
    from .transforms import lift

    return lift(made, like._aval.place) if made.device == like.device else made


def _device_like(t: Tensor, device: Any) -> Any:
    return t.device if device is None else device


zeros, zeros_like, _new_zeros = _filler("zeros", 0, "zeros")
ones, ones_like, _new_ones = _filler("ones", 1, "ones")
empty, empty_like, _new_empty = _filler("empty", 0, "unspecified values (zeros here)")


def full(size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, names: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of a shape, filled with one number."""
    shape = size_of((size,))
    d = check_dtype(dtype)
    if isinstance(fill_value, Tensor) and fill_value.ndim == 0 and not fill_value.requires_grad:
        d = d or fill_value.dtype
        fill_value = fill_value.item()
    number = dispatch.python_number(fill_value)
    if number is None:
        raise TypeError(f"full(): argument 'fill_value' (position 2) must be Number, not {type(fill_value).__name__}")
    if d is None:
        d = out.dtype if out is not None else dtypes.number_dtype(dispatch.KIND[number.__class__])
    return _out(_finish(_full_tensor(shape, number, d, device), requires_grad, layout, pin_memory), out)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = preserve_format, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor like ``input``, filled with one number."""
    number = dispatch.python_number(fill_value)
    made = _full_tensor(input._aval.shape, number, check_dtype(dtype) or input.dtype, _device_like(input, device))
    made = _beside(made, input)
    strides = format_strides(input, memory_format)
    if strides is not None:
        made._strides = made._storage.strides = strides
    return _finish(made, requires_grad, layout, pin_memory)


def _new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of a shape with this tensor's dtype and device, filled with one number."""
    made = _full_tensor(
        size_of((size,)),
        dispatch.python_number(fill_value),
        check_dtype(dtype) or self.dtype,
        _device_like(self, device),
    )
    return _finish(_beside(made, self), requires_grad, layout, pin_memory)


def _new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor from data, with this tensor's dtype and device."""
    if isinstance(data, Tensor):
        return tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
    made = on_place(_data_to_array(data, check_dtype(dtype) or self.dtype), to_place(_device_like(self, device)))
    return _finish(_beside(made, self), requires_grad, layout, pin_memory)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor with given shape and strides (values zero)."""
    shape, strides = size_of((size,)), tuple(stride)
    if len(shape) != len(strides):
        raise RuntimeError(
            f"mismatch in length of strides and shape: {list(strides)} has {len(strides)}, {list(shape)} has {len(shape)}"
        )
    d = check_dtype(dtype) or dtypes.get_default_dtype()
    if is_non_overlapping_and_dense(shape, strides):
        made = _full_tensor(shape, 0, d, device)
        if strides != contiguous_strides(shape):
            made._strides = made._storage.strides = strides
    else:
        span = 0 if 0 in shape else 1 + sum((s - 1) * st for s, st in zip(shape, strides, strict=True))
        made = _full_tensor((span,), 0, d, device).as_strided(shape, strides)
        made._base = None
    return _finish(made, requires_grad, layout, pin_memory)


def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor whose dims lie in memory in the given order, outermost first."""
    shape = size_of((size,))
    if len(shape) != len(physical_layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for i, d in enumerate(physical_layout):
        if not 0 <= d < len(shape):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {d} at index {i}).  NB: "
                "negative dims not currently supported; file an issue if you want it."
            )
        if d in physical_layout[:i]:
            raise RuntimeError("Duplicate dim not allowed")
    strides, step = [0] * len(shape), 1
    for d in reversed(list(physical_layout)):
        strides[d] = step
        step *= max(shape[d], 1)
    return empty_strided(shape, strides, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def arange(*args: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **kwargs: Any) -> Tensor:  # fmt: skip
    """Numbers from ``start`` (0) up to but not including ``end`` in steps of ``step`` (1)."""
    names = ("end",) if len(args) == 1 and "end" not in kwargs else ("start", "end", "step")
    given = dict(zip(names, args, strict=False))
    for k, v in kwargs.items():
        if k not in ("start", "end", "step") or k in given:
            raise TypeError(f"arange() got an unexpected keyword argument '{k}'")
        given[k] = v
    if "end" not in given or len(args) > 3:
        raise TypeError("arange() received an invalid combination of arguments")
    start, end, step = (dispatch.python_number(given.get(k, v)) for k, v in (("start", 0), ("end", None), ("step", 1)))
    if any(v is None for v in (start, end, step)):
        raise TypeError("arange() received an invalid combination of arguments - start, end and step must be Numbers")
    d = check_dtype(dtype) or (out.dtype if out is not None else None)
    if d is None:
        whole = all(isinstance(v, (int, bool)) for v in (start, end, step))
        d = dtypes.int64 if whole else dtypes.get_default_dtype()
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (d.is_floating_point or d.is_complex) and int(step) == 0:
        raise ValueError("step must be nonzero")
    if not all(math.isfinite(v) for v in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if d.is_floating_point:
        length = math.ceil((float(end) - float(start)) / float(step))
        numbers: tuple[Any, ...] = (float(start), float(step))
    else:
        numbers = (int(start), int(step))
        if all(isinstance(v, int) for v in (start, end, step)):
            length = -((start - end) // step)
        else:
            length = math.ceil((end - start) / step)
    made = record(_arange, to_place(device), numbers, (length, d))
    return _out(_finish(made, requires_grad, layout, pin_memory), out)


def range_(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Numbers from ``start`` to ``end`` inclusive (deprecated in favour of ``arange``)."""
    if end is None:
        start, end = 0, start
    d = check_dtype(dtype) or dtypes.get_default_dtype()
    length = int((float(end) - float(start)) / float(step) + 1)
    made = record(_arange, to_place(device), (float(start), float(step)), (length, d))
    return _out(_finish(made, requires_grad, layout), out)


def _check_steps(name: str, start: Any, end: Any, steps: Any) -> None:
    if isinstance(steps, (float, complex, str)):
        shown = ", ".join("Tensor" if isinstance(v, Tensor) else type(v).__name__ for v in (start, end, steps))
        rest = ", float base = 10.0" if name == "logspace" else ""
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({shown}), but expected one of:\n * (Tensor "
            f"start, Tensor end, int steps{rest})\n * (Number start, Number end, int steps{rest})\n"
        )


def linspace(start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    _check_steps("linspace", start, end, steps)
    start, end = dispatch.python_number(start), dispatch.python_number(end)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    d = check_dtype(dtype)
    if d is None:
        d = dtypes.number_dtype("c") if complex in (type(start), type(end)) else dtypes.get_default_dtype()
    numbers = (start, end) if d.is_complex else (float(start), float(end))
    made = record(_linspace, to_place(device), numbers, (int(steps), d))
    return _out(_finish(made, requires_grad, layout, pin_memory), out)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``base`` to the power of evenly spaced exponents."""
    _check_steps("logspace", start, end, steps)
    d = check_dtype(dtype) or dtypes.get_default_dtype()
    wide = d if d.is_floating_point or d.is_complex else dtypes.float64
    if wide is not d:
        start, end = (int(v) for v in (start, end))
    made = float(base) ** linspace(
        start, end, steps, dtype=dtypes.float64 if wide is dtypes.float32 else wide, device=device
    )
    return _out(_finish(to(made, d), requires_grad, layout, pin_memory), out)


def eye(n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Ones on the diagonal, zeros elsewhere; ``n`` rows and ``m`` columns."""
    for i, (which, count) in enumerate((("n", n), ("m", m))):
        if isinstance(count, (float, str)) or (count is None and which == "n"):
            kind = dispatch.type_name(count)
            raise TypeError(f"eye(): argument '{which}' (position {i + 1}) must be int, not {kind}")
    m = n if m is None else m
    if n < 0 or m < 0:
        raise RuntimeError(
            f"n must be greater or equal to 0, got {n}" if n < 0 else f"m must be greater or equal to 0, got {m}"
        )
    made = record(_eye, to_place(device), (), (int(n), int(m), check_dtype(dtype) or dtypes.get_default_dtype()))
    return _out(_finish(made, requires_grad, layout, pin_memory), out)


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-dim tensor of a number, in the default dtype unless told."""
    made = _full_tensor((), dispatch.python_number(s), check_dtype(dtype) or dtypes.get_default_dtype(), device)
    return _finish(made, requires_grad, layout, pin_memory)


def legacy_constructor(cls: Any, *args: Any, **kwargs: Any) -> Tensor:
    """``torch.Tensor(2, 3)``, ``torch.Tensor([1, 2])``, ``torch.Tensor(other)``."""
    device = kwargs.pop("device", None)
    if kwargs.keys() - {"data", "dtype", "requires_grad"}:
        raise TypeError(f"new() received an invalid keyword argument {next(iter(kwargs))!r}")
    if kwargs:
        raise TypeError("Tensor() takes positional sizes or data; use torch.tensor(data, dtype=..., requires_grad=...)")
    if len(args) == 1 and isinstance(args[0], Tensor):
        made = args[0].detach()
    else:
        made = legacy_new(dtypes.get_default_dtype(), device, *args)
    if cls is not Tensor:
        return Tensor._make_subclass(cls, made)
    return made


def legacy_new(dtype: dtypes.dtype, device: Any, *args: Any) -> Tensor:
    """The legacy typed constructors: sizes, a sequence, an array or a tensor."""
    if not args:
        return empty(0, dtype=dtype, device=device)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer)):
        data = args[0]
        if isinstance(data, Size):
            return empty(data, dtype=dtype, device=device)
        if isinstance(data, (float, complex)):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        if isinstance(data, Tensor):
            return data.detach() if data.dtype is dtype else _type_mismatch(dtype, data)
        return on_place(_data_to_array(data, dtype), to_place(device))
    return empty(*args, dtype=dtype, device=device)


def _type_mismatch(dtype: dtypes.dtype, data: Tensor) -> Tensor:
    raise TypeError(f"expected Tensor of dtype {dtype!r} (got {data.dtype!r})")


def _legacy_new_like(self: Tensor, *args: Any, size: Any = None, device: Any = None) -> Tensor:
    """``self.new(2, 3)``, ``self.new(data)``: a tensor of ``self``'s dtype on its device, by the legacy constructors' rules."""
    if size is not None:
        args = (*args, size if isinstance(size, Size) else Size(size))
    if device is None:
        device = self.device
    elif (given := to_place(device).type) != (own := self._aval.place.type):
        raise RuntimeError(f"legacy constructor expects device type: {own} but device type: {given} was passed")
    if args and (args[0] is None or isinstance(args[0], float)):
        raise TypeError(f"new(): data must be a sequence (got {type(args[0]).__name__})")
    return legacy_new(self.dtype, device, *args)


class _LegacyType(type):
    """``torch.FloatTensor`` and friends: callables that also answer isinstance."""

    _dtype: dtypes.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls._dtype and instance.is_cpu

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        return legacy_new(cls._dtype, device, *args)


LEGACY_TYPES: dict[str, Any] = {
    f"{dtypes.scalar_type_name(d)}Tensor": _LegacyType(
        f"{dtypes.scalar_type_name(d)}Tensor", (), {"_dtype": d, "dtype": d, "__module__": "torch"}
    )
    for d in dtypes.DTYPES.values()
    if not str(d).startswith("torch.float8") and str(d) not in ("torch.uint16", "torch.uint32", "torch.uint64")
}
"""``FloatTensor``, ``LongTensor`` …"""

for _name, _function in {
    "new_zeros": _new_zeros, "new_ones": _new_ones, "new_empty": _new_empty, "new_full": _new_full,
    "new_tensor": _new_tensor, "new": _legacy_new_like,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)

FUNCTIONS: dict[str, Any] = {
    f.__name__.rstrip("_"): f
    for f in (
        tensor, as_tensor, asarray, from_numpy, frombuffer, from_dlpack, zeros, zeros_like, ones, ones_like, empty, empty_like,
        full, full_like, empty_strided, empty_permuted, arange, range_, linspace, logspace, eye, scalar_tensor,
    )
}  # fmt: skip
"""Function forms for the torch namespace."""
