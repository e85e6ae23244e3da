"""Checkpoints as folders: files ``__0_N.distcp`` of parts one after the other, and ``.metadata``, written last.

Each part is a whole file of ``torch.save``: a tensor, or the object of an entry.
"""

from __future__ import annotations

import dataclasses
import io
import os
import uuid
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import torchax_lite as torch
from torchax_lite.futures import Future
from torchax_lite.serialization._atomic import sync_folder

from . import _metadata_file
from .metadata import Metadata, StorageMeta
from .planner import LoadItemType, LoadPlan, LoadPlanner, SavePlan, SavePlanner, WriteItem, WriteItemType
from .planner_helpers import narrow_tensor_by_index
from .storage import StorageReader, StorageWriter, WriteResult

__all__ = ["FileSystem", "FileSystemBase", "FileSystemReader", "FileSystemWriter", "SerializationFormat"]

PathLike = str | os.PathLike[str]

CURRENT_DCP_VERSION = "1.0.0"
DEFAULT_SUFFIX = ".distcp"
_METADATA = ".metadata"


@dataclasses.dataclass
class _StorageInfo:
    """Where a part is: file, first byte, number of bytes."""

    relative_path: str
    offset: int
    length: int
    transform_descriptors: Sequence[str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if value is not None}


@dataclasses.dataclass
class _StoragePrefix:
    prefix: str


class SerializationFormat(Enum):
    """How tensors are written."""

    TORCH_SAVE = "torch_save"
    SAFETENSORS = "safetensors"


class FileSystemBase(ABC):
    """The operations on files that readers and writers need."""

    @contextmanager
    @abstractmethod
    def create_stream(self, path: PathLike, mode: str) -> Iterator[Any]:
        """An open file."""
        yield

    @abstractmethod
    def concat_path(self, path: PathLike, suffix: str) -> Any:
        """A name in a folder."""

    @abstractmethod
    def rename(self, path: PathLike, new_path: PathLike) -> None:
        """Give a file another name."""

    @abstractmethod
    def init_path(self, path: PathLike) -> Any:
        """A path as this file system wants it."""

    @abstractmethod
    def mkdir(self, path: PathLike) -> None:
        """Make a folder, and those above it."""

    @classmethod
    @abstractmethod
    def validate_checkpoint_id(cls, checkpoint_id: PathLike) -> bool:
        """Whether a checkpoint of that name can be kept here."""

    @abstractmethod
    def exists(self, path: PathLike) -> bool:
        """Whether there is such a file."""

    @abstractmethod
    def rm_file(self, path: PathLike) -> None:
        """Remove a file."""


class FileSystem(FileSystemBase):
    """The local file system."""

    @contextmanager
    def create_stream(self, path: PathLike, mode: str) -> Iterator[Any]:
        with open(path, mode) as stream:
            yield stream

    def concat_path(self, path: PathLike, suffix: str) -> Path:
        return Path(path) / suffix

    def init_path(self, path: PathLike) -> Path:
        return Path(path)

    def rename(self, path: PathLike, new_path: PathLike) -> None:
        os.replace(path, new_path)

    def mkdir(self, path: PathLike) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: PathLike) -> bool:
        if isinstance(checkpoint_id, Path):
            return True
        if "://" in str(checkpoint_id):
            return False
        return any(p.exists() and os.access(p, os.W_OK) for p in Path(checkpoint_id).parents)

    def exists(self, path: PathLike) -> bool:
        return Path(path).exists()

    def rm_file(self, path: PathLike) -> None:
        Path(path).unlink()

    def ls(self, path: PathLike) -> list[str]:
        """The files of a folder."""
        return [str(p) for p in Path(path).iterdir()]


def _buckets(count: int, items: list[WriteItem]) -> list[list[WriteItem]]:
    """The items in ``count`` groups of about the same number of bytes."""
    if count == 1:
        return [items]
    groups: list[list[WriteItem]] = [[] for _ in range(count)]
    sizes = [0] * count
    for i, item in enumerate(x for x in items if x.type is WriteItemType.BYTE_IO):
        groups[i % count].append(item)
    tensors = [x for x in items if x.type is not WriteItemType.BYTE_IO]
    for item in sorted(tensors, key=lambda x: x.tensor_storage_size() or 0, reverse=True):
        least = sizes.index(min(sizes))
        groups[least].append(item)
        sizes[least] += item.tensor_storage_size() or 0
    return groups


def _own_memory(tensor: Any) -> Any:
    """A tensor on the CPU whose memory holds nothing else."""
    tensor = tensor.detach().cpu()
    return tensor if tensor.untyped_storage().size() == tensor.nbytes else tensor.clone()


class FileSystemWriter(StorageWriter):
    """Writes checkpoints to a folder.

    Args:
        path: the folder.
        single_file_per_rank: one file for all parts; one for each if False.
        sync_files: wait until the disk has the files.
        thread_count: how many files are written at the same time.
        per_thread_copy_ahead: bytes that PyTorch copies from a GPU ahead; copies are made one by one here.
        cache_staged_state_dict: keep the copy that ``async_save`` makes; a copy shares memory here until it changes.
        overwrite: whether a checkpoint in the folder is replaced.
        serialization_format: ``TORCH_SAVE``.

    Raises:
        NotImplementedError: for another format or extensions.
    """

    def __init__(
        self, path: PathLike, single_file_per_rank: bool = True, sync_files: bool = True, thread_count: int = 1,
        per_thread_copy_ahead: int = 10_000_000, cache_staged_state_dict: bool = False, overwrite: bool = True,
        _extensions: Sequence[Any] | None = None,
        serialization_format: SerializationFormat = SerializationFormat.TORCH_SAVE,
    ) -> None:  # fmt: skip
        super().__init__()
        if _extensions or serialization_format is not SerializationFormat.TORCH_SAVE:
            raise NotImplementedError(
                "FileSystemWriter: extensions, and formats other than SerializationFormat.TORCH_SAVE"
            )
        self.fs = FileSystem()
        self.path = self.fs.init_path(path)
        self.single_file_per_rank = single_file_per_rank
        self.sync_files = sync_files
        self.thread_count = thread_count
        self.per_thread_copy_ahead = per_thread_copy_ahead
        self.cache_staged_state_dict = cache_staged_state_dict
        self.overwrite = overwrite
        self.serialization_format = serialization_format
        self.save_id = str(uuid.uuid4())
        self.rank: int | None = None
        self.use_collectives = True

    def reset(self, checkpoint_id: PathLike | None = None) -> None:
        if checkpoint_id:
            self.path = self.fs.init_path(checkpoint_id)
        self.save_id = str(uuid.uuid4())

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        self.rank = kwargs.get("rank")
        self.use_collectives = kwargs.get("use_collectives", True)

    def _metadata_path(self) -> Path:
        own = not self.use_collectives and self.rank is not None
        return self.fs.concat_path(self.path, f"__{self.rank}{_METADATA}" if own else _METADATA)

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        self.fs.mkdir(self.path)
        if self.fs.exists(self._metadata_path()):
            if not self.overwrite:
                raise RuntimeError(f"Checkpoint already exists and {self.overwrite=}.")
            warnings.warn(
                f"Detected an existing checkpoint in {self.path}, overwriting since {self.overwrite=}. Past version 2.5 "
                "of PyTorch, `overwrite` will default to False. Set this variable to True to maintain this functionality "
                "or False to raise when an existing checkpoint is found.",
                stacklevel=2,
            )
        if self.rank is not None and not self.use_collectives:
            plan = dataclasses.replace(plan, storage_data=_StoragePrefix(f"__{self.rank}_"))
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        return [
            dataclasses.replace(plan, storage_data=_StoragePrefix(f"__{i}_")) if plan.storage_data is None else plan
            for i, plan in enumerate(plans)
        ]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        groups = _buckets(self.thread_count, plan.items) if self.single_file_per_rank else [[x] for x in plan.items]
        named = [(f"{plan.storage_data.prefix}{i}{DEFAULT_SUFFIX}", group) for i, group in enumerate(groups)]
        # Values are fetched here: programs are not run from several threads.
        ready = [(name, [(item, self._resolved(item, planner)) for item in group]) for name, group in named]
        if self.thread_count == 1 or len(ready) == 1:
            written = [self._write_file(name, parts) for name, parts in ready]
        else:
            with ThreadPoolExecutor(self.thread_count) as pool:
                written = list(pool.map(lambda one: self._write_file(*one), ready))
        done: Future[list[WriteResult]] = Future()
        done.set_result([result for results in written for result in results])
        return done

    def _resolved(self, item: WriteItem, planner: SavePlanner) -> Any:
        data = planner.resolve_data(item)
        return data if item.type is WriteItemType.BYTE_IO else _own_memory(data)

    def _write_file(self, name: str, parts: list[tuple[WriteItem, Any]]) -> list[WriteResult]:
        """Write parts one after the other; objects come first, as in PyTorch."""
        results = []
        with self.fs.create_stream(self.fs.concat_path(self.path, name), "wb") as stream:
            for item, data in sorted(parts, key=lambda part: part[0].type is not WriteItemType.BYTE_IO):
                offset = stream.tell()
                if isinstance(data, io.BytesIO):
                    stream.write(data.getbuffer())
                else:
                    torch.save(data, stream)
                info = _StorageInfo(name, offset, stream.tell() - offset)
                results.append(WriteResult(item.index, info.length, info))
            if self.sync_files:
                stream.flush()
                os.fsync(stream.fileno())
        return results

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        metadata.version = CURRENT_DCP_VERSION
        metadata.storage_data = {result.index: result.storage_data for part in results for result in part}
        metadata.storage_meta = self.storage_meta()
        path = self._metadata_path()
        temporary = path.with_name(path.name + ".tmp")
        with self.fs.create_stream(temporary, "wb") as stream:
            stream.write(_metadata_file.write(metadata))
            if self.sync_files:
                stream.flush()
                os.fsync(stream.fileno())
        self.fs.rename(temporary, path)
        if self.sync_files:
            sync_folder(self.path)

    def storage_meta(self) -> StorageMeta | None:
        return StorageMeta(checkpoint_id=self.checkpoint_id, save_id=self.save_id)

    @property
    def checkpoint_id(self) -> PathLike:
        """The folder."""
        return self.path

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: PathLike) -> bool:
        return FileSystem.validate_checkpoint_id(checkpoint_id)

    def stage(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """A copy of a state dict that later changes of the tensors leave as it is."""
        return _staged(state_dict)


def _staged(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().cpu()
    if isinstance(value, dict):
        return {key: _staged(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_staged(part) for part in value)
    return value


class FileSystemReader(StorageReader):
    """Reads checkpoints from a folder.

    Args:
        path: the folder.

    Raises:
        NotImplementedError: for parts that were written through an extension (compression, say).
    """

    def __init__(self, path: PathLike, _extension_registry: Any = None) -> None:
        super().__init__()
        if _extension_registry is not None:
            raise NotImplementedError("FileSystemReader: extensions")
        self.fs = FileSystem()
        self.path = self.fs.init_path(path)
        self.storage_data: dict[Any, Any] = {}
        self.load_id = str(uuid.uuid4())
        self.rank: int | None = None
        self.use_collectives = True

    def reset(self, checkpoint_id: PathLike | None = None) -> None:
        self.storage_data = {}
        if checkpoint_id:
            self.path = self.fs.init_path(checkpoint_id)
        self.load_id = str(uuid.uuid4())

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        rank = kwargs.get("rank")
        name = _METADATA if rank is None else f"__{rank}{_METADATA}"
        with self.fs.create_stream(self.fs.concat_path(self.path, name), "rb") as stream:
            metadata = _metadata_file.read(stream.read())
        if metadata.storage_meta is None:
            metadata.storage_meta = StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        self.rank = kwargs.get("rank")
        self.use_collectives = kwargs.get("use_collectives", True)
        if metadata.storage_data is None:
            raise AssertionError("storage_data must not be None in metadata")
        self.storage_data = metadata.storage_data

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        files: dict[str, list[Any]] = {}
        for item in plan.items:
            files.setdefault(self.storage_data[item.storage_index].relative_path, []).append(item)
        for name, items in files.items():
            with self.fs.create_stream(self.fs.concat_path(self.path, _checked_name(name)), "rb") as stream:
                for item in items:
                    self._read_item(stream, item, planner)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _read_item(self, stream: Any, item: Any, planner: LoadPlanner) -> None:
        data = _part(stream, self.storage_data[item.storage_index])
        if item.type is LoadItemType.BYTE_IO:
            planner.load_bytes(item, data)
            return
        tensor = torch.load(data, map_location="cpu", weights_only=True)
        if not isinstance(tensor, torch.Tensor):
            raise RuntimeError(f"{item.storage_index}: the file holds {type(tensor).__name__}, not a tensor")
        tensor = narrow_tensor_by_index(tensor, item.storage_offsets, item.lengths)
        target = planner.resolve_tensor(item).detach()
        if target.size() != tensor.size():
            raise AssertionError(f"req {item.storage_index} mismatch sizes {target.size()} vs {tensor.size()}")
        target.copy_(tensor)
        planner.commit_tensor(item, target)

    @property
    def checkpoint_id(self) -> PathLike:
        """The folder."""
        return self.path

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: PathLike) -> bool:
        return FileSystem.validate_checkpoint_id(checkpoint_id)


def _checked_name(name: Any) -> str:
    """The name of a file in the folder; RuntimeError for one that leads out of it."""
    if type(name) is not str or not name or name in (".", "..") or any(c in name for c in "/\\\0"):
        raise RuntimeError(f"a checkpoint names a file outside of its folder: {name!r}")
    return name


def _part(stream: Any, info: _StorageInfo) -> io.BytesIO:
    """The bytes of a part."""
    if info.transform_descriptors:
        raise NotImplementedError(f"a checkpoint written through the extensions {list(info.transform_descriptors)}")
    if any(type(n) is not int or n < 0 for n in (info.offset, info.length)):
        raise RuntimeError(f"a part of a checkpoint has the place {info.offset!r}, {info.length!r}")
    if info.offset + info.length > stream.seek(0, os.SEEK_END):
        raise RuntimeError(f"a part of a checkpoint reaches beyond the file {info.relative_path}")
    stream.seek(info.offset)
    return io.BytesIO(stream.read(info.length))
