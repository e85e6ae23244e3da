"""``torch._utils``: what pickles of tensors call when they are loaded, whose names are part of the file format, and what
libraries take from it.
"""

from __future__ import annotations

import sys
import traceback
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
