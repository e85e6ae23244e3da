"""``resize_`` and ``resize_as_``: another size on the same memory, which grows where it must."""

from __future__ import annotations

import sys
from typing import Any

from .casting import format_strides
from .creation import empty, size_of
from .host_views import deferred
from .layouts import contiguous_format, memory_format, preserve_format
from .size import Size
from .storage import Storage
from .storage_api import flat_tensor, root_of, storage_numel
from .strides import contiguous_strides, is_non_overlapping_and_dense
from .tensor import Tensor


def resize_(self: Tensor, *size: Any, memory_format: memory_format = contiguous_format) -> Tensor:
    """Show ``size`` elements of the tensor's memory, in memory order, and return the tensor.

    Memory that is too small grows and keeps its old elements; the new ones are zero here.

    Raises:
        RuntimeError: for a tensor that requires grad, or memory that belongs to a NumPy array and would have to grow.
        NotImplementedError: for memory that would have to grow while other tensors show it.
    """
    if not size:
        raise TypeError('resize_() missing 1 required positional arguments: "size"')
    if isinstance(size[0], str):
        raise TypeError("resize_(): argument 'size' (position 1) must be tuple of ints, not str")
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory format Preserve")
    shape = size_of(size)
    if shape == self._aval.shape and memory_format is contiguous_format:
        _count(self)
        return self
    _resize(self, shape, _strides_in(shape, memory_format))
    return self


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: memory_format | None = None) -> Tensor:
    """``resize_`` to another tensor's size (and, with ``torch.preserve_format``, its memory order)."""
    if not isinstance(the_template, Tensor):
        raise TypeError(
            f"resize_as_(): argument 'the_template' (position 1) must be Tensor, not {type(the_template).__name__}"
        )
    if memory_format is preserve_format:
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        shape = the_template._aval.shape
        _resize(self, shape, format_strides(the_template, preserve_format) or contiguous_strides(shape))
        return self
    return resize_(self, the_template._aval.shape, memory_format=memory_format or contiguous_format)


def resize_strided(t: Tensor, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """Give a tensor without a gradient a shape, in the memory order of ``strides`` if these leave no gaps."""
    if t.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    _resize(t, shape, strides if is_non_overlapping_and_dense(shape, strides) else contiguous_strides(shape))


def _strides_in(shape: tuple[int, ...], fmt: memory_format) -> tuple[int, ...]:
    if fmt is contiguous_format:
        return contiguous_strides(shape)
    return tuple(empty(shape, device="meta", memory_format=fmt).stride())


def _count(t: Tensor) -> None:
    if not t._shadow:
        t._storage.counter += 1


def _resize(t: Tensor, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """Give ``t`` a shape on its memory; dense strides, the offset stays."""
    offset, numel = t._offset, Size(shape).numel()
    need = offset + numel if numel else 0
    storage = t._storage
    have = storage_numel(storage)
    if t._aval.dtype != storage.aval.dtype or any(deferred(t)):
        if need * t.element_size() > have * storage.aval.dtype.itemsize:
            raise NotImplementedError(
                "Tensor.resize_ to more memory of a tensor that views it as another dtype or by conj(): call it on a clone"
            )
        base = t._base
        t._adopt(t.detach().as_strided(shape, strides, offset))
        t._base = base
        _count(t)
        return
    if need > have:
        _grow(t, shape, strides, need, have)
    elif offset == 0 and shape == storage.aval.shape and strides == root_of(storage).stride():
        t._adopt(root_of(storage))
    else:
        base = t._base
        flat = flat_tensor(storage)
        made = flat.as_strided(shape, strides, offset)
        t._adopt(made)
        t._base = base
    _count(t)


def _grow(t: Tensor, shape: tuple[int, ...], strides: tuple[int, ...], need: int, have: int) -> None:
    storage = t._storage
    if not storage.resizable:
        raise RuntimeError("Trying to resize storage that is not resizable")
    if have and sys.getrefcount(storage) > _UNSHARED:
        raise NotImplementedError(
            "Tensor.resize_ to more elements than the storage holds, while other tensors share it: call it on a clone"
        )
    made = empty(need, dtype=t.dtype, device=t.device)
    if have:
        made[:have] = flat_tensor(storage)
    counter = storage.counter
    if t._offset == 0 and strides == contiguous_strides(shape):
        made = made.view(shape).detach().clone()
    grown: Storage = made._storage
    grown.counter = counter
    if made._aval.shape == shape:
        t._adopt(root_of(grown))
    else:
        t._adopt(made.as_strided(shape, strides, t._offset).detach())


_UNSHARED = 4
"""References to a storage that only one tensor shows: the tensor's, two local names and the count's argument."""

for _name, _function in {"resize_": resize_, "resize_as_": resize_as_}.items():
    setattr(Tensor, _name, _function)
