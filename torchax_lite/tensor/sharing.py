"""Memory that several processes see: ``share_memory_``, and how such a tensor travels to another process.

The values move into a shared segment, to which the storage is tied as to a NumPy array: every process that got the
tensor through ``multiprocessing`` reads what the others wrote, and writes where they read. Nothing locks.
"""

from __future__ import annotations

import multiprocessing.reduction
from typing import Any

import numpy as np

from ..engine.avals import CPU, aval
from .host_views import tie_to_numpy
from .storage import Storage
from .tensor import Tensor

_registered = False


def share(storage: Storage) -> None:
    """Move the values of a CPU storage into shared memory, if they are not there; an accelerator's stay where they are."""
    from ..utils.data._utils.shared_memory import shared_empty

    if storage.aval.place is not CPU or is_shared(storage):
        return
    holder: Any = object.__new__(Tensor)
    holder._storage, holder._aval = storage, storage.aval
    if storage.strides is not None:
        holder._strides = storage.strides
    tie_to_numpy(holder)
    host = storage.host
    assert host is not None
    order = sorted(range(host.ndim), key=lambda d: -host.strides[d])
    made = shared_empty(tuple(host.shape[d] for d in order), host.dtype)
    np.copyto(made, host.transpose(order))
    storage.tie(made.transpose(np.argsort(order)))
    _register()


def is_shared(storage: Storage) -> bool:
    """Whether the memory is another process's too, or can be."""
    if storage.aval.place.type != "cpu":
        return True
    return storage.host is not None and _segment(storage.host) is not None


def _segment(host: np.ndarray[Any, Any]) -> Any:
    from ..utils.data._utils.shared_memory import _segments

    return _segments.get(host.__array_interface__["data"][0])


def _register() -> None:
    """Teach multiprocessing's pickler to send shared tensors by their segment."""
    global _registered
    if not _registered:
        from ..nn.parameter import Parameter

        _registered = True
        for cls in (Tensor, Parameter):
            multiprocessing.reduction.ForkingPickler.register(cls, _reduce)


def _reduce(t: Any) -> Any:
    host = t._storage.host
    segment = None if host is None else _segment(host)
    if segment is None or t._grad_fn is not None or t.is_conj() or t.is_neg():
        return t.__reduce_ex__(4)
    made = (multiprocessing.reduction.DupFd(segment.fd), segment.size, host.shape, host.strides, host.dtype)
    view = None if t._view is None else (tuple(t.shape), t.stride(), t.storage_offset())
    return _rebuild, (type(t), made, view, t._requires_grad)


def _rebuild(cls: type, memory: tuple[Any, ...], view: Any, requires_grad: bool) -> Any:
    """The tensor on the segment that another process sent."""
    import os

    from ..utils.data._utils.shared_memory import Mapping, _segments

    handle, size, shape, strides, dtype = memory
    fd = handle.detach()
    mapping = Mapping(fd, size, fd_to_close=os.dup(fd))
    os.close(fd)
    _segments[mapping.address] = mapping  # type: ignore[index]
    flat = np.asarray(mapping)
    array: Any = np.lib.stride_tricks.as_strided(
        flat[: flat.size // dtype.itemsize * dtype.itemsize].view(dtype), shape, strides
    )
    a = aval(shape, dtype, CPU)
    storage = Storage(None, a)
    storage.tie(array)
    made: Any = object.__new__(Tensor)
    made._storage, made._aval = storage, a
    item = tuple(s // dtype.itemsize for s in strides)
    if not array.flags.c_contiguous:
        made._strides = storage.strides = item
    if view is not None:
        made = made.as_strided(*view).detach()
    if cls is not Tensor:
        made = Tensor._make_subclass(cls, made, requires_grad)
    elif requires_grad:
        made._requires_grad = True
    _register()
    return made
