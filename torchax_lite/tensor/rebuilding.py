"""Tensors on raw memory, for files and pickles: a storage, an offset, sizes and strides."""

from __future__ import annotations

import copyreg
import sys
import weakref
from typing import Any

import numpy as np

from ..engine.avals import Place, aval, place
from ..engine.recorder import Node
from . import dtypes
from .size import Size
from .storage import Storage
from .storage_api import TypedStorage, UntypedStorage, flat_array, new_storage, root_of, tensor_on_storage
from .strides import contiguous_strides, is_non_overlapping_and_dense, memory_order
from .tensor import Tensor


class StorageWindow(TypedStorage):
    """Some consecutive elements of a storage: what early PyTorch called a storage view.

    Args:
        whole: the storage.
        start: its first element that is shown.
        numel: how many are shown.
    """

    __slots__ = ("numel", "start")

    def __init__(self, whole: TypedStorage, start: int, numel: int) -> None:
        super().__init__(whole._storage, whole.dtype)
        self.start = start + getattr(whole, "start", 0)
        self.numel = numel


def tensor_at(
    holder: UntypedStorage | TypedStorage, dtype: dtypes.dtype, offset: int, size: Any, stride: Any
) -> Tensor:
    """The tensor with this offset, size and strides (in elements of ``dtype``) on a storage.

    A storage that no tensor shows yet (``fresh``) takes the tensor's shape, when that covers it, so that the tensor is
    no view.

    Raises:
        RuntimeError: for numbers that are no sizes, or a tensor that reaches beyond the memory.
    """
    size, stride, offset = checked_geometry(size, stride, offset)
    storage = holder._storage
    numel = holder.nbytes() // dtype.itemsize
    room = numel
    if isinstance(holder, StorageWindow):
        room, offset = holder.start + holder.numel, offset + holder.start
    need = 0 if 0 in size else offset + 1 + sum((s - 1) * st for s, st in zip(size, stride, strict=True))
    if need > room:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{dtype.itemsize} requiring a storage size of {need * dtype.itemsize} are out of bounds for storage of "
            f"size {room * dtype.itemsize}"
        )
    if getattr(storage, "fresh", False):
        _shape_fresh(storage, dtype, numel, offset, size, stride)
    base = contiguous_strides(storage.aval.shape) if storage.strides is None else storage.strides
    if dtypes.from_numpy_dtype(storage.aval.dtype) is not dtype:
        return _of_other_dtype(storage, dtype, offset, size, stride)
    if offset == 0 and size == storage.aval.shape and stride == base:
        return root_of(storage)
    once = [1 if st == 0 else s for s, st in zip(size, stride, strict=True)]
    return root_of(storage).as_strided(once, stride, offset).expand(size).detach()


def _of_other_dtype(storage: Storage, dtype: dtypes.dtype, offset: int, size: Any, stride: Any) -> Tensor:
    """A tensor on memory whose base array has another dtype: a dense part of it, in any order of dimensions."""
    count = Size(size).numel()
    if stride != contiguous_strides(size) and not is_non_overlapping_and_dense(size, stride):
        raise NotImplementedError(f"a strided {dtype} tensor on a {storage.aval.dtype.name} storage")
    part = tensor_on_storage(UntypedStorage(storage), dtype)[offset : offset + count]
    order = memory_order(size, stride) if stride != contiguous_strides(size) else tuple(range(len(size)))
    inverse = [order.index(d) for d in range(len(size))]
    return part.view([size[d] for d in order]).permute(inverse).detach()


def checked_geometry(size: Any, stride: Any, offset: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """A size, strides and an offset from a file as tuples of non-negative ints; RuntimeError for anything else."""
    sequences = (tuple, list, Size)
    if not isinstance(size, sequences) or not isinstance(stride, sequences) or len(size) > 64:
        raise RuntimeError(f"invalid tensor geometry: size {size}, stride {stride}")
    numbers = (*size, *stride, offset)
    if len(size) != len(stride) or any(type(x) is not int or not 0 <= x < 2**63 for x in numbers):
        raise RuntimeError(f"invalid tensor geometry: size {size}, stride {stride}, storage offset {offset}")
    count = 1
    for n in size:
        count *= n
        if n == 0:
            count = 0
            break
    if count >= 2**63:
        raise RuntimeError(f"invalid tensor geometry: size {size} has more elements than fit an int64")
    return tuple(size), tuple(stride), offset


def arranged(flat: np.ndarray[Any, Any], shape: Any, strides: Any) -> np.ndarray[Any, Any]:
    """The C-ordered array of a shape whose elements lie in ``flat`` by dense strides (None: in C order)."""
    if strides is None or strides == contiguous_strides(shape):
        return flat.reshape(shape)
    order = memory_order(shape, strides)
    return np.ascontiguousarray(flat.reshape([shape[d] for d in order]).transpose(np.argsort(order))).reshape(shape)


def _shape_fresh(storage: Any, dtype: dtypes.dtype, numel: int, offset: int, size: Any, stride: Any) -> None:
    """Give a storage that nothing shows yet the dtype and, if it is covered, the shape of its first tensor."""
    del storage.fresh
    where, element = storage.aval.place, dtypes.to_numpy_dtype(dtype)
    covered = offset == 0 and Size(size).numel() == numel and is_non_overlapping_and_dense(size, stride)
    shape = size if covered else (numel,)
    array = None if storage.node.value is None else np.asarray(storage.node.value).view(element)
    if covered:
        if stride != contiguous_strides(size):
            storage.strides = stride
        if array is not None:
            array = arranged(array, size, stride)
    storage.aval = aval(shape, element, where)
    storage.node = Node(storage.aval, array)


def on_storage(holder: UntypedStorage | TypedStorage, dtype: dtypes.dtype | None) -> Tensor:
    """The 1-D tensor of a dtype (a typed storage's own, else int64) on a storage's memory, for ``torch.asarray``."""
    if dtype is None:
        dtype = holder.dtype if isinstance(holder, TypedStorage) else dtypes.int64
    storage = holder._storage
    if storage.raw and storage.node is not None and type(storage.node.value) is np.ndarray:
        shown = root_of(raw_storage(storage.node.value.reshape(-1).view(np.uint8)))
        return shown if dtype is dtypes.uint8 else shown.view(dtype)
    return tensor_on_storage(UntypedStorage(storage), dtype)


def raw_view(t: Tensor, dtype: dtypes.dtype, shape: tuple[int, ...] | None = None) -> Tensor | None:
    """What a tensor on the raw bytes of a file shows as another dtype, or in another shape, as no view.

    Programs that read files step by step (bytes, then their dtype, then their shape) so get a tensor that owns its
    memory. None where somebody else may see the storage, or the size does not fit.
    """
    storage = t._storage
    earlier = storage.raw() if isinstance(storage.raw, weakref.ref) else None  # what showed the bytes before
    value = None if storage.node is None else storage.node.value
    others = sys.getrefcount(storage) - (3 if earlier is None else 4)
    seen = t._view is not None or storage.version or others > 0 or t._requires_grad
    if seen or type(value) is not np.ndarray or value.ndim != 1 or value.nbytes % dtype.itemsize:
        return None
    flat = value.view(dtypes.to_numpy_dtype(dtype))
    if shape is not None and flat.size != Size(shape).numel():
        return None
    array = flat if shape is None else flat.reshape(shape)
    storage.raw = False
    storage.aval = aval(array.shape, array.dtype, storage.aval.place)
    storage.node = Node(storage.aval, array)
    made = root_of(storage)
    for shown in (t, earlier):
        if shown is not None:
            shown._adopt(made.view(-1).view(shown.dtype))
    if shape is None and earlier is None:
        storage.raw = weakref.ref(t)
    return made


def _restore_storage(raw: np.ndarray[Any, Any], where_from: tuple[str, int]) -> Storage:
    """The storage that :func:`_reduce_storage` describes."""
    where = place(*where_from)
    if where.type != "cpu":
        where.jax_device  # noqa: B018  (raises here where the device does not exist)
    return fresh_storage(raw, where)


def fresh_storage(raw: np.ndarray[Any, Any], where: Place) -> Storage:
    """A storage of 1-D values that no tensor shows yet; see :func:`tensor_at`."""
    made: Any = new_storage(raw, where)
    made.fresh = True
    return made  # type: ignore[no-any-return]


def raw_storage(raw: np.ndarray[Any, Any]) -> Storage:
    """A storage of bytes from a mapped file, which is never written: what changes the storage makes new memory."""
    made = new_storage(raw, place("cpu"))
    made.raw = True
    return made


def _reduce_storage(storage: Storage) -> Any:
    """How plain pickles keep a storage: its values once, however many tensors show it."""
    where = storage.aval.place
    if where.kind != "device":
        raise NotImplementedError(f"cannot pickle a tensor whose values are {where.kind}")
    return _restore_storage, (flat_array(storage), (where.type, where.index))


copyreg.pickle(Storage, _reduce_storage)

__all__ = [
    "StorageWindow",
    "arranged",
    "checked_geometry",
    "fresh_storage",
    "on_storage",
    "raw_storage",
    "raw_view",
    "tensor_at",
]
