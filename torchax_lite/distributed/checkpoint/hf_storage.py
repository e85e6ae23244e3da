"""Checkpoints as folders of safetensors files, as Hugging Face has them. They need the package ``safetensors``."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from typing import Any

import torchax_lite as torch
from torchax_lite.futures import Future
from torchax_lite.interop.huggingface import INDEX, safetensors_torch, shard_name

from .filesystem import FileSystemReader, FileSystemWriter, PathLike, _checked_name, _own_memory, _StorageInfo
from .metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    StorageMeta,
    TensorProperties,
    TensorStorageMetadata,
)
from .planner import LoadPlan, LoadPlanner, SavePlan, SavePlanner, WriteItemType
from .storage import WriteResult

__all__ = ["HuggingFaceStorageReader", "HuggingFaceStorageWriter", "QuantizedHuggingFaceStorageReader"]


@dataclass
class _HFStorageInfo:
    """Where a tensor is: file, shape, dtype."""

    relative_path: str
    shape: Any
    dtype: Any


class HuggingFaceStorageWriter(FileSystemWriter):
    """Writes tensors as ``model-0000N-of-0000M.safetensors`` and ``model.safetensors.index.json``.

    Args:
        path: the folder.
        fqn_to_index_mapping: for each name the number of the file, from 1; one file if left out.
        thread_count: how many files are written at the same time; one after the other here.
        save_distributed, enable_consolidation, thread_count_consolidation: about shards of several processes.

    Raises:
        NotImplementedError: with ``save_distributed``.
    """

    def __init__(
        self, path: str, fqn_to_index_mapping: dict[str, int] | None = None, thread_count: int = 1,
        save_distributed: bool = False, enable_consolidation: bool = False, thread_count_consolidation: int = 1,
    ) -> None:  # fmt: skip
        if save_distributed or enable_consolidation:
            raise NotImplementedError("HuggingFaceStorageWriter: save_distributed needs several processes")
        super().__init__(path, thread_count=thread_count)
        self.fqn_to_index_mapping = fqn_to_index_mapping

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        return [dataclasses.replace(plan, storage_data=self.fqn_to_index_mapping) for plan in plans]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        numbers = plan.storage_data or {item.index.fqn: 1 for item in plan.items}
        files: dict[int, list[Any]] = {}
        for item in plan.items:
            if item.type is WriteItemType.BYTE_IO:
                raise NotImplementedError(f"HuggingFaceStorageWriter: {item.index.fqn} is no tensor")
            files.setdefault(numbers[item.index.fqn], []).append(item)
        results = []
        for number, items in sorted(files.items()):
            name = shard_name(number, max(numbers.values()))
            tensors = {x.index.fqn: _own_memory(planner.resolve_data(x)).contiguous() for x in items}
            boxes = {x.index.fqn: {"saved_offsets": list(x.tensor_data.chunk.offsets)} for x in items}
            data = safetensors_torch("save")(
                tensors, metadata={"DCP_SHARDING_INFO": json.dumps(boxes), "DCP_VERSION": "1.0", "format": "pt"}
            )
            with self.fs.create_stream(self.fs.concat_path(self.path, name), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            results += [
                WriteResult(x.index, t.nbytes, _StorageInfo(name, 0, t.nbytes))
                for x, t in zip(items, tensors.values(), strict=True)
            ]
        done: Future[list[WriteResult]] = Future()
        done.set_result(results)
        return done

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        written = [result for part in results for result in part]
        index = {
            "metadata": {"total_size": sum(result.size_in_bytes for result in written)},
            "weight_map": {result.index.fqn: result.storage_data.relative_path for result in written},
        }
        with self.fs.create_stream(self.fs.concat_path(self.path, INDEX), "w") as stream:
            json.dump(index, stream, indent=2)


class HuggingFaceStorageReader(FileSystemReader):
    """Reads folders of safetensors files, also those in which several processes wrote parts of tensors.

    Args:
        path: the folder.
        thread_count: how many files are read at the same time; one after the other here.
    """

    def __init__(self, path: PathLike, thread_count: int = 1) -> None:
        super().__init__(path)
        self.thread_count = thread_count

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        described: dict[str, Any] = {}
        places: dict[Any, Any] = {}
        for path in sorted(self.fs.ls(self.path)):
            if path.endswith(".safetensors"):
                self._describe(path, described, places)
        metadata = Metadata(described, storage_data=places, storage_meta=StorageMeta())
        assert metadata.storage_meta is not None
        metadata.storage_meta.load_id = self.load_id
        return metadata

    def _describe(self, path: str, described: dict[str, Any], places: dict[Any, Any]) -> None:
        """Add a file's tensors."""
        dtype_of = safetensors_torch("_getdtype")
        with safetensors_torch("safe_open")(path, framework="pt") as file:
            boxes = json.loads((file.metadata() or {}).get("DCP_SHARDING_INFO") or "{}")
            for name in file.keys():  # noqa: SIM118  (no mapping)
                part = file.get_slice(name)
                shape, dtype = torch.Size(part.get_shape()), dtype_of(part.get_dtype())
                offset = torch.Size(boxes[name]["saved_offsets"] if name in boxes else [0] * len(shape))
                end = [o + n for o, n in zip(offset, shape, strict=True)]
                tensor = described.setdefault(
                    name, TensorStorageMetadata(TensorProperties(dtype=dtype), torch.Size(end), [])
                )
                tensor.size = torch.Size(max(a, b) for a, b in zip(tensor.size, end, strict=True))
                tensor.chunks.append(ChunkStorageMetadata(offset, shape))
                places[MetadataIndex(name, offset)] = _HFStorageInfo(os.path.basename(path), shape, dtype)

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        files: dict[str, list[Any]] = {}
        for item in plan.items:
            files.setdefault(self.storage_data[item.storage_index].relative_path, []).append(item)
        for name, items in files.items():
            path = str(self.fs.concat_path(self.path, _checked_name(name)))
            with safetensors_torch("safe_open")(path, framework="pt") as file:
                for item in items:
                    box = tuple(slice(o, o + n) for o, n in zip(item.storage_offsets, item.lengths, strict=True))
                    part = file.get_slice(item.storage_index.fqn)
                    tensor = part[box] if box else file.get_tensor(item.storage_index.fqn)
                    target = planner.resolve_tensor(item).detach()
                    if target.size() != tensor.size():
                        raise AssertionError(
                            f"req {item.storage_index} mismatch sizes {target.size()} vs {tensor.size()}"
                        )
                    target.copy_(tensor)
                    planner.commit_tensor(item, target)
        done: Future[None] = Future()
        done.set_result(None)
        return done


class QuantizedHuggingFaceStorageReader(HuggingFaceStorageReader):
    """Not here: block-wise quantised weights (names that end with ``_scale_inv``) are not scaled back.

    Raises:
        NotImplementedError: always.
    """

    def __init__(
        self, path: PathLike, thread_count: int = 1, target_dtype: Any = torch.float32, block_size: int = 128
    ) -> None:
        raise NotImplementedError("QuantizedHuggingFaceStorageReader: read the folder with HuggingFaceStorageReader")
