"""``torch.load``."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import warnings
from typing import IO, Any

import numpy as np

from .. import _weights_only_unpickler as weights_only_rules
from ..engine.avals import place
from ..tensor.creation import from_numpy
from ..tensor.dtypes import to_numpy_dtype, uint8
from ..tensor.rebuilding import fresh_storage
from ..tensor.storage_api import TypedStorage, UntypedStorage
from . import _legacy
from ._archive import ZIP_START, ArchiveReader
from ._locations import is_meta, restorer
from ._options import MAP_SHARED, _config, _serialization_tls, get_default_mmap_options
from ._pickles import UNSAFE_MESSAGE, checked_storage_kind, load_safely, load_trusted, text, warn_ignored

_TRUE = ("1", "y", "yes", "true")

FileLike = str | os.PathLike[str] | IO[bytes]


class _Reader:
    """Gives the storages of an archive, each read once.

    Args:
        archive: the records.
        map_location: see :func:`load`.
        shared: changes of mapped storages reach the file.
    """

    def __init__(self, archive: ArchiveReader, map_location: Any, shared: bool = False) -> None:
        self.archive = archive
        self.restore = restorer(map_location)
        self.meta = is_meta(map_location)
        self.shared = shared
        self.loaded: dict[str, Any] = {}
        self.swap = archive.swaps()

    def __call__(self, pid: Any) -> Any:
        if type(pid) is not tuple or len(pid) != 5 or text(pid[0]) != "storage":
            raise pickle.UnpicklingError(f"unknown persistent id {pid!r}")
        _, kind, key, location, numel = pid
        dtype = checked_storage_kind(kind) or uint8
        key, location = text(key), text(location)
        if type(key) is not str or type(location) is not str or type(numel) is not int or numel < 0:
            raise pickle.UnpicklingError(f"malformed persistent id {pid!r}")
        found = self.loaded.get(key)
        if found is None:
            found = self.loaded[key] = self._load(dtype, key, location, numel)
        elif found.dtype is not dtype:
            raise pickle.UnpicklingError(f"storage {key!r} appears with two dtypes")
        return found

    def _load(self, dtype: Any, key: str, location: str, numel: int) -> Any:
        name = f"data/{key}"
        item = dtype.itemsize
        if self.archive.size(name) != numel * item:
            raise RuntimeError(
                f"storage {key} has {self.archive.size(name)} bytes in the file, but {numel} elements of {item} bytes "
                "are declared"
            )
        holder = self._holder(name, dtype, numel * item)
        if not self.meta:
            holder = self.restore(holder, location)
        if not isinstance(holder, (UntypedStorage, TypedStorage)):
            raise TypeError(f"map_location returned {type(holder).__name__}, expected torch.UntypedStorage")
        storage: Any = holder._storage
        storage.fresh = storage.aval.ndim == 1 and storage.host is None
        return TypedStorage(storage, dtype)

    def _holder(self, name: str, dtype: Any, size: int) -> UntypedStorage:
        """The storage of a record, on the CPU (or without values)."""
        if self.meta:
            return UntypedStorage(fresh_storage(np.broadcast_to(np.uint8(0), size), place("meta", 0, "meta")))
        if _serialization_tls.skip_data:
            return UntypedStorage(fresh_storage(np.zeros(size, np.uint8), place("cpu")))
        raw = self.archive.array(name)
        item = dtype.itemsize
        if self.swap and item > 1:
            part = item // 2 if dtype.is_complex else item
            raw = np.ascontiguousarray(raw.reshape(-1, part)[:, ::-1]).reshape(-1)
        if self.shared and raw.size:
            return from_numpy(raw.view(to_numpy_dtype(dtype))).untyped_storage()
        return UntypedStorage(fresh_storage(raw, place("cpu")))


def load(
    f: FileLike, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Read what :func:`save` (of this package or of PyTorch, since its first releases) wrote.

    Args:
        f: a path, or a file object with ``read``, ``seek`` and ``tell``.
        map_location: where storages go: a device or its name, a dict from the names in the file to names, or a function
            ``(storage, name) -> storage or None``; where they were when saved, if left out.
        pickle_module: module with an ``Unpickler`` (implies ``weights_only=False``).
        weights_only: build only tensors, plain containers and what :func:`add_safe_globals` allows (the default). False
            runs the file's pickle, which can run any code: only for files that you trust.
        mmap: map the file into memory instead of reading it (paths only): a storage is read when it is used first.
        **pickle_load_args: for the ``Unpickler`` when ``weights_only=False``.

    Raises:
        pickle.UnpicklingError: for a file that needs more than ``weights_only`` allows.
        RuntimeError: for a damaged file, or one without the device that it names.
    """
    weights_only = _decide_weights_only(weights_only, pickle_module)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only:
        warn_ignored(pickle_load_args)
    module = None if weights_only else pickle_module or pickle
    mmap = _config().load.mmap if mmap is None else mmap
    pickle_load_args.setdefault("encoding", "utf-8")
    is_path = isinstance(f, (str, os.PathLike))
    if is_path and os.fsdecode(f).endswith(".safetensors"):  # type: ignore[arg-type]
        return _load_safetensors(os.fsdecode(f), map_location)  # type: ignore[arg-type]
    if not is_path:
        _check_seekable(f)
    before = _serialization_tls.map_location
    opened: Any = open(os.fspath(f), "rb") if is_path else contextlib.nullcontext(f)  # type: ignore[arg-type]
    with opened as file:
        start = file.tell()
        head = file.read(len(ZIP_START))
        file.seek(start)
        if isinstance(head, str):
            raise TypeError("torch.load needs a file opened in binary mode")
        if not head:
            raise EOFError() if weights_only else EOFError("Ran out of input")
        _serialization_tls.map_location = map_location
        try:
            if head == ZIP_START:
                return _load_archive(f, file, start, map_location, module, mmap, pickle_load_args)
            if mmap:
                name = f"{f}, " if isinstance(f, str) else ""
                raise RuntimeError(
                    f"mmap can only be used with files saved with `torch.save({name}"
                    "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order "
                    "to use mmap."
                )
            return _legacy.load(file, map_location, module, pickle_load_args)
        finally:
            _serialization_tls.map_location = before


def _load_archive(
    f: Any, file: Any, start: int, map_location: Any, module: Any, mmap: bool, arguments: dict[str, Any]
) -> Any:
    archive = ArchiveReader(file)
    if archive.has("constants.pkl"):
        return _load_script(file, start, map_location, module is None)
    shared = False
    if mmap:
        if not isinstance(f, (str, os.PathLike)):
            raise ValueError("f must be a file path in order to use the mmap argument")
        shared = MAP_SHARED is not None and get_default_mmap_options() == MAP_SHARED
        archive.mapped = np.asarray(np.memmap(os.fspath(f), np.uint8, "r+" if shared else "c"))
    reader = _Reader(archive, map_location, shared)
    data = archive.read("data.pkl")
    if module is None:
        return load_safely(data, reader)[0]
    return load_trusted(data, reader, module, arguments)


def _load_script(file: Any, start: int, map_location: Any, weights_only: bool) -> Any:
    warnings.warn(
        "'torch.load' received a zip file that looks like a TorchScript archive dispatching to 'torch.jit.load' (call "
        "'torch.jit.load' directly to silence this warning)",
        UserWarning,
        stacklevel=4,
    )
    if weights_only:
        raise RuntimeError(
            "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. " + UNSAFE_MESSAGE
        )
    from .. import jit

    file.seek(start)
    return jit.load(file, map_location=map_location)


def _load_safetensors(path: str, map_location: Any) -> Any:
    if isinstance(map_location, dict) or callable(map_location):
        kind = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {kind} map_location is not supported. Use a device string or torch.device "
            "instead."
        )
    from ..interop.huggingface import load_safetensors

    return load_safetensors(path, "cpu" if map_location is None else map_location)


def _check_seekable(f: Any) -> None:
    try:
        f.seek(f.tell())
        _ = f.read
    except (io.UnsupportedOperation, AttributeError) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from None


def _decide_weights_only(given: bool | None, pickle_module: Any) -> bool:
    force = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE
    force_not = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE
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


def get_unsafe_globals_in_checkpoint(f: FileLike) -> list[str]:
    """Full names in a file that ``load(weights_only=True)`` would refuse; nothing of the file is run.

    Raises:
        ValueError: for a file that is no archive of :func:`save`.
    """
    with open(os.fspath(f), "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        start = file.tell()
        head = file.read(len(ZIP_START))
        file.seek(start)
        if head != ZIP_START:
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        archive = ArchiveReader(file)
        if archive.has("constants.pkl"):
            raise ValueError(
                "Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint"
            )
        return weights_only_rules.refused_globals(archive.read("data.pkl"))
