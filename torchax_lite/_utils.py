"""``torch._utils``: what pickles of tensors call when they are loaded, whose names are part of the file format, and what
libraries take from it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NoReturn

from .composite.rearranging import _neg_view
from .tensor import dtypes
from .tensor.rebuilding import checked_geometry, tensor_at
from .tensor.storage_api import TypedStorage, UntypedStorage
from .tensor.tensor import Tensor


def _rebuild_tensor(storage: TypedStorage, storage_offset: int, size: Any, stride: Any) -> Tensor:
    """A tensor on a typed storage."""
    return tensor_at(storage, storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: TypedStorage, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor on a typed storage, with its ``requires_grad``."""
    made = _with_metadata(_rebuild_tensor(storage, storage_offset, size, stride), metadata)
    made.requires_grad = bool(requires_grad)
    return made


def _rebuild_tensor_v3(
    storage: UntypedStorage, storage_offset: int, size: Any, stride: Any, requires_grad: bool, backward_hooks: Any,
    dtype: dtypes.dtype, metadata: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor on an untyped storage, for dtypes without a storage class."""
    if type(dtype) is not dtypes.dtype:
        raise NotImplementedError(f"a tensor of {dtype} in a file")
    made = _with_metadata(tensor_at(storage, dtype, storage_offset, size, stride), metadata)
    made.requires_grad = bool(requires_grad)
    return made


def _with_metadata(tensor: Tensor, metadata: Any) -> Tensor:
    """What a tensor with PyTorch's ``conj`` and ``neg`` bits shows; both are computed at once here."""
    if not metadata:
        return tensor
    if type(metadata) is not dict or not metadata.keys() <= {"conj", "neg"}:
        raise NotImplementedError(f"tensor metadata in a file: {metadata}")
    if metadata.get("conj"):
        tensor = tensor.conj()
    return _neg_view(tensor) if metadata.get("neg") else tensor


def get_tensor_metadata(tensor: Tensor) -> dict[str, bool]:
    """Which of the bits ``conj`` and ``neg`` a tensor has: none, ever."""
    if not isinstance(tensor, Tensor):
        raise AssertionError(f"expected torch.Tensor, got {type(tensor).__name__}")
    return {}


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Tensor:
    """A sparse tensor of its parts: (indices, values, size, coalesced), or (compressed, plain, values, size)."""
    from .sparse._convert import COMPRESSED
    from .sparse._tensor import compressed, coo
    from .tensor.layouts import sparse_coo

    if layout is not sparse_coo and layout not in COMPRESSED:
        raise NotImplementedError(f"rebuilding sparse tensor for layout {layout}")
    if layout is sparse_coo:
        indices, values, size, *known = data
        return coo(indices, values, size, bool(known and known[0]))
    return compressed(layout, *data)


def _rebuild_meta_tensor_no_storage(dtype: dtypes.dtype, size: Any, stride: Any, requires_grad: bool) -> Tensor:
    """A tensor without values."""
    from .tensor.creation import empty_strided

    size, stride, _ = checked_geometry(size, stride, 0)
    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _rebuild_device_tensor_from_cpu_tensor(data: Tensor, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """A tensor that was saved from a device without storages of its own (torch_xla's)."""
    from .serialization._locations import mapped_device
    from .serialization._options import _serialization_tls

    made = data.to(dtype=dtype, device=mapped_device(device, _serialization_tls.map_location))
    made.requires_grad = bool(requires_grad)
    return made


def _rebuild_device_tensor_from_numpy(data: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """As :func:`_rebuild_device_tensor_from_cpu_tensor`, from a NumPy array."""
    import numpy as np

    from .tensor.creation import from_numpy

    if not isinstance(data, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(data).__name__})")
    return _rebuild_device_tensor_from_cpu_tensor(from_numpy(data), dtype, device, requires_grad)


_rebuild_xla_tensor = _rebuild_device_tensor_from_numpy


def _rebuild_qtensor(*args: Any) -> NoReturn:
    """Quantised tensors are not here."""
    raise NotImplementedError("torch.load of quantised tensors: save them dequantised (t.dequantize())")


def _rebuild_nested_tensor(*args: Any) -> NoReturn:
    """Nested tensors are not read from files."""
    raise NotImplementedError("torch.load of nested tensors: save a padded tensor and the lengths")


def _rebuild_wrapper_subclass(*args: Any) -> NoReturn:
    """Wrapper subclasses without data are not read from files."""
    raise NotImplementedError("torch.load of a tensor subclass without data of its own (_make_wrapper_subclass)")


def _rebuild_from_type(func: Any, new_type: Any, args: Any, dict: Any) -> Any:
    """What files of PyTorch 1.6 to 1.10 call for tensors with attributes."""
    return _rebuild_from_type_v2(func, new_type, args, dict)


def _rebuild_from_type_v2(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    """What ``func(*args)`` rebuilds, in its class and with its attributes."""
    made = func(*args)
    if type(made) is not new_type:
        made = Tensor._make_subclass(new_type, made, made.requires_grad)
    if getattr(new_type, "__setstate__", Tensor.__setstate__) is not Tensor.__setstate__:
        made.__setstate__(state)
        return made
    parts = state if isinstance(state, tuple) else (state,)
    if len(parts) > 2:
        raise RuntimeError(f"Invalid serialized state: {state}")
    for part in parts:
        for name, value in _checked_attributes(part or {}).items():
            setattr(made, name, value)
    return made


def _checked_attributes(state: Any) -> Any:
    """Attributes from a file, none of which is the library's own: those say where memory lies."""
    from .tensor.copying import INTERNAL

    for name in state:
        if type(name) is not str or name in INTERNAL or name.startswith("__"):
            raise RuntimeError(f"a tensor in a file has the reserved attribute {name!r}")
    return state


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Tensor:
    """A parameter."""
    from .nn import parameter

    return parameter._rebuild_parameter(data, requires_grad, backward_hooks)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any) -> Tensor:
    """A parameter with the attributes that a user had set on it."""
    from .nn import parameter

    attributes = {}
    for part in state if isinstance(state, tuple) else (state,):
        attributes.update(_checked_attributes(part or {}))
    return parameter._rebuild_parameter_with_state(data, requires_grad, backward_hooks, attributes)


def _element_size(dtype: dtypes.dtype) -> int:
    """Bytes of one element."""
    return dtype.itemsize


class KeyErrorMessage(str):
    """A text that ``KeyError`` prints as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """An exception on its way to another process: its class, and its text with the traceback.

    Args:
        exc_info: as of ``sys.exc_info()``; the exception being handled by default.
        where: completes "Caught ... ".
    """

    def __init__(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None,
        where: str = "in background",
    ) -> None:
        kind, value, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type: Any = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise the exception here, with the text of where it was raised first; RuntimeError where it cannot be made."""
        text = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            text = KeyErrorMessage(text)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=text)
        try:
            exception = self.exc_type(text)
        except Exception:
            raise RuntimeError(text) from None
        raise exception


# -- devices -----------------------------------------------------------------------------------------------------------


def _get_available_device_type() -> str | None:
    """The device type of the accelerator; None where there is only the CPU."""
    from .accelerator import current_accelerator

    found = current_accelerator()
    return None if found is None else found.type


def _get_device_module(device_type: str) -> Any:
    """The module of a device type: ``torch.cuda``.

    Raises:
        RuntimeError: there is none.
    """
    import torchax_lite as torch

    module = getattr(torch, device_type, None)
    if module is None:
        raise RuntimeError(
            f"Device '{device_type}' does not have a corresponding module registered as 'torch.{device_type}'."
        )
    return module


def _get_current_device_index() -> int | None:
    """The index of the current device of the accelerator; None where there is only the CPU."""
    kind = _get_available_device_type()
    return None if kind is None else _get_device_module(kind).current_device()


def _get_all_device_indices() -> list[int] | None:
    """The indices of the accelerator's devices; None where there is only the CPU."""
    kind = _get_available_device_type()
    return None if kind is None else list(range(_get_device_module(kind).device_count()))


def get_current_device_index() -> int:
    """The index of the accelerator's current device, -1 where there is only the CPU."""
    found = _get_current_device_index()
    return -1 if found is None else found


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> Any:
    """The index of a device given as a device, a string or a number.

    Args:
        optional: a device without an index means the current one.
        allow_cpu: the CPU has index -1; otherwise it is refused.

    Raises:
        ValueError: the CPU, or no index.
    """
    from .tensor.device import device as Device

    given = Device(device) if isinstance(device, str) else device
    index = given if isinstance(given, int) else None
    if isinstance(given, Device):
        if given.type == "cpu":
            if not allow_cpu:
                raise ValueError(f"Expected a non cpu device, but got: {given}")
            return -1
        index = given.index
    if index is None:
        if not optional:
            raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{given}")
        return _get_current_device_index()
    return index


# -- lists of tensors ---------------------------------------------------------------------------------------------------


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """The elements of tensors of one dtype, one after the other."""
    import torchax_lite as torch

    return torch.cat([t.contiguous().view(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Views of ``flat`` with the shapes of ``tensors``, in this order."""
    made, start = [], 0
    for t in tensors:
        made.append(flat.narrow(0, start, t.numel()).view(t.shape))
        start += t.numel()
    return tuple(made)


def _take_tensors(tensors: Iterable[Tensor], size_limit: int) -> Iterator[list[Tensor]]:
    """Tensors of one type in groups of at most ``size_limit`` bytes (a larger one is a group of its own)."""
    waiting: dict[str, list[Tensor]] = {}
    sizes: dict[str, int] = {}
    for t in tensors:
        kind, size = t.type(), t.numel() * t.element_size()
        if waiting.get(kind) and sizes[kind] + size > size_limit:
            yield waiting[kind]
            waiting[kind] = []
        if not waiting.get(kind):
            waiting[kind], sizes[kind] = [], 0
        waiting[kind].append(t)
        sizes[kind] += size
    yield from (group for group in waiting.values() if group)


def _reorder_tensors_as(tensors: Iterable[Tensor], ordered_tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Tensors that are grouped by type, in the order of types of ``ordered_tensors``."""
    by_type: dict[str, list[Tensor]] = {}
    for t in tensors:
        by_type.setdefault(t.type(), []).append(t)
    given = {kind: iter(group) for kind, group in by_type.items()}
    return tuple(next(given[t.type()]) for t in ordered_tensors)


def _handle_complex(tensor: Tensor) -> Tensor:
    """A complex tensor as real pairs; others as they are."""
    import torchax_lite as torch

    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


# -- others --------------------------------------------------------------------------------------------------------------


class classproperty:
    """A property of the class itself: ``@classproperty`` above ``def name(cls)``."""

    def __init__(self, fget: Any) -> None:
        self.fget = fget

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self.fget(type(instance) if owner is None else owner)


def is_compiling() -> bool:
    """Whether ``torch.compile`` is tracing."""
    from .compiler import is_compiling

    return bool(is_compiling())


def cpu_count() -> int:
    """Number of CPUs that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _import_dotted_name(name: str) -> Any:
    """What a dotted name stands for, whose first part is a module."""
    first, *rest = name.split(".")
    found: Any = __import__(first)
    for part in rest:
        found = getattr(found, part)
    return found
