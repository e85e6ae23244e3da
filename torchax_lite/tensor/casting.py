"""Moving tensors between dtypes, devices and memory formats: ``to``, ``type``, ``clone``, ``contiguous``, ``copy_``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.avals import Place, aval
from ..engine.recorder import Node
from ..ops.registry import OPS
from . import dispatch, dtypes
from .device import device, to_place
from .layouts import channels_last, channels_last_3d, contiguous_format, memory_format, preserve_format
from .modes import modes
from .sites import DiffSite
from .strides import channels_last_strides, contiguous_strides, preserve_strides
from .tensor import Tensor

_to_copy, _clone, _copy_into = OPS["to_copy"], OPS["clone"], OPS["copy_into"]


def cast(t: Tensor, dtype: dtypes.dtype) -> Tensor:
    """The values in another dtype (a new tensor)."""
    return dispatch.call(_to_copy, (t,), (), (dtype,))  # type: ignore[no-any-return]


class _TransferSite(DiffSite):
    """A transfer between places; its derivative is the transfer back."""

    __slots__ = ("differentiable",)


_transfers: dict[Any, _TransferSite] = {}


def to_place_copy(t: Tensor, where: Place) -> Tensor:
    """The values on another device (a new tensor)."""
    if where.kind == "transform" or t._aval.place.kind == "transform":
        from .transforms import transfer

        return transfer(t, where)  # type: ignore[no-any-return]
    import jax

    source = t._aval
    node = t._sync()
    target = aval(source.shape, source.dtype, where)
    if where.kind == "meta":
        moved = Node(target)
    elif source.place.kind == "meta":
        raise NotImplementedError(
            "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving module from meta to a different device."
        )
    else:
        if node.value is None:
            source.recorder.flush("device transfer")
        value = node.value
        if where.kind == "device":
            # A copy also where both are one JAX device (``xla`` on the CPU): a program may take over either's memory.
            with jax.enable_x64(True):
                value = (
                    np.array(value) if where.type == "cpu" else jax.device_put(value, where.jax_device, may_alias=False)
                )
        moved = Node(target, value)
    out = dispatch.wrap(moved)
    if t._strides is not None:
        out._strides = out._storage.strides = preserve_strides(source.shape, t.stride())
    if t.requires_grad and modes.grad:
        key = (source, where)
        site = _transfers.get(key)
        if site is None:
            site = _TransferSite(lambda x: [x], (source,), "", (target,), "to_copy", None, "ToCopyBackward0", where)
            site.differentiable = True
            site.automatic = False
            site.saves_in = ()
            _transfers[key] = site
        from ..autograd.transfer import attach_transfer

        attach_transfer(t, out, source.place)
    return out


def parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool, bool, Any]:
    """(device, dtype, non_blocking, copy, memory_format) of the documented forms of ``Tensor.to``."""
    kwargs = dict(kwargs)
    fmt = kwargs.pop("memory_format", None)
    dev, dt = kwargs.pop("device", None), dtypes.of_python(kwargs.pop("dtype", None))
    rest = [dtypes.of_python(a) for a in args]
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
        dev, dt = other.device, other.dtype
    elif "other" in kwargs:
        other = kwargs.pop("other")
        dev, dt = other.device, other.dtype
    elif rest and isinstance(rest[0], dtypes.dtype):
        dt = rest.pop(0)
    elif rest and (isinstance(rest[0], (device, str)) or (isinstance(rest[0], int) and not isinstance(rest[0], bool))):
        dev = rest.pop(0)
        if rest and isinstance(rest[0], dtypes.dtype):
            dt = rest.pop(0)
        elif rest and rest[0] is None:
            rest.pop(0)
    elif rest and rest[0] is None:
        rest.pop(0)
        if rest and isinstance(rest[0], dtypes.dtype):
            dt = rest.pop(0)
    names = ["non_blocking", "copy"]
    values = dict(zip(names, rest, strict=False))
    if len(rest) > 2:
        raise TypeError("to() received an invalid combination of arguments")
    for name in names:
        if name in kwargs:
            values[name] = kwargs.pop(name)
    if (
        kwargs
        or any(not isinstance(v, bool) for v in values.values())
        or (dt is not None and not isinstance(dt, dtypes.dtype))
    ):
        from .overloads import describe

        got = ", ".join([*(describe(a) for a in args), *(f"{k}={describe(v)}" for k, v in kwargs.items())])
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({got}), but expected one of:\n * (torch.device device = None, "
            "torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format "
            "= None)\n * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format "
            "memory_format = None)\n * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format "
            "memory_format = None)\n"
        )
    return dev, dt, values.get("non_blocking", False), values.get("copy", False), fmt


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another dtype and/or device; itself when nothing changes and ``copy`` is False."""
    dev, dt, _, copy, fmt = parse_to(args, kwargs)
    out = self
    if dev is not None:
        where = to_place(dev)
        if where is not out._aval.place and out._aval.place.kind != "trace":
            out = to_place_copy(out, where)
    if dt is not None and dt is not out.dtype:
        out = cast(out, dt)
    if out is self and copy:
        return clone(self, memory_format=fmt or preserve_format)
    if fmt is not None and fmt is not preserve_format and not out.is_contiguous(memory_format=fmt):
        return clone(out, memory_format=fmt)
    return out


def format_strides(t: Tensor, fmt: memory_format) -> tuple[int, ...] | None:
    """Strides of a copy of ``t`` in a memory format; None for contiguous."""
    shape = t._aval.shape
    if fmt is contiguous_format:
        return None
    if fmt is preserve_format:
        return None if t._strides is None else preserve_strides(shape, t._strides)
    need = 4 if fmt is channels_last else 5
    if fmt not in (channels_last, channels_last_3d) or len(shape) != need:
        raise RuntimeError(f"required rank {need} tensor to use {str(fmt).removeprefix('torch.')} format")
    made = channels_last_strides(shape)
    return None if made == contiguous_strides(shape) else made


def clone(input: Tensor, *, memory_format: memory_format = preserve_format) -> Tensor:
    """A copy with its own memory; gradients flow through it."""
    strides = format_strides(input, memory_format)
    out: Tensor = dispatch.call(_clone, (input,))
    if out._own_layout:
        return out
    out.__dict__.pop("_strides", None)
    out._storage.strides = None
    if strides is not None:
        out._strides = out._storage.strides = strides
    return out


def contiguous(self: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """The tensor itself when its memory has that order, else a copy."""
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return self if self.is_contiguous(memory_format=memory_format) else clone(self, memory_format=memory_format)


def copy_(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite the values with ``other``, broadcast and cast; returns the tensor itself."""
    from .creation import as_tensor

    src = other if isinstance(other, Tensor) else as_tensor(other, device=self.device)
    if src is self:
        return self
    if src._own_layout:
        from ..sparse._tensor import copy_between

        raise copy_between(self, src)
    dispatch.check_writable(self)
    if src._storage is self._storage:
        dispatch.check_overlap(_copy_into, self, (src,))
    shape, target = src._aval.shape, self._aval.shape
    if shape != target:
        lead = len(target) - len(shape)
        for i, s in enumerate(shape):
            have = target[i + lead] if i + lead >= 0 else 1
            if i + lead < 0 or (s != have and s != 1):
                raise RuntimeError(
                    f"The size of tensor a ({have}) must match the size of tensor b ({s}) at non-singleton dimension {i + lead}"
                    if lead >= 0
                    else f"output with shape {list(target)} doesn't match the broadcast shape {list(shape)}"
                )
    if src._aval.place is not self._aval.place and "trace" not in (src._aval.place.kind, self._aval.place.kind):
        src = to_place_copy(src, self._aval.place)
    if src._aval.place is not self._aval.place and src._aval.place.kind == "transform":
        from .transforms import adopt

        adopt(self, src._aval.place)
    site_key = ((), self._aval, src._aval)
    site = _copy_into.sites.get(site_key) or dispatch.make_site(_copy_into, (self, src), (), (), site_key)
    node = src._sync()
    flat = [self, src]
    dispatch.store(self, site, flat, [self._sync(), node], [], self.requires_grad or src.requires_grad)
    return self


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Name of the tensor's type, or the tensor cast to a type."""
    if dtype is None:
        prefix = "torch.cuda." if self.is_cuda else "torch."
        return f"{prefix}{dtypes.scalar_type_name(self.dtype)}Tensor"
    if isinstance(dtype, str):
        found = {f"torch.{dtypes.scalar_type_name(d)}Tensor": d for d in dtypes.DTYPES.values()}.get(dtype)
        if found is None:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = found
    elif not isinstance(dtype, dtypes.dtype):
        dtype = getattr(dtype, "dtype", dtype)
    return to(self, dtype)


def cpu(self: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
    """The tensor on the CPU."""
    return to(self, "cpu", memory_format=memory_format)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a GPU (JAX's GPU backend)."""
    return to(self, "cuda" if device is None else device, memory_format=memory_format)


def caster(dtype: dtypes.dtype) -> Any:
    """A method that casts to one dtype."""

    def method(self: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        return to(self, dtype, memory_format=memory_format)

    method.__name__ = next(iter(dtype._aliases), str(dtype).removeprefix("torch."))
    method.__doc__ = f"The tensor cast to ``{dtype!r}``."
    return method


for _name, _dtype in {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32",
    "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128",
}.items():  # fmt: skip
    _method = caster(dtypes.DTYPES[_dtype])
    _method.__name__ = _name
    setattr(Tensor, _name, _method)

for _name, _function in {
    "to": to, "clone": clone, "contiguous": contiguous, "copy_": copy_, "type": type_, "cpu": cpu, "cuda": cuda,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
