"""Picklers of the loader: datasets go to workers by value, batches come back with their arrays aside.

Classes and functions that a worker cannot import (those of ``__main__``, local ones, lambdas) travel by value, by way
of cloudpickle.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import torchax_lite as torch

from ....engine.avals import CPU, aval
from ....engine.recorder import Node
from ....tensor.copying import user_attributes
from ....tensor.dispatch import wrap
from ....tensor.strides import contiguous_strides, is_non_overlapping_and_dense

try:
    import cloudpickle  # type: ignore[import-untyped]
    from cloudpickle import cloudpickle as _cloudpickle
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "DataLoader with num_workers > 0 sends the dataset to its workers with cloudpickle, which is not installed: "
        "`pip install cloudpickle`, or use num_workers=0"
    ) from error

BufferCallback = Callable[[pickle.PickleBuffer], Any]


# -- tensors -----------------------------------------------------------------------------------------------------------


def _rebuild(buffer: Any, dtype: str, shape: Any, strides: Any, requires_grad: bool) -> torch.Tensor:
    """The tensor that :func:`_reduce_tensor` took apart; it takes the buffer's memory over."""
    raw = np.frombuffer(buffer, np.uint8)
    array = raw.view(np.dtype(dtype)).reshape(shape)
    out = wrap(Node(aval(tuple(shape), array.dtype, CPU), array))
    if strides is not None:
        out._strides = out._storage.strides = strides
    if requires_grad:
        out.requires_grad_(True)
    return out


def _reduce_tensor(t: Any) -> Any:
    """How a batch's tensor travels: its values as one buffer. NotImplemented leaves it to the tensor itself.

    Raises:
        RuntimeError: a result of recorded operations that requires grad, as in PyTorch.
    """
    if t.requires_grad and not t.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    if t.device.type != "cpu" or user_attributes(t):
        return NotImplemented
    shape = tuple(t.shape)
    strides: tuple[int, ...] | None = tuple(t.stride())
    if strides == contiguous_strides(shape):
        strides = None
    elif not is_non_overlapping_and_dense(shape, t.stride()):
        if t._storage.aval.bytes > 2 * t.nbytes or t.numel() == 0:
            strides = None
        else:
            return NotImplemented
    array = t.detach()._known_value()
    if array is None:
        array = t.detach()._host_array()
    array = np.ascontiguousarray(array)
    raw = pickle.PickleBuffer(array.reshape(-1).view(np.uint8))
    name = array.dtype.name if array.dtype.kind == "V" else array.dtype.str
    return _rebuild, (raw, name, shape, strides, t.requires_grad)


# -- what a forked worker would have inherited -------------------------------------------------------------------------


def _reopen(name: str, options: dict[str, Any], position: int) -> Any:
    file = open(name, **options)  # noqa: SIM115  (the dataset owns it)
    file.seek(position)
    return file


def _reduce_reader(file: Any) -> Any:
    """A file open for reading is opened again in the worker, at the same position."""
    name = getattr(file, "name", None)
    if file.closed or not isinstance(name, str) or not file.readable():
        return NotImplemented
    options: dict[str, Any] = {"mode": "rb"}
    if isinstance(file, io.TextIOWrapper):
        if file.writable():
            return NotImplemented
        options = {"mode": "r", "encoding": file.encoding, "errors": file.errors}
    elif isinstance(file, io.FileIO):
        if file.writable():
            return NotImplemented
        options["buffering"] = 0
    return _reopen, (name, options, file.tell())


def _remap(filename: str, dtype: Any, mode: str, offset: int, shape: Any, order: Any) -> Any:
    return np.memmap(filename, dtype, mode, offset, shape, order)  # type: ignore[call-overload]


def _reduce_memmap(array: Any) -> Any:
    """A memory-mapped file is mapped again in the worker; views of one are copied."""
    import mmap

    if not isinstance(array.base, mmap.mmap) or not isinstance(array.filename, str):
        return NotImplemented
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    mode = "r+" if array.mode == "w+" else array.mode
    return _remap, (array.filename, array.dtype, mode, array.offset, array.shape, order)


_INHERITED: dict[type, Callable[[Any], Any]] = {
    type(threading.Lock()): lambda lock: (threading.Lock, ()),
    type(threading.RLock()): lambda lock: (threading.RLock, ()),
    threading.local: lambda local: (threading.local, ()),
    io.BufferedReader: _reduce_reader,
    io.TextIOWrapper: _reduce_reader,
    io.FileIO: _reduce_reader,
    np.memmap: _reduce_memmap,
}


# -- picklers ----------------------------------------------------------------------------------------------------------


class _JobPickler(cloudpickle.Pickler):
    """For what a worker starts with: locks are new, files open for reading are opened again."""

    def reducer_override(self, obj: Any) -> Any:
        reduce = _INHERITED.get(type(obj))
        if reduce is not None:
            reduced = reduce(obj)
            if reduced is not NotImplemented:
                return reduced
        return super().reducer_override(obj)


class _BatchPickler(cloudpickle.Pickler):
    """For batches: tensors as buffers; classes that came from the other side by value go back by name of identity."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is torch.Tensor:
            reduced = _reduce_tensor(obj)
            if reduced is not NotImplemented:
                return reduced
        elif isinstance(obj, type):
            tracked = _cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.get(obj)
            if tracked is not None and obj in _RECEIVED:
                return _known_class, (tracked,)
        return super().reducer_override(obj)


def _known_class(tracker: str) -> Any:
    return _cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID[tracker]


_RECEIVED: set[type] = set()
"""Classes that this process got by value, and that the sender therefore knows."""


def remember_received_classes() -> None:
    """Called in a worker when its job is unpickled: the loader's process knows all classes by value seen so far."""
    _RECEIVED.update(_cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.keys())


def dump_job(obj: Any, buffer_callback: BufferCallback) -> bytes:
    """Pickle what workers start with.

    Raises:
        TypeError, pickle.PicklingError, ...: as pickling raised them, with a note that says what to do.
    """
    file = io.BytesIO()
    try:
        with _by_value(_unimportable_modules().in_memory):
            _JobPickler(file, 5, buffer_callback=buffer_callback).dump(obj)
    except Exception as error:
        error.add_note(
            "DataLoader sends the dataset, collate_fn and worker_init_fn to its workers by value (they do not inherit "
            "this process's memory). Make what cannot be pickled in worker_init_fn or on first use in __getitem__, leave "
            "it out in __getstate__, or use num_workers=0."
        )
        raise
    return file.getvalue()


def dump_batch(obj: Any, buffer_callback: BufferCallback) -> bytes:
    """Pickle a batch (or indices, or an exception) for the other side."""
    file = io.BytesIO()
    _BatchPickler(file, 5, buffer_callback=buffer_callback).dump(obj)
    return file.getvalue()


class _Loaded(NamedTuple):
    """Loaded modules that a fresh interpreter would not find by their names."""

    in_memory: list[ModuleType]
    by_file: dict[str, str]


_scanned: tuple[Any, _Loaded] | None = None


def _unimportable_modules() -> _Loaded:
    """Modules made in memory (and ``__main__`` under its second name), and those from outside ``sys.path``."""
    global _scanned
    key = (len(sys.modules), *sys.path)
    if _scanned is not None and _scanned[0] == key:
        return _scanned[1]
    found = _Loaded([], {})
    folders = {os.path.abspath(entry) for entry in sys.path}
    for name, module in list(sys.modules.items()):
        if type(module) is not ModuleType or "." in name or name in ("__main__", "builtins"):
            continue
        file, spec = getattr(module, "__file__", None), getattr(module, "__spec__", None)
        if name == "__mp_main__" or (spec is None and file is None):
            if module.__name__ == name:
                found.in_memory.append(module)
        elif isinstance(file, str) and file.endswith(".py") and getattr(spec, "origin", None) != "frozen":
            folder, base = os.path.split(os.path.abspath(file))
            if base == "__init__.py":
                folder, base = os.path.split(folder)
            if base.removesuffix(".py") != name or folder not in folders:
                found.by_file[name] = os.path.abspath(file)
    _scanned = key, found
    return found


def modules_by_file() -> dict[str, str]:
    """Loaded source modules that ``sys.path`` would not find: name to file (workers find them by it)."""
    return _unimportable_modules().by_file


@contextlib.contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    registered = _cloudpickle._PICKLE_BY_VALUE_MODULES
    added = [m for m in modules if m.__name__ not in registered and m.__name__ in sys.modules]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)
