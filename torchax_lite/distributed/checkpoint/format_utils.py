"""Folders of ``torch.distributed.checkpoint`` to files of ``torch.save``, and back.

python -m torchax_lite.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE
python -m torchax_lite.distributed.checkpoint.format_utils torch_to_dcp FILE FOLDER
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import torchax_lite as torch
from torchax_lite.futures import Future

from ._nested_dict import flatten_state_dict
from .default_planner import DefaultLoadPlanner, _EmptyStateDictLoadPlanner
from .filesystem import FileSystemReader, FileSystemWriter
from .metadata import STATE_DICT_TYPE, Metadata, TensorProperties, TensorStorageMetadata
from .planner import LoadItemType, LoadPlan, LoadPlanner
from .planner_helpers import _create_chunk_list, narrow_tensor_by_index
from .state_dict_loader import _load_state_dict
from .state_dict_saver import _save_state_dict
from .storage import StorageReader

__all__ = ["BroadcastingTorchSaveReader", "DynamicMetaLoadPlanner", "dcp_to_torch_save", "torch_save_to_dcp"]


class BroadcastingTorchSaveReader(StorageReader):
    """Reads tensors from a file of ``torch.save``; goes with :class:`DynamicMetaLoadPlanner`.

    Args:
        checkpoint_id: the file.
        coordinator_rank: the process that reads; there is one.
    """

    def __init__(self, checkpoint_id: str | os.PathLike[str] | None = None, coordinator_rank: int = 0) -> None:
        self.checkpoint_id = checkpoint_id
        self.coordinator_rank = coordinator_rank

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        self.checkpoint_id = checkpoint_id

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        return Metadata(state_dict_metadata={})

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        self.is_coordinator = is_coordinator
        if self.checkpoint_id is None:
            raise AssertionError("checkpoint_id must be set before setting up storage reader")

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        assert self.checkpoint_id is not None
        state_dict = torch.load(self.checkpoint_id, map_location="cpu")
        if getattr(planner, "flatten_state_dict", False):
            state_dict, _ = flatten_state_dict(state_dict)
        for item in plan.items:
            if item.type is LoadItemType.BYTE_IO:
                raise RuntimeError(
                    f"Non-tensor value identified at {item.storage_index.fqn}. At this time {type(self).__name__} only "
                    "supports loading Tensors."
                )
            tensor = narrow_tensor_by_index(state_dict[item.storage_index.fqn], item.storage_offsets, item.lengths)
            target = planner.resolve_tensor(item).detach()
            if target.size() != tensor.size():
                raise AssertionError(f"req {item.storage_index} mismatch sizes, {target.size()} vs {tensor.size()}")
            target.copy_(tensor)
            planner.commit_tensor(item, target)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return os.path.isfile(checkpoint_id)


class DynamicMetaLoadPlanner(DefaultLoadPlanner):
    """Takes the metadata from the state dict that is to be filled, for files that have none."""

    def set_up_planner(
        self, state_dict: STATE_DICT_TYPE, metadata: Metadata | None = None, is_coordinator: bool = False
    ) -> None:
        super().set_up_planner(state_dict, metadata, is_coordinator)
        described: dict[str, Any] = {}
        for name, tensor in self.state_dict.items():
            if not torch.is_tensor(tensor):
                raise RuntimeError(
                    f"Non-tensor value identified at {name}. At this time {type(self).__name__} only supports loading "
                    "Tensors."
                )
            properties = TensorProperties(dtype=tensor.dtype)
            described[name] = TensorStorageMetadata(properties, tensor.size(), _create_chunk_list(tensor))
        self.metadata = Metadata(state_dict_metadata=described)


def dcp_to_torch_save(dcp_checkpoint_dir: str | os.PathLike[str], torch_save_path: str | os.PathLike[str]) -> None:
    """Write a checkpoint folder's state dict as a file of ``torch.save``."""
    state_dict: STATE_DICT_TYPE = {}
    _load_state_dict(state_dict, FileSystemReader(dcp_checkpoint_dir), _EmptyStateDictLoadPlanner())
    torch.save(state_dict, torch_save_path)


def torch_save_to_dcp(torch_save_path: str | os.PathLike[str], dcp_checkpoint_dir: str | os.PathLike[str]) -> None:
    """Write the state dict of a file of ``torch.save`` as a checkpoint folder."""
    _save_state_dict(torch.load(torch_save_path), FileSystemWriter(dcp_checkpoint_dir))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["torch_to_dcp", "dcp_to_torch"], help="what to make of what")
    parser.add_argument("src", help="path to the source model")
    parser.add_argument("dst", help="path to the destination model")
    options = parser.parse_args()
    to_dcp = options.mode == "torch_to_dcp"
    if not (os.path.isfile if to_dcp else os.path.isdir)(options.src):
        parser.error(f"No checkpoint found at {options.src}. Skipping conversion.")
    (torch_save_to_dcp if to_dcp else dcp_to_torch_save)(options.src, options.dst)


if __name__ == "__main__":
    main()
