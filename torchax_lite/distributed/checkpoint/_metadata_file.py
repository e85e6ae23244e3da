"""The pickle of ``.metadata``: read by an interpreter that knows its classes only, written with PyTorch's names."""

from __future__ import annotations

import io
import pathlib
import pickle
from typing import Any

import torchax_lite as torch
from torchax_lite import _weights_only_unpickler as rules
from torchax_lite.serialization._pickles import TorchPickler, load_safely

from . import metadata as names
from .metadata import Metadata

_CLASSES = (
    "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta", "TensorProperties",
    "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
)  # fmt: skip
_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")


def _path(*parts: str) -> pathlib.Path:
    if any(type(part) is not str for part in parts):
        raise pickle.UnpicklingError("a path has parts that are no texts")
    return pathlib.Path(*parts)


class _MetadataUnpickler(rules.Unpickler):
    """Knows the classes of :mod:`.metadata` and of what storages say, sizes, dtypes, layouts and paths."""

    protocols = (2, 3, 4, 5)
    steps = rules.PROTOCOL_4

    def find(self, module: str, name: str) -> Any:
        package = "torch.distributed.checkpoint"
        if module == f"{package}.metadata" and name in _CLASSES:
            return getattr(names, name)
        if (module, name) == (f"{package}.filesystem", "_StorageInfo"):
            return _storage_info()
        if module in ("pathlib", "pathlib._local") and name in _PATHS:
            return _path
        if (module, name) in (("builtins", "set"), ("collections", "OrderedDict"), ("torch", "Size")) or (
            module in ("torch", "torch.serialization") and name not in ("Tensor", "device")
        ):
            return super().find(module, name)
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name} is none that the metadata of a checkpoint may use")

    def call(self, func: Any, args: tuple[Any, ...]) -> Any:
        allowed = (names._MEM_FORMAT_ENCODING, _path, set, torch.Size, torch.serialization._get_layout)
        if not any(func is x for x in (*allowed, rules.allowed_globals()["collections.OrderedDict"])):
            raise pickle.UnpicklingError(f"Trying to call reduce for unrecognized function {func}")
        return func(*args)

    def make(self, cls: type, args: tuple[Any, ...]) -> Any:
        if args and cls is torch.Size:
            return torch.Size(*args)
        if args or not any(cls is x for x in _dataclasses()):
            raise pickle.UnpicklingError(f"Can only create objects of the metadata's classes, but got {cls}")
        return object.__new__(cls)

    def build(self, made: Any, state: Any) -> None:
        if type(made) is names.TensorProperties:
            if type(state) is not tuple or len(state) != 5:
                raise pickle.UnpicklingError("state of TensorProperties is no tuple of five")
            made.__setstate__(state)
            return
        known = getattr(type(made), "__dataclass_fields__", {})
        if (
            not any(type(made) is x for x in _dataclasses())
            or type(state) is not dict
            or not state.keys() <= set(known)
        ):
            raise pickle.UnpicklingError(f"unexpected state of {type(made)}")
        made.__dict__.update(state)


def _storage_info() -> Any:
    from .filesystem import _StorageInfo

    return _StorageInfo


def _dataclasses() -> tuple[Any, ...]:
    return (*(getattr(names, name) for name in _CLASSES if name != "_MEM_FORMAT_ENCODING"), _storage_info())


def _refuse(pid: Any) -> Any:
    raise pickle.UnpicklingError(f"unexpected persistent id {pid!r}")


def read(data: bytes) -> Metadata:
    """The metadata in a file's bytes.

    Raises:
        pickle.UnpicklingError: for anything that metadata does not need.
    """
    found, _ = load_safely(data, _refuse, unpickler=_MetadataUnpickler)
    _check(found)
    return found  # type: ignore[no-any-return]


def _check(found: Any) -> None:
    """Raise UnpicklingError where the parts are not of the types that the rest of the package relies on."""
    if type(found) is not Metadata or type(getattr(found, "state_dict_metadata", None)) is not dict:
        raise pickle.UnpicklingError("the file holds no metadata of a checkpoint")
    for name, described in found.state_dict_metadata.items():
        if type(name) is not str:
            raise pickle.UnpicklingError("a name in the metadata is no text")
        if type(described) is names.BytesStorageMetadata:
            continue
        if type(described) is not names.TensorStorageMetadata or not _is_size(getattr(described, "size", None)):
            raise pickle.UnpicklingError(f"{name}: neither a tensor nor bytes")
        if type(getattr(described, "properties", None)) is not names.TensorProperties:
            raise pickle.UnpicklingError(f"{name}: a tensor without properties")
        for box in getattr(described, "chunks", None) or ():
            if type(box) is not names.ChunkStorageMetadata or not (_is_size(box.offsets) and _is_size(box.sizes)):
                raise pickle.UnpicklingError(f"{name}: a box without offsets and sizes")
    for index, info in (found.storage_data or {}).items():
        if type(index) is not names.MetadataIndex or type(info) is not _storage_info():
            raise pickle.UnpicklingError("the metadata's list of parts is malformed")
    paths = found.planner_data
    if paths is not None and (
        type(paths) is not dict
        or any(type(path) is not tuple or any(type(p) not in (str, int) for p in path) for path in paths.values())
    ):
        raise pickle.UnpicklingError("the metadata's list of paths is malformed")


def _is_size(value: Any) -> bool:
    return isinstance(value, (torch.Size, tuple, list)) and all(type(n) is int and 0 <= n < 2**63 for n in value)


def write(metadata: Metadata) -> bytes:
    """The bytes of a file that PyTorch reads."""
    data = io.BytesIO()
    TorchPickler(data, 4).dump(metadata)
    return data.getvalue()
