"""Files from before PyTorch 1.6: a stream of pickles followed by the storages, and the tar archives before that.

The stream: the pickled magic number, the version of the format, facts about the machine, the object (storages as
persistent ids), the sorted list of the storages' keys; then for each key the number of elements (int64) and the
elements, all little-endian.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.avals import place
from ..engine.recorder import Node
from ..tensor.dtypes import uint8
from ..tensor.rebuilding import StorageWindow, arranged, fresh_storage, tensor_at
from ..tensor.storage_api import LEGACY_STORAGES, TypedStorage, UntypedStorage, flat_array
from ._archive import read_array, unreadable
from ._locations import restorer
from ._options import _serialization_tls
from ._pickles import (
    UNSAFE_MESSAGE,
    Storages,
    checked_storage_kind,
    dump,
    load_safely,
    refusal,
    text,
    trusted_unpickler,
)

if TYPE_CHECKING:
    import tarfile

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class SourceChangeWarning(Warning):
    """The source of a saved module's class is no longer what it was."""


SourceChangeWarning.__module__ = __name__.rpartition(".")[0]


# -- writing -----------------------------------------------------------------------------------------------------------


class _LegacyStorages(Storages):
    """Storages, and the classes of modules with their source."""

    def __init__(self) -> None:
        super().__init__(None)
        self._classes: set[type] = set()

    def persistent_id(self, obj: Any) -> Any:
        from ..nn import Module

        if not (isinstance(obj, type) and issubclass(obj, Module)):
            pid = super().persistent_id(obj)
            # PyTorch does not load untyped storages of this format: their bytes are those of a ByteStorage.
            return (
                pid
                if pid is None or pid[1] is not UntypedStorage
                else (pid[0], LEGACY_STORAGES["ByteStorage"], *pid[2:])
            )
        if obj in self._classes:
            return None
        self._classes.add(obj)
        file = source = None
        if obj.__module__.partition(".")[0] != __name__.partition(".")[0]:
            file, source = _source_of(obj)
        return "module", obj, file, source


def _source_of(cls: type) -> tuple[str | None, str | None]:
    import inspect

    try:
        return inspect.getsourcefile(cls), inspect.getsource(cls)
    except (OSError, TypeError):
        warnings.warn(
            f"Couldn't retrieve source code for container of type {cls.__name__}. It won't be checked for correctness "
            "upon loading.",
            stacklevel=2,
        )
        return None, None


def write_stream(obj: Any, file: Any, pickle_module: Any, protocol: int) -> None:
    """Write an object in the format before PyTorch 1.6."""
    facts = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": struct.calcsize("=l")},
    }
    storages = _LegacyStorages()
    body = io.BytesIO()
    for head in (MAGIC_NUMBER, PROTOCOL_VERSION, facts):
        pickle_module.dump(head, body, protocol=protocol)
    dump(obj, body, pickle_module, protocol, storages.persistent_id)
    keys = sorted(storages.keys.values())
    pickle_module.dump(keys, body, protocol=protocol)
    file.write(body.getvalue())
    for key in keys:
        storage = storages.listed[int(key)]
        array = flat_array(storage)
        item = storages.dtypes[key].itemsize if key in storages.dtypes else 1
        raw = array.view(np.uint8)
        file.write(struct.pack("<q", raw.nbytes // item))
        file.write((raw if sys.byteorder == "little" else _swapped(raw, storages.dtypes.get(key))).data)


def _swapped(raw: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """Bytes of elements in the other order (of each part of complex ones)."""
    part = 1 if dtype is None else dtype.itemsize // (2 if dtype.is_complex else 1)
    return np.ascontiguousarray(raw.reshape(-1, part)[:, ::-1]).reshape(-1)


# -- reading -----------------------------------------------------------------------------------------------------------


def load(file: Any, map_location: Any, pickle_module: Any, arguments: dict[str, Any]) -> Any:
    """What a stream or a tar archive of early PyTorch holds.

    Args:
        file: at the beginning.
        pickle_module: None for ``weights_only``.
        arguments: for the unpickler.
    """
    start = file.tell()
    file.seek(start + 257)
    is_tar = file.read(5) == b"ustar"
    file.seek(start)
    if is_tar:
        if pickle_module is None:
            raise RuntimeError(
                "Cannot use ``weights_only=True`` with files saved in the legacy .tar format. " + UNSAFE_MESSAGE
            )
        return _load_tar(file, map_location, pickle_module, arguments)
    return _Stream(file, map_location, pickle_module, arguments).load()


class _Stream:
    """Reads a stream of pickles and storages.

    Args: as :func:`load`.
    """

    def __init__(self, file: Any, map_location: Any, pickle_module: Any, arguments: dict[str, Any]) -> None:
        self.file = file
        self.restore = restorer(map_location)
        self.pickle_module = pickle_module
        self.arguments = arguments
        self.loaded: dict[str, Any] = {}
        self.windows: dict[str, StorageWindow] = {}
        begin = file.tell()
        self.room = file.seek(0, os.SEEK_END) - begin
        file.seek(begin)
        self.data = _as_bytes(file, begin) if pickle_module is None else b""

    def _next(self) -> Any:
        """The object of the next pickle."""
        at = self.file.tell()
        if self.pickle_module is None:
            found, end = load_safely(self.data, self._persistent_load, at)
            self.file.seek(end)
            return found
        return trusted_unpickler(self.file, self.pickle_module, self._persistent_load, self.arguments).load()

    def load(self) -> Any:
        if self._next() != MAGIC_NUMBER:
            raise RuntimeError("Invalid magic number; corrupt file?")
        version = self._next()
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {version}")
        self._next()  # facts about the machine
        result = self._next()
        keys = self._next()
        if type(keys) is not list or any(type(key) is not str for key in map(text, keys)):
            raise unreadable("reading the list of storages")
        self._fill([text(key) for key in keys])
        return result

    def _fill(self, keys: list[str]) -> None:
        """Read the storages behind the pickles into what was made for them."""
        if _serialization_tls.skip_data:
            return
        missing = self.loaded.keys() - set(keys)
        if missing:
            raise unreadable(f"locating storage {min(missing)}: it is not in the list of storages")
        for key in keys:
            if key not in self.loaded:
                raise unreadable(f"reading storage {key}: nothing in the file uses it")
            dtype, numel, holder = self.loaded[key]
            count = self.file.read(8)
            if len(count) < 8:
                raise unreadable(f"reading storage {key}: unexpected end of file")
            (found,) = struct.unpack("<q", count)
            if found != numel:
                raise RuntimeError(f"storage has wrong byte size: expected {numel} got {found} (elements of {key})")
            raw = read_array(self.file, numel * dtype.itemsize, f"storage {key}")
            _fill_storage(holder._storage, raw if sys.byteorder == "little" else _swapped(raw, dtype))

    def _persistent_load(self, pid: Any) -> Any:
        if type(pid) is not tuple or not pid:
            raise pickle.UnpicklingError(f"unknown persistent id {pid!r}")
        kind = text(pid[0])
        if kind == "module" and self.pickle_module is not None and len(pid) == 4:
            if all(pid[2:]):
                _check_source(*pid[1:])
            return pid[1]
        if kind != "storage" or len(pid) != 6:
            raise pickle.UnpicklingError(f"Unknown saved id type: {kind}")
        return self._storage(*pid[1:])

    def _storage(self, kind: Any, key: Any, location: Any, numel: Any, window: Any) -> Any:
        dtype = checked_storage_kind(kind) or uint8
        key, location = text(key), text(location)
        if type(key) is not str or type(location) is not str or type(numel) is not int or numel < 0:
            raise pickle.UnpicklingError(f"malformed persistent id of storage {key!r}")
        if key not in self.loaded:
            if numel * dtype.itemsize > self.room:
                raise unreadable(f"reading storage {key}: {numel} elements are more than the file has")
            raw = np.zeros(numel * dtype.itemsize, np.uint8)
            holder = self.restore(UntypedStorage(fresh_storage(raw, place("cpu"))), location)
            storage: Any = holder._storage
            storage.fresh = storage.aval.ndim == 1 and storage.host is None
            self.loaded[key] = (dtype, numel, TypedStorage(storage, dtype))
        elif self.loaded[key][:2] != (dtype, numel):
            raise pickle.UnpicklingError(f"storage {key!r} appears with two dtypes or sizes")
        if window is None:
            return self.loaded[key][2]
        return self._window(window, self.loaded[key][2])

    def _window(self, window: Any, whole: TypedStorage) -> StorageWindow:
        """The part of a storage that a storage view of early PyTorch shows."""
        if type(window) is not tuple or len(window) != 3 or any(type(n) is not int for n in window[1:]):
            raise pickle.UnpicklingError(f"malformed view of a storage {window!r}")
        key, offset, numel = text(window[0]), *window[1:]
        if offset < 0 or numel < 0 or offset + numel > len(whole):
            raise RuntimeError(f"the view {key!r} of a storage reaches beyond it")
        return self.windows.setdefault(key, StorageWindow(whole, offset, numel))


def _as_bytes(file: Any, begin: int) -> Any:
    """A file's bytes, to slice: mapped where the file is a real one."""
    import mmap

    if isinstance(file, (io.BufferedReader, io.BufferedRandom, io.FileIO)):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    file.seek(0)
    data = file.read()
    file.seek(begin)
    return data


def _fill_storage(storage: Any, raw: np.ndarray[Any, Any]) -> None:
    """Give a storage its values; what already shows it, shows them."""
    if storage.aval.place.kind == "meta":
        return
    flat = raw.view(storage.aval.dtype)
    storage.node = Node(storage.aval, arranged(flat, storage.aval.shape, storage.strides))
    storage.version += 1


def _check_source(cls: Any, file: Any, source: Any) -> None:
    """Warn where the class of a saved module has another source now."""
    import inspect

    try:
        now = inspect.getsource(cls)
    except (OSError, TypeError):
        warnings.warn(
            f"Couldn't retrieve source code for container of type {getattr(cls, '__name__', cls)}. It won't be checked "
            "for correctness upon loading.",
            stacklevel=2,
        )
        return
    if now != source and cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        warnings.warn(
            f"source code of class '{cls.__module__}.{cls.__qualname__}' has changed. you can retrieve the original "
            "source code by accessing the object's source attribute or set `torch.nn.Module.dump_patches = True` and "
            "use the patch tool to revert the changes.",
            SourceChangeWarning,
            stacklevel=2,
        )


# -- the tar archives of PyTorch 0.1 -----------------------------------------------------------------------------------


def _member(tar: tarfile.TarFile, name: str) -> Any:
    import tarfile

    try:
        found = tar.extractfile(name)
    except (KeyError, tarfile.TarError):
        found = None
    if found is None:
        raise unreadable(f"locating {name} in a .tar file: file not found")
    return io.BytesIO(found.read())


def _load_tar(file: Any, map_location: Any, pickle_module: Any, arguments: dict[str, Any]) -> Any:
    """What a tar archive of PyTorch 0.1 holds: ``storages``, ``tensors`` on them, and the ``pickle``."""
    import tarfile

    made: dict[int, Any] = {}

    def refuse(pid: Any) -> Any:
        raise pickle.UnpicklingError(f"unexpected persistent id {pid!r}")

    def plain(stream: Any) -> Any:
        return trusted_unpickler(stream, pickle_module, refuse, arguments).load()

    def persistent_load(pid: Any) -> Any:
        if isinstance(pid, tuple):
            if all(pid[1:]):
                _check_source(*pid)
            return pid[0]
        return made[int(pid)]

    try:
        tar = tarfile.open(fileobj=file, mode="r:", format=tarfile.PAX_FORMAT)
    except tarfile.TarError as error:
        raise refusal(error) from None
    with tar:
        _tar_storages(_member(tar, "storages"), plain, restorer(map_location), made)
        _tar_tensors(_member(tar, "tensors"), plain, made)
        return trusted_unpickler(_member(tar, "pickle"), pickle_module, persistent_load, arguments).load()


def _tar_storages(stream: Any, plain: Any, restore: Any, made: dict[int, Any]) -> None:
    for _ in range(plain(stream)):
        key, location, kind = plain(stream)
        dtype = checked_storage_kind(kind)
        (numel,) = struct.unpack("<q", stream.read(8))
        raw = read_array(stream, numel * dtype.itemsize, f"storage {key}")
        holder = restore(UntypedStorage(fresh_storage(raw, place("cpu"))), location)
        made[key] = TypedStorage(holder._storage, dtype)
    for target, root, offset, numel in plain(stream):
        made[target] = StorageWindow(made[root], offset, numel)


def _tar_tensors(stream: Any, plain: Any, made: dict[int, Any]) -> None:
    for _ in range(plain(stream)):
        key, storage, _kind = plain(stream)
        (ndim,) = struct.unpack("<i4x", stream.read(8))
        size = struct.unpack(f"<{ndim}q", stream.read(8 * ndim))
        stride = struct.unpack(f"<{ndim}q", stream.read(8 * ndim))
        (offset,) = struct.unpack("<q", stream.read(8))
        made[key] = tensor_at(made[storage], made[storage].dtype, offset, size, stride)
