"""Factories: tensors of one number, of rows of numbers, like other tensors, and the legacy constructors."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..engine.avals import Aval
from ..ops.registry import OPS
from . import dispatch, dtypes
from .casting import format_strides, to
from .device import to_place
from .from_data import array_of, as_tensor, asarray, from_dlpack, from_numpy, frombuffer, tensor
from .layouts import contiguous_format, preserve_format, strided
from .making import HOST, check_dtype, finish, on_place, record, result_or_out, size_of
from .size import Size
from .strides import contiguous_strides, is_non_overlapping_and_dense
from .tensor import Tensor

_full, _arange, _linspace, _eye = OPS["full"], OPS["arange"], OPS["linspace"], OPS["eye"]


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
    if overwritten and to_place(device) is HOST:
        return on_place(np.zeros(size, dtypes.to_numpy_dtype(dtype)), HOST)
    if value:
        check_fits(value, dtype)
    return record(_full, to_place(device), (value,), (size, dtype))


def ones_of(a: Aval) -> Tensor:
    """Ones in the shape, dtype and place of an aval."""
    if a.place.kind == "device":
        return record(_full, a.place, (1,), (a.shape, a.ext.dtype))
    made: Tensor = ones(a.shape, dtype=a.ext.dtype, device=a.ext.device)
    return made


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
        return result_or_out(finish(made, requires_grad, layout, pin_memory), out)

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
        return finish(made, requires_grad, layout, pin_memory)

    def new(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
            layout: Any = None, pin_memory: bool = False, **kwargs: Any) -> Tensor:  # fmt: skip
        shape = size_of(size, kwargs.pop("size", None), f"new_{name}")
        if kwargs:
            raise TypeError(f"new_{name}() got an unexpected keyword argument '{next(iter(kwargs))}'")
        made = _full_tensor(shape, value, check_dtype(dtype) or self.dtype, _device_like(self, device))
        made = _beside(made, self)
        return finish(made, requires_grad, layout, pin_memory)

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
    if names is not None:
        raise TypeError("full() got an unexpected keyword argument 'names'")
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
    return result_or_out(finish(_full_tensor(shape, number, d, device), requires_grad, layout, pin_memory), out)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = preserve_format, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor like ``input``, filled with one number."""
    number = dispatch.python_number(fill_value)
    made = _full_tensor(input._aval.shape, number, check_dtype(dtype) or input.dtype, _device_like(input, device))
    made = _beside(made, input)
    strides = format_strides(input, memory_format)
    if strides is not None:
        made._strides = made._storage.strides = strides
    return finish(made, requires_grad, layout, pin_memory)


def _new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of a shape with this tensor's dtype and device, filled with one number."""
    made = _full_tensor(
        size_of((size,)),
        dispatch.python_number(fill_value),
        check_dtype(dtype) or self.dtype,
        _device_like(self, device),
    )
    return finish(_beside(made, self), requires_grad, layout, pin_memory)


def _new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor from data, with this tensor's dtype and device."""
    if isinstance(data, Tensor):
        return tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
    made = on_place(array_of(data, check_dtype(dtype) or self.dtype), to_place(_device_like(self, device)))
    return finish(_beside(made, self), requires_grad, layout, pin_memory)


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
    return finish(made, requires_grad, layout, pin_memory)


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
    if d is dtypes.bool_:
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
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
    return _out_counted(finish(made, requires_grad, layout, pin_memory), out, warn=True)


def range_(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Numbers from ``start`` to ``end`` inclusive (deprecated in favour of ``arange``)."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    d = check_dtype(dtype) or (out.dtype if out is not None else dtypes.get_default_dtype())
    if d is dtypes.bool_:
        raise NotImplementedError("\"range_cpu\" not implemented for 'Bool'")
    length = int((float(end) - float(start)) / float(step) + 1)
    made = record(_arange, to_place(device), (float(start), float(step)), (length, d))
    return _out_counted(finish(made, requires_grad, layout), out)


def _out_counted(result: Tensor, out: Tensor | None, warn: bool = False) -> Tensor:
    """As :func:`result_or_out` for rows of numbers: an ``out`` with as many elements keeps its shape."""
    if out is None or out.numel() != result.numel():
        if out is not None and warn and out.numel():
            warnings.warn(
                f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which does not "
                f"match the computed number of elements {result.numel()}. Note that this may occur as a result of "
                f"rounding error. The out tensor will be resized to a tensor of shape ({result.numel()},).",
                stacklevel=3,
            )
        return result_or_out(result, out)
    return result_or_out(result.view(out.shape), out)


def _check_steps(name: str, start: Any, end: Any, steps: Any) -> None:
    ranks = {k: v.ndim for k, v in (("start", start), ("end", end)) if isinstance(v, Tensor)}
    if any(ranks.values()):
        listed = " and ".join(f"{k} with {n} dimension(s)" for k, n in ranks.items())
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {listed}.")
    numbers = all(isinstance(v, (Tensor, int, float, complex, np.number)) for v in (start, end))
    if not numbers or steps is None or isinstance(steps, (bool, float, complex, str)):
        shown = ", ".join("Tensor" if isinstance(v, Tensor) else type(v).__name__ for v in (start, end, steps))
        rest = ", float base = 10.0" if name == "logspace" else ""
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({shown}), but expected one of:\n * (Tensor "
            f"start, Tensor end, int steps{rest})\n * (Number start, Number end, int steps{rest})\n"
        )


def _spaced_dtype(name: str, start: Any, end: Any, dtype: Any, out: Tensor | None) -> dtypes.dtype:
    """The dtype of ``linspace`` and ``logspace``: the one asked for, that of ``out``, or the default one of its kind."""
    d = check_dtype(dtype) or (out.dtype if out is not None else None)
    if complex in (type(start), type(end)):
        inferred = dtypes.number_dtype("c")
        if d is not None and not d.is_complex:
            shown = {dtypes.complex64: "float", dtypes.complex128: "double"}[inferred]
            raise RuntimeError(
                f"torch.{name}(): inferred dtype c10::complex<{shown}> can't be safely cast to passed dtype "
                f"{dtypes.scalar_type_name(d)}"
            )
        return d or inferred
    if d is dtypes.bool_:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    return d or dtypes.get_default_dtype()


def linspace(start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    _check_steps("linspace", start, end, steps)
    start, end, steps = (v.item() if isinstance(v, Tensor) else v for v in (start, end, steps))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    d = _spaced_dtype("linspace", start, end, dtype, out)
    kind = complex if d.is_complex else float if d.is_floating_point else int
    made = record(_linspace, to_place(device), (kind(start), kind(end)), (steps, d))
    return _out_counted(finish(made, requires_grad, layout, pin_memory), out)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``base`` to the power of evenly spaced exponents."""
    _check_steps("logspace", start, end, steps)
    start, end, steps = (v.item() if isinstance(v, Tensor) else v for v in (start, end, steps))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    d = _spaced_dtype("logspace", start, end, dtype, out)
    if d.is_floating_point or d.is_complex:
        wide = dtypes.float64 if d is dtypes.float32 else d
    else:
        start, end, wide = int(start), int(end), dtypes.float64
    made = float(base) ** linspace(start, end, steps, dtype=wide, device=device)
    return _out_counted(finish(to(made, d), requires_grad, layout, pin_memory), out)


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
    return result_or_out(finish(made, requires_grad, layout, pin_memory), out)


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-dim tensor of a number, in the default dtype unless told."""
    made = _full_tensor((), dispatch.python_number(s), check_dtype(dtype) or dtypes.get_default_dtype(), device)
    return finish(made, requires_grad, layout, pin_memory)


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
        return on_place(array_of(data, dtype), to_place(device))
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
