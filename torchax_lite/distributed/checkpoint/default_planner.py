"""The planners that ``save`` and ``load`` use when none is given."""

from __future__ import annotations

import dataclasses
import io
import logging
import math
from collections import ChainMap
from typing import Any

import torchax_lite as torch

from ._nested_dict import Path, _is_leaf_2_3, flatten_state_dict, set_element
from .metadata import (
    STATE_DICT_TYPE,
    STORAGE_TYPES,
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    StorageMeta,
    TensorStorageMetadata,
)
from .planner import LoadPlan, LoadPlanner, ReadItem, SavePlan, SavePlanner, WriteItem, WriteItemType
from .planner_helpers import (
    _create_read_items,
    _create_write_items,
    _init_state_dict,
    find_state_dict_object,
    narrow_tensor_by_index,
)

__all__ = [
    "DefaultLoadPlanner", "DefaultSavePlanner", "create_default_global_load_plan", "create_default_global_save_plan",
    "create_default_local_load_plan", "create_default_local_save_plan",
]  # fmt: skip

logger = logging.getLogger(__name__)


class DefaultSavePlanner(SavePlanner):
    """Writes every entry of the state dict, nested ones under their joined names.

    Args:
        flatten_state_dict: whether nested dicts become entries of their own.
        flatten_sharded_tensors: about sharded tensors, which there are none of in one process.
        dedup_replicated_tensors: no longer has any effect in PyTorch.
        dedup_save_to_lowest_rank: which of several processes writes what all have.
        enable_plan_caching: spares several processes the exchange of equal plans.
    """

    mappings: dict[str, Path]

    def __init__(
        self, flatten_state_dict: bool = True, flatten_sharded_tensors: bool = True,
        dedup_replicated_tensors: bool | None = None, dedup_save_to_lowest_rank: bool = False,
        enable_plan_caching: bool = False,
    ) -> None:  # fmt: skip
        self.flatten_state_dict = flatten_state_dict
        self.flatten_sharded_tensors = flatten_sharded_tensors
        self.dedup_save_to_lowest_rank = dedup_save_to_lowest_rank
        self._enable_plan_caching = enable_plan_caching
        self.mappings = {}
        if dedup_replicated_tensors is not None:
            logger.warning(
                "DefaultSavePlanner's `dedup_replicated_tensors` argument is being deprecated, and no longer has any "
                "effect. Please remove this argument from your call."
            )

    def set_up_planner(
        self, state_dict: STATE_DICT_TYPE, storage_meta: StorageMeta | None = None, is_coordinator: bool = False
    ) -> None:
        if self.flatten_state_dict:
            state_dict, self.mappings = flatten_state_dict(state_dict)
        self.state_dict = state_dict
        self.is_coordinator = is_coordinator

    def create_local_plan(self) -> SavePlan:
        plan = create_default_local_save_plan(self.state_dict, self.is_coordinator)
        if self.flatten_state_dict:
            plan = dataclasses.replace(plan, planner_data=self.mappings)
        self.plan = plan
        return plan

    def create_global_plan(self, all_plans: list[SavePlan]) -> tuple[list[SavePlan], Metadata]:
        plans, metadata = create_default_global_save_plan(all_plans)
        if self.flatten_state_dict:
            metadata = dataclasses.replace(metadata, planner_data=dict(ChainMap(*(p.planner_data for p in plans))))
        errors = _validate_global_plan(plans, metadata)
        if errors:
            raise ValueError(f"Failed to validate global plan: {'; '.join(errors)[:500]}")
        self.global_plan, self.metadata = plans, metadata
        return plans, metadata

    def finish_plan(self, new_plan: SavePlan) -> SavePlan:
        self.plan = new_plan
        return new_plan

    def resolve_data(self, write_item: WriteItem) -> Any:
        return self.transform_object(write_item, self.lookup_object(write_item.index))

    def lookup_object(self, index: MetadataIndex) -> Any:
        """The entry that an index names; to be overridden."""
        return find_state_dict_object(self.state_dict, index)

    def transform_object(self, write_item: WriteItem, object: Any) -> Any:
        """What is written of an entry: a tensor as it is, others as a file of ``torch.save``; to be overridden."""
        if write_item.type is WriteItemType.BYTE_IO:
            data = io.BytesIO()
            torch.save(object, data)
            return data
        return object


class DefaultLoadPlanner(LoadPlanner):
    """Fills the tensors of a state dict in place and replaces its other entries.

    Objects that are no tensors are read by ``torch.load`` with its defaults (``weights_only=True``, unless the
    environment variable ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` says otherwise); PyTorch runs their pickles.

    Args:
        flatten_state_dict: whether nested dicts are entries of their own.
        flatten_sharded_tensors: about sharded tensors, which there are none of in one process.
        allow_partial_load: entries that the checkpoint lacks are left as they are.
    """

    original_state_dict: STATE_DICT_TYPE
    mappings: dict[str, Path]

    def __init__(
        self, flatten_state_dict: bool = True, flatten_sharded_tensors: bool = True, allow_partial_load: bool = False
    ) -> None:
        self.flatten_state_dict = flatten_state_dict
        self.flatten_sharded_tensors = flatten_sharded_tensors
        self.allow_partial_load = allow_partial_load
        self.original_state_dict = {}
        self.mappings = {}

    def set_up_planner(
        self, state_dict: STATE_DICT_TYPE, metadata: Metadata | None = None, is_coordinator: bool = False
    ) -> None:
        _init_state_dict(state_dict)
        self.original_state_dict = state_dict
        if self.flatten_state_dict:
            state_dict, self.mappings = flatten_state_dict(state_dict)
        self.state_dict = state_dict
        self.metadata = metadata
        self.is_coordinator = is_coordinator

    def create_local_plan(self) -> LoadPlan:
        if self.metadata is None:
            raise AssertionError("self.metadata is not None")
        if self.flatten_state_dict:
            missing = set(self.metadata.state_dict_metadata) - set(self.state_dict)
            if missing:  # names as PyTorch 2.3 and before made them?
                old, paths = flatten_state_dict(self.original_state_dict, _is_leaf_2_3)
                if missing & set(old):
                    self.state_dict, self.mappings = old, paths
        return create_default_local_load_plan(self.state_dict, self.metadata, not self.allow_partial_load)

    def create_global_plan(self, global_plan: list[LoadPlan]) -> list[LoadPlan]:
        return create_default_global_load_plan(global_plan)

    def finish_plan(self, central_plan: LoadPlan) -> LoadPlan:
        return central_plan

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        loaded, name = torch.load(value), read_item.dest_index.fqn
        if self.flatten_state_dict:
            set_element(self.original_state_dict, self.mappings[name], loaded)
        else:
            self.state_dict[name] = loaded

    def resolve_tensor(self, read_item: ReadItem) -> Any:
        return self.transform_tensor(read_item, self.lookup_tensor(read_item.dest_index))

    def commit_tensor(self, read_item: ReadItem, tensor: Any) -> None:
        pass

    def lookup_tensor(self, index: MetadataIndex) -> Any:
        """The tensor that an index names; to be overridden."""
        return find_state_dict_object(self.state_dict, index)

    def transform_tensor(self, read_item: ReadItem, tensor: Any) -> Any:
        """The box of a tensor that is read into; to be overridden."""
        return narrow_tensor_by_index(tensor, read_item.dest_offsets, read_item.lengths)


class _EmptyStateDictLoadPlanner(DefaultLoadPlanner):
    """Makes the whole state dict from the metadata.

    Args:
        keys: names, or beginnings of paths, to read; everything if left out.
    """

    def __init__(self, keys: Any = None, *args: Any, **kwargs: Any) -> None:
        self.keys = keys
        super().__init__(*args, **kwargs)

    def _wanted(self, name: str, path: Any) -> bool:
        if self.keys is None or name in self.keys:
            return True
        return any(".".join(map(str, path[: n + 1])) in self.keys for n in range(len(path or ())))

    def set_up_planner(
        self, state_dict: STATE_DICT_TYPE, metadata: Metadata | None = None, is_coordinator: bool = False
    ) -> None:
        if state_dict:
            raise AssertionError("not state_dict")
        if metadata is None:
            raise AssertionError("metadata is not None")
        paths = metadata.planner_data or {}
        for name, described in metadata.state_dict_metadata.items():
            if not self._wanted(name, paths.get(name)):
                continue
            value: Any = described
            if isinstance(described, TensorStorageMetadata):
                value = torch.empty(described.size, dtype=described.properties.dtype)
            if name in paths:
                set_element(state_dict, paths[name], value)
            else:
                state_dict[name] = value
        super().set_up_planner(state_dict, metadata, is_coordinator)


def create_default_local_load_plan(state_dict: dict[str, Any], metadata: Metadata, strict: bool = True) -> LoadPlan:
    """Read every entry of a state dict.

    Raises:
        RuntimeError: for an entry that the checkpoint lacks (with ``strict``). ValueError: for one of another size.
    """
    items = []
    for name, obj in state_dict.items():
        described = metadata.state_dict_metadata.get(name)
        if described is None:
            if strict:
                raise RuntimeError(f"Missing key in checkpoint state_dict: {name}.")
            continue
        if isinstance(described, TensorStorageMetadata) and getattr(obj, "size", None) is not None:
            if described.size != obj.size():
                raise ValueError(f"Size mismatch between saved {described.size} and current: {obj.size()} for {name}")
        items += _create_read_items(name, described, obj)
    return LoadPlan(items)


def create_default_global_load_plan(all_plans: list[LoadPlan]) -> list[LoadPlan]:
    """The plans as they are."""
    return all_plans


def create_default_local_save_plan(state_dict: dict[str, Any], is_coordinator: bool) -> SavePlan:
    """Write every entry of a state dict."""
    return SavePlan([item for name, obj in state_dict.items() for item in _create_write_items(name, obj)])


def create_default_global_save_plan(
    all_plans: list[SavePlan], rewrite_index_hints: bool = True
) -> tuple[list[SavePlan], Metadata]:
    """The plans, with hints where in the list of boxes each box is, and the metadata of all of them."""
    described: dict[str, STORAGE_TYPES] = {}
    plans = []
    for plan in all_plans:
        items = []
        for item in plan.items:
            name = item.index.fqn
            if item.type is not WriteItemType.SHARD and name in described:
                raise AssertionError(f"{name} is planned twice")
            if item.type is WriteItemType.BYTE_IO or item.tensor_data is None:
                described[name] = BytesStorageMetadata()
                items.append(item)
                continue
            data = item.tensor_data
            tensor = described.setdefault(name, TensorStorageMetadata(data.properties, data.size, []))
            assert isinstance(tensor, TensorStorageMetadata)
            if rewrite_index_hints:
                item = dataclasses.replace(item, index=dataclasses.replace(item.index, index=len(tensor.chunks)))
            items.append(item)
            tensor.chunks.append(data.chunk)
        plans.append(dataclasses.replace(plan, items=items))
    return plans, Metadata(described)


def _create_default_local_metadata(state_dict: STATE_DICT_TYPE) -> Metadata:
    """The metadata of a checkpoint of a state dict."""
    return create_default_global_save_plan([create_default_local_save_plan(state_dict, True)])[1]


def _within(size: Any, box: ChunkStorageMetadata) -> bool:
    return all(o >= 0 and n >= 0 and o + n <= s for s, o, n in zip(size, box.offsets, box.sizes, strict=True))


def _overlap(a: ChunkStorageMetadata, b: ChunkStorageMetadata) -> bool:
    sides = zip(a.offsets, a.sizes, b.offsets, b.sizes, strict=True)
    return all(p < q + n and q < p + m for p, m, q, n in sides)


def _validate_global_plan(global_plan: list[SavePlan], metadata: Metadata) -> list[str]:
    """What is wrong with the boxes of tensors."""
    errors = []
    for name, described in metadata.state_dict_metadata.items():
        if isinstance(described, BytesStorageMetadata) or not len(described.size):
            continue
        boxes = described.chunks
        for i, box in enumerate(boxes):
            if not _within(described.size, box):
                errors.append(f"key:{name} has out of bounds chunk: tensor-size:{described.size} chunk: {box}")
            errors += [f"key:{name} has overlapping chunks: {box} {b}" for b in boxes[:i] if _overlap(box, b)]
        volume = sum(math.prod(box.sizes) for box in boxes)
        if len(global_plan) > 1 and volume != math.prod(described.size):
            errors.append(f"key:{name} invalid fill tensor-volume: {math.prod(described.size)} chunks-volume: {volume}")
    return errors
