"""From state dicts to items of plans."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from .metadata import (
    STATE_DICT_TYPE,
    STORAGE_TYPES,
    BytesStorageMetadata,
    ChunkStorageMetadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from .planner import LoadItemType, ReadItem, TensorWriteData, WriteItem, WriteItemType

__all__ = ["create_read_items_for_chunk_list", "find_state_dict_object", "narrow_tensor_by_index"]


def _whole(tensor: Any) -> ChunkStorageMetadata:
    """The box that is all of a tensor."""
    return ChunkStorageMetadata(torch.Size([0] * tensor.dim()), tensor.size())


def _create_chunk_list(tensor: Any) -> list[ChunkStorageMetadata]:
    """The boxes of a tensor that lie in this process: one."""
    return [_whole(tensor)]


def _create_write_items(fqn: str, obj: Any) -> list[WriteItem]:
    """What writes one entry of a state dict."""
    if not isinstance(obj, torch.Tensor):
        return [WriteItem(MetadataIndex(fqn), WriteItemType.BYTE_IO)]
    box = _whole(obj)
    data = TensorWriteData(box, TensorProperties.create_from_tensor(obj), obj.size())
    return [WriteItem(MetadataIndex(fqn, box.offsets), WriteItemType.TENSOR, tensor_data=data)]


def _create_read_items(fqn: str, md: STORAGE_TYPES, obj: Any) -> list[ReadItem]:
    """What reads one entry of a state dict."""
    if isinstance(md, BytesStorageMetadata):
        index, one = MetadataIndex(fqn), torch.Size((0,))
        return [ReadItem(LoadItemType.BYTE_IO, index, one, index, one, one)]
    if not isinstance(obj, torch.Tensor):
        raise ValueError(f"Invalid checkpoint metadata for {fqn}, expected BytesStorageMetadata but found {type(md)}")
    return create_read_items_for_chunk_list(fqn, md, _create_chunk_list(obj))


def create_read_items_for_chunk_list(
    fqn: str, checkpoint_md: TensorStorageMetadata, local_chunks: list[ChunkStorageMetadata]
) -> list[ReadItem]:
    """The reads that fill some boxes of a tensor from the boxes in which a checkpoint has it."""
    items = []
    for i, local in enumerate(local_chunks):
        for j, saved in enumerate(checkpoint_md.chunks):
            begin = [max(a, b) for a, b in zip(local.offsets, saved.offsets, strict=True)]
            sizes = zip(local.offsets, local.sizes, saved.offsets, saved.sizes, strict=True)
            end = [min(a + m, b + n) for a, m, b, n in sizes]
            lengths = [e - b for b, e in zip(begin, end, strict=True)]
            if any(n <= 0 for n in lengths):
                continue
            items.append(
                ReadItem(
                    LoadItemType.TENSOR,
                    MetadataIndex(fqn, local.offsets, i),
                    torch.Size(b - o for b, o in zip(begin, local.offsets, strict=True)),
                    MetadataIndex(fqn, saved.offsets, j),
                    torch.Size(b - o for b, o in zip(begin, saved.offsets, strict=True)),
                    torch.Size(lengths),
                )
            )
    return items


def narrow_tensor_by_index(tensor: Any, offsets: Any, sizes: Any) -> Any:
    """A box of a tensor."""
    for dim, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        if size < tensor.size(dim):
            tensor = tensor.narrow(dim, offset, size)
    return tensor


def find_state_dict_object(state_dict: STATE_DICT_TYPE, index: MetadataIndex) -> Any:
    """The entry of a state dict that an index names.

    Raises:
        ValueError: where there is none, or an offset that is not the tensor's beginning.
    """
    if index.fqn not in state_dict:
        raise ValueError(f"Could not find FQN: '{index.fqn}'")
    obj = state_dict[index.fqn]
    if index.offset is not None and not (isinstance(obj, torch.Tensor) and not any(index.offset)):
        raise ValueError(f"FQN: '{index.fqn}' is not a ShardedTensor, can't find by offset: '{index.offset}'")
    return obj


def _init_state_dict(state_dict: dict[Any, Any]) -> None:
    """Give the tensors on ``meta`` memory on the CPU (or the current accelerator), in place."""
    for key, value in list(state_dict.items()):
        state_dict[key] = _materialized(value)


def _materialized(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.empty_like(value, device="cpu") if value.is_meta else value
    if isinstance(value, dict):
        _init_state_dict(value)
        return value
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_materialized(x) for x in value)
    return value
