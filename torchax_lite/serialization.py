"""``torch.save`` and ``torch.load`` in PyTorch's zip format.

A file is a zip archive of uncompressed records: ``data.pkl`` (the object, storages as persistent ids), ``data/N`` (the
bytes of storage N, 64-byte aligned), ``byteorder``, ``version``. Classes and functions of this package appear in it by
PyTorch's names, so that state dicts pass both ways.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pathlib
import pickle
import secrets
import shutil
import struct
import sys
import types
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

from . import _weights_only_unpickler as weights_only_rules
from .dropin import _torch_name, real_name
from .engine.avals import Place, aval, place
from .engine.recorder import Node, flush_all
from .tensor import dtypes
from .tensor.device import device as device_type
from .tensor.storage import Storage
from .tensor.storage_api import (
    LEGACY_STORAGES,
    TypedStorage,
    UntypedStorage,
    flat_array,
    fresh_storage,
    root_of,
)
from .tensor.tensor import layout

__all__ = [
    "add_safe_globals", "clear_safe_globals", "default_restore_location", "get_safe_globals",
    "get_unsafe_globals_in_checkpoint", "load", "location_tag", "safe_globals", "save",
]  # fmt: skip

DEFAULT_PROTOCOL = 2
ALIGNMENT = 64
_ZIP_START = b"PK\x03\x04"
_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_TRUE = ("1", "y", "yes", "true")

FileLike = str | os.PathLike[str] | IO[bytes]


def _get_layout(name: str) -> layout:
    """The layout that files name, e.g. ``"torch.strided"``."""
    from .tensor import tensor

    found = getattr(tensor, str(name).removeprefix("torch."), None)
    if not isinstance(found, layout):
        raise RuntimeError(f"unknown layout {name!r}")
    return found


# -- saving ------------------------------------------------------------------------------------------------------------


class _Storages:
    """The storages of one archive: numbered in order of appearance, each with one dtype."""

    def __init__(self) -> None:
        self.keys: dict[int, str] = {}
        self.listed: list[Storage] = []
        self.dtypes: dict[str, Any] = {}

    def persistent_id(self, obj: Any) -> Any:
        """What stands for a storage in the pickle; None for everything else."""
        if isinstance(obj, TypedStorage):
            name, numel, dtype = obj.pickle_storage_type(), len(obj), obj.dtype
            kind = LEGACY_STORAGES.get(name)
            if kind is None:
                raise NotImplementedError(f"torch.save of a TypedStorage of {dtype}: save its tensor instead")
        elif isinstance(obj, UntypedStorage):
            kind, numel, dtype = UntypedStorage, obj.nbytes(), None
        else:
            return None
        storage = obj._storage
        key = self.keys.get(id(storage))
        if key is None:
            key = self.keys[id(storage)] = str(len(self.listed))
            self.listed.append(storage)
        if dtype is not None and self.dtypes.setdefault(key, dtype) is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        return "storage", kind, key, location_tag(obj), numel


_PythonPickler: Any = pickle._Pickler  # type: ignore[attr-defined]


class _Pickler(_PythonPickler):  # type: ignore[misc]
    """Writes this package's names as PyTorch's."""

    def __init__(self, file: Any, protocol: int, storages: _Storages) -> None:
        super().__init__(file, protocol)
        self._names = weights_only_rules.global_names()
        self._storages = storages

    def persistent_id(self, obj: Any) -> Any:
        return self._storages.persistent_id(obj)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is dtypes.dtype:
            return repr(obj).removeprefix("torch.")
        if type(obj) is layout:
            return _get_layout, (repr(obj),)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        known = self._names.get(obj)
        if known is None or not known[0].startswith("torch"):
            module = getattr(obj, "__module__", None)
            torch_module = _torch_name(module) if isinstance(module, str) else None
            name = name or getattr(obj, "__qualname__", None)
            if torch_module is None or name is None or "." in name:
                super().save_global(obj, name)
                return
            known = (torch_module, name)
        self.write(b"c" + f"{known[0]}\n{known[1]}\n".encode())
        self.memoize(obj)


_Pickler.dispatch = {**_Pickler.dispatch, types.FunctionType: _Pickler.save_global}


def _pickle(obj: Any, pickle_module: Any, protocol: int, storages: _Storages) -> bytes:
    buffer = io.BytesIO()
    if pickle_module is pickle:
        _Pickler(buffer, protocol, storages).dump(obj)
    else:

        class Pickler(pickle_module.Pickler):  # type: ignore[name-defined,misc]
            def persistent_id(self, obj: Any) -> Any:
                return storages.persistent_id(obj)

        Pickler(buffer, protocol).dump(obj)
    return buffer.getvalue()


def save(
    obj: object, f: FileLike, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:  # fmt: skip
    """Write an object to a file. A file that is there already is replaced only once the new one is complete.

    Args:
        obj: anything that pickles; tensors that share memory still do after loading.
        f: a path, or a file object with ``write``.
        pickle_module: module with a ``Pickler``.
        pickle_protocol: pickle protocol; ``load(weights_only=True)`` reads protocol 2.

    Raises:
        RuntimeError: for a path whose folder does not exist.
    """
    if not _use_new_zipfile_serialization:
        raise NotImplementedError("torch.save: the format before PyTorch 1.6 (_use_new_zipfile_serialization=False)")
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if is_path:
        path = pathlib.Path(os.fspath(f))  # type: ignore[arg-type]
        if not path.parent.is_dir():
            raise RuntimeError(f"Parent directory {path.parent} does not exist.")
    storages = _Storages()
    flush_all("torch.save")
    data = _pickle(obj, pickle_module, pickle_protocol, storages)
    if is_path:
        with _atomic_file(path) as file:
            _write_archive(file, path.stem or "archive", data, storages.listed, not _disable_byteorder_record)
    else:
        _write_archive(f, "archive", data, storages.listed, not _disable_byteorder_record)  # type: ignore[arg-type]


def _write_archive(file: IO[bytes], root: str, data: bytes, storages: list[Storage], byteorder: bool) -> None:
    digest = hashlib.sha256()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        begin = archive.fp.tell()  # type: ignore[union-attr]

        def record(name: str, content: Any) -> None:
            info = zipfile.ZipInfo(f"{root}/{name}")
            size = len(content)
            large = size * 1.05 > zipfile.ZIP64_LIMIT
            at = archive.fp.tell() - begin  # type: ignore[union-attr]
            used = at + 30 + len(info.filename.encode()) + (20 if large else 0) + 4
            pad = -used % ALIGNMENT
            info.extra = struct.pack("<HH", 0x4246, pad) + b"Z" * pad
            archive.writestr(info, content)
            digest.update(f"{name}:{info.CRC}".encode())

        record("data.pkl", data)
        record(".format_version", b"1")
        record(".storage_alignment", str(ALIGNMENT).encode())
        if byteorder:
            record("byteorder", sys.byteorder.encode())
        for i, storage in enumerate(storages):
            record(f"data/{i}", flat_array(storage).view(np.uint8).data)
        record("version", b"3\n")
        number = int.from_bytes(digest.digest(), "big")
        record(".data/serialization_id", f"{number % 10**40:040d}".encode())


@contextlib.contextmanager
def _atomic_file(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of ``path`` when it is complete and on disk, and only then."""
    target = pathlib.Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:  # a device or a pipe
            yield file
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        file = open(temporary, "xb")
    except PermissionError:
        if not target.exists():
            raise
        with open(target, "wb") as file:  # a folder that takes no new files
            yield file
        return
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# -- where storages go -------------------------------------------------------------------------------------------------


def location_tag(storage: Any) -> str:
    """Name of a storage's device in files: ``cpu``, ``cuda:0``, ``xla:0``, ``meta``."""
    found = storage.device
    return found.type if found.type in ("cpu", "meta") else f"{found.type}:{found.index or 0}"


def default_restore_location(storage: UntypedStorage, location: str) -> UntypedStorage:
    """A storage that was just read, moved to the place that a location tag names.

    Raises:
        RuntimeError: for an accelerator that is not there, or a tag that names nothing.
    """
    if location == storage.device.type == "cpu":
        return storage
    kind, _, index = str(location).partition(":")
    if kind not in ("cpu", "cuda", "xla", "meta") or (index and not index.isdigit()):
        raise RuntimeError(f"don't know how to restore data location of {storage.type()} (tagged with {location})")
    number = int(index or 0)
    if kind == "cuda":
        _check_cuda(number)
    where = place("meta", 0, "meta") if kind == "meta" else place(kind, 0 if kind == "cpu" else number)
    if where.kind == "device":
        where.jax_device  # noqa: B018  (raises here where the device does not exist)
    return _placed(storage, where)


def _check_cuda(index: int) -> None:
    from .engine.avals import accelerator_devices

    count = sum(d.platform in ("gpu", "cuda", "rocm") for d in accelerator_devices())
    if not count:
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    if index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {index} but torch.cuda.device_count() is {count}. Please "
            "use torch.load with map_location to map your storages to an existing device."
        )


def _placed(holder: UntypedStorage, where: Place) -> UntypedStorage:
    """The same bytes for another place; they travel when they are used first."""
    values = None if where.kind == "meta" else root_of(holder._storage)._host_array().reshape(-1)
    made = fresh_storage(np.empty(0, np.uint8), where)
    made.aval = aval(holder._storage.aval.shape, holder._storage.aval.dtype, where)
    made.node = Node(made.aval, values)
    return UntypedStorage(made)


def _restorer(map_location: Any) -> Callable[[UntypedStorage, str], UntypedStorage]:
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, bytes, device_type)):
        name = map_location.decode() if isinstance(map_location, bytes) else str(map_location)
        return lambda storage, location: default_restore_location(storage, name)

    def restore(storage: UntypedStorage, location: str) -> UntypedStorage:
        result = map_location(storage, location)
        return default_restore_location(storage, location) if result is None else result

    return restore


# -- loading -----------------------------------------------------------------------------------------------------------


class _Archive:
    """The records of a file, checked: no compression, no duplicates, nothing larger than the file itself."""

    def __init__(self, file: Any, mapped: np.ndarray[Any, Any] | None) -> None:
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise RuntimeError(
                f"PytorchStreamReader failed reading zip archive: failed finding central directory ({error}): the file "
                "is truncated or was changed after it was saved"
            ) from None
        self.mapped = mapped
        self.file = file
        infos = self.zip.infolist()
        names = [i.filename for i in infos]
        if not infos or len(set(names)) != len(names):
            raise RuntimeError("PytorchStreamReader failed reading zip archive: it has no records, or two of one name")
        file.seek(0, os.SEEK_END)
        room = file.tell()
        if any(i.compress_type or i.flag_bits & 1 or i.compress_size != i.file_size for i in infos):
            raise RuntimeError("PytorchStreamReader failed reading zip archive: it has compressed or encrypted records")
        if sum(i.file_size for i in infos) > room:
            raise RuntimeError("PytorchStreamReader failed reading zip archive: its records are larger than the file")
        self.root = names[0].partition("/")[0]
        self.infos = {i.filename: i for i in infos}
        if f"{self.root}/data.pkl" not in self.infos:
            if f"{self.root}/constants.pkl" in self.infos:
                raise NotImplementedError("torch.load of a TorchScript archive")
            raise RuntimeError("PytorchStreamReader failed locating file data.pkl: file not found")
        order = self.read("byteorder").decode("ascii", "replace").strip() if self.has("byteorder") else "little"
        if order not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {order}")
        self.swap = order != sys.byteorder

    def has(self, name: str) -> bool:
        return f"{self.root}/{name}" in self.infos

    def size(self, name: str) -> int:
        if not self.has(name):
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found")
        return self.infos[f"{self.root}/{name}"].file_size

    def read(self, name: str) -> bytes:
        """A record's bytes; its checksum is checked."""
        self.size(name)
        try:
            return self.zip.read(f"{self.root}/{name}")
        except (zipfile.BadZipFile, EOFError, struct.error) as error:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: {error}") from None

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """A record as an array of bytes; a piece of the mapped file where there is one."""
        if self.mapped is None:
            return np.frombuffer(self.read(name), np.uint8)
        info = self.infos[f"{self.root}/{name}"]
        head = self.mapped[info.header_offset : info.header_offset + 30].tobytes()
        if len(head) < 30 or head[:4] != _ZIP_START:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: bad local header")
        start = info.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
        if start + info.file_size > self.mapped.size:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it reaches beyond the file")
        return self.mapped[start : start + info.file_size]


class _Reader:
    """Gives the storages of an archive, each read once."""

    def __init__(self, archive: _Archive, map_location: Any) -> None:
        self.archive = archive
        self.restore = _restorer(map_location)
        self.loaded: dict[str, Any] = {}

    def __call__(self, pid: Any) -> Any:
        if type(pid) is not tuple or len(pid) != 5 or pid[0] != "storage":
            raise pickle.UnpicklingError(f"unknown persistent id {pid!r}")
        _, kind, key, location, numel = pid
        dtype = None if kind is UntypedStorage else getattr(kind, "dtype", None)
        if kind is not UntypedStorage and not any(kind is k for k in LEGACY_STORAGES.values()):
            raise pickle.UnpicklingError(f"unknown storage type {kind!r}")
        if type(key) is not str or type(location) is not str or type(numel) is not int or numel < 0:
            raise pickle.UnpicklingError(f"malformed persistent id {pid!r}")
        found = self.loaded.get(key)
        if found is None:
            found = self.loaded[key] = self._load(dtype, key, location, numel)
        elif getattr(found, "dtype", None) is not dtype:
            raise pickle.UnpicklingError(f"storage {key!r} appears with two dtypes")
        return found

    def _load(self, dtype: Any, key: str, location: str, numel: int) -> Any:
        name = f"data/{key}"
        item = 1 if dtype is None else dtype.itemsize
        if self.archive.size(name) != numel * item:
            raise RuntimeError(
                f"storage {key} has {self.archive.size(name)} bytes in the file, but {numel} elements of {item} bytes "
                "are declared"
            )
        raw = self.archive.array(name)
        if self.archive.swap and item > 1:
            part = item // 2 if dtype.is_complex else item
            raw = np.ascontiguousarray(raw.reshape(-1, part)[:, ::-1]).reshape(-1)
        holder = UntypedStorage(fresh_storage(raw, place("cpu")))
        holder = self.restore(holder, location)
        if not isinstance(holder, UntypedStorage):
            raise TypeError(f"map_location returned {type(holder).__name__}, expected torch.UntypedStorage")
        storage: Any = holder._storage
        storage.fresh = storage.aval.ndim == 1 and storage.host is None
        return holder if dtype is None else TypedStorage(storage, dtype)


def load(
    f: FileLike, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Read what :func:`save` (of this package or of PyTorch) wrote.

    Args:
        f: a path, or a file object with ``read``, ``seek`` and ``tell``.
        map_location: where storages go: a device or its name, a dict from the names in the file to names, or a function
            ``(storage, name) -> storage or None``; where they were when saved, if left out.
        pickle_module: module with an ``Unpickler`` (implies ``weights_only=False``).
        weights_only: build only tensors, plain containers and what :func:`add_safe_globals` allows (the default). False
            runs the file's pickle, which can run any code: only for files that you trust.
        mmap: map the file into memory instead of reading it (paths only).
        **pickle_load_args: for the ``Unpickler`` when ``weights_only=False``.

    Raises:
        pickle.UnpicklingError: for a file that needs more than ``weights_only`` allows.
    """
    weights_only = _decide_weights_only(weights_only, pickle_module)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    is_path = isinstance(f, (str, os.PathLike))
    if mmap and not is_path:
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not is_path:
        for name in ("seek", "tell", "read"):
            if not hasattr(f, name):
                raise AttributeError(
                    f"'{type(f).__name__}' object has no attribute '{name}'. You can only torch.load from a file that "
                    "is seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it "
                    "instead."
                )
    with open(os.fspath(f), "rb") if is_path else contextlib.nullcontext(f) as file:  # type: ignore[arg-type]
        _check_start(file)
        mapped = np.memmap(os.fspath(f), np.uint8, "c") if mmap else None  # type: ignore[arg-type,call-overload]
        archive = _Archive(file, mapped)
        reader = _Reader(archive, map_location)
        data = archive.read("data.pkl")
        if weights_only:
            if pickle_load_args.pop("encoding", "utf-8") != "utf-8" or pickle_load_args:
                warnings.warn("pickle_load_args only works if `weights_only=False`.", UserWarning, stacklevel=2)
            return _load_safely(data, reader)
        return _load_trusted(data, reader, pickle_module or pickle, pickle_load_args)


def _decide_weights_only(given: bool | None, pickle_module: Any) -> bool:
    force = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0") in _TRUE
    force_not = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0") in _TRUE
    if force and force_not:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both "
            "were set."
        )
    if force:
        return True
    if given is None and force_not:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the `weights_only` argument was not "
            "explicitly passed to `torch.load`, forcing weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        return False
    return pickle_module is None if given is None else bool(given)


def _check_start(file: Any) -> None:
    start = file.tell()
    head = file.read(len(_LEGACY_START))
    file.seek(start)
    if isinstance(head, str):
        raise TypeError("torch.load needs a file opened in binary mode")
    if not head:
        raise EOFError("Ran out of input: the file is empty")
    if head.startswith(_ZIP_START):
        return
    if head == _LEGACY_START:
        raise NotImplementedError("torch.load of the file format before PyTorch 1.6: save the file anew")
    raise pickle.UnpicklingError(
        "Weights only load failed: this is no file that torch.save wrote (it does not start as a zip archive)"
    )


_DOCUMENTATION = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def _load_safely(data: bytes, reader: _Reader) -> Any:
    try:
        return weights_only_rules.Unpickler(data, reader).load()
    except (pickle.UnpicklingError, UnicodeDecodeError, struct.error) as error:
        text = str(error)
        if "blocked" in text:
            advice = f"The file asks for more than weights.\n\n{text}"
        else:
            advice = (
                "Two ways on, both only for a file whose source you trust:\n"
                "\t(1) `weights_only=False` runs whatever code the file holds.\n"
                "\t(2) Keep `weights_only=True` and allow what the following error names.\n"
                f"\tWeightsUnpickler error: {text}"
            )
        raise pickle.UnpicklingError(f"Weights only load failed. {advice}{_DOCUMENTATION}") from None


def _find_class(module: str, name: str, otherwise: Callable[[str, str], Any]) -> Any:
    """The object that a trusted pickle names; PyTorch's names mean this package's objects."""
    known = weights_only_rules.allowed_globals().get(f"{module}.{name}")
    if known is not None:
        return known
    return otherwise(real_name(module) or module, name)


def _load_trusted(data: bytes, reader: _Reader, pickle_module: Any, arguments: dict[str, Any]) -> Any:
    class Unpickler(pickle_module.Unpickler):  # type: ignore[name-defined,misc]
        def find_class(self, module: str, name: str) -> Any:
            return _find_class(module, name, super().find_class)

        def persistent_load(self, pid: Any) -> Any:
            return reader(pid)

    arguments.setdefault("encoding", "utf-8")
    return Unpickler(io.BytesIO(data), **arguments).load()


# -- what weights_only allows besides ----------------------------------------------------------------------------------


def _entries(allowed: Any) -> dict[str, Any]:
    entries = {}
    for item in allowed:
        if isinstance(item, tuple):
            if len(item) != 2 or not isinstance(item[1], str):
                raise ValueError(f"Expected a tuple of (global, str), but got {item!r}")
            entries[item[1]] = item[0]
            continue
        module = item.__module__
        entries[f"{module}.{item.__qualname__}"] = item
        torch_module = _torch_name(module)
        if torch_module is not None:
            entries[f"{torch_module}.{item.__qualname__}"] = item
    return entries


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allow classes and functions in ``load(weights_only=True)``: objects, or pairs (object, full name in the file)."""
    weights_only_rules.safe_globals.update(_entries(safe_globals))


def clear_safe_globals() -> None:
    """Forget everything that was allowed besides the defaults."""
    weights_only_rules.safe_globals.clear()


def get_safe_globals() -> list[Any]:
    """What is allowed besides the defaults."""
    found: list[Any] = []
    for obj in weights_only_rules.safe_globals.values():
        if not any(obj is x for x in found):
            found.append(obj)
    return found


class safe_globals:
    """Context in which :func:`load` allows more classes and functions."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self._more = safe_globals

    def __enter__(self) -> None:
        self._before = dict(weights_only_rules.safe_globals)
        add_safe_globals(self._more)

    def __exit__(self, *exc: object) -> None:
        weights_only_rules.safe_globals.clear()
        weights_only_rules.safe_globals.update(self._before)


def get_unsafe_globals_in_checkpoint(f: FileLike) -> list[str]:
    """Full names in a file that ``load(weights_only=True)`` would refuse; nothing of the file is run."""
    import pickletools

    with open(os.fspath(f), "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        _check_start(file)
        data = _Archive(file, None).read("data.pkl")
    found: list[str] = []
    texts: list[str] = []
    for opcode, argument, _ in pickletools.genops(data):
        full = None
        if opcode.name == "GLOBAL":
            full = str(argument).replace(" ", ".", 1)
        elif opcode.name == "STACK_GLOBAL":
            full = ".".join(texts[-2:])
        elif isinstance(argument, str):
            texts.append(argument)
        if full is None:
            continue
        module, _, name = full.rpartition(".")
        try:
            weights_only_rules.find_global(module, name)
        except pickle.UnpicklingError:
            if full not in found:
                found.append(full)
    return found
