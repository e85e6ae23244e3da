"""``torch.distributed.checkpoint.load``."""

from __future__ import annotations

import os
import warnings
from typing import Any

from . import _steps
from .default_planner import DefaultLoadPlanner, _EmptyStateDictLoadPlanner
from .planner import LoadPlan, LoadPlanner
from .stateful import Stateful
from .storage import StorageReader

__all__ = ["load", "load_state_dict"]


def load_state_dict(
    state_dict: dict[str, Any], storage_reader: StorageReader, process_group: Any = None, coordinator_rank: int = 0,
    no_dist: bool = False, planner: LoadPlanner | None = None,
) -> None:  # fmt: skip
    """The old name of :func:`load`, which does not call ``state_dict`` of the entries."""
    warnings.warn(
        "`load_state_dict` is deprecated and will be removed in future versions. Please use `load` instead.",
        FutureWarning,
        stacklevel=2,
    )
    storage_reader.reset()
    _load_state_dict(state_dict, storage_reader, planner)


def load(
    state_dict: dict[str, Any], *, checkpoint_id: str | os.PathLike[str] | None = None,
    storage_reader: StorageReader | None = None, planner: LoadPlanner | None = None, process_group: Any = None,
    no_dist: bool = False,
) -> None:  # fmt: skip
    """Fill a state dict from a checkpoint: tensors in place, other entries anew.

    Args:
        state_dict: entries to read. What has ``state_dict`` and ``load_state_dict`` is asked for its state, and given
            it back.
        checkpoint_id: the folder.
        storage_reader: another storage.
        planner: decides what is read; :class:`DefaultLoadPlanner`.
        process_group, no_dist: there is one process.

    Raises:
        CheckpointException: with the error of the step that failed.
    """
    _steps.warn_if_single(no_dist, "load")
    reader = _steps.storage_for(storage_reader, checkpoint_id, reader=True)
    states = {
        key: entry.state_dict() if isinstance(entry, Stateful) else entry
        for key, entry in sorted(state_dict.items(), key=lambda item: item[0])
    }
    _load_state_dict(states, reader, planner)
    for key, state in states.items():
        entry = state_dict.get(key)
        if isinstance(entry, Stateful):
            entry.load_state_dict(state)
        elif key in state_dict:
            state_dict[key] = state


def _load_state_dict(state_dict: dict[str, Any], reader: Any, planner: LoadPlanner | None = None) -> None:
    chosen: Any = DefaultLoadPlanner() if planner is None else planner

    def plan() -> LoadPlan:
        metadata, collectives = _metadata(reader)
        chosen.set_up_planner(state_dict, metadata, True)
        if _steps.takes(reader.set_up_storage_reader, "kwargs"):
            reader.set_up_storage_reader(metadata, True, rank=0, use_collectives=collectives)
        else:
            reader.set_up_storage_reader(metadata, True)
        local = reader.prepare_local_plan(chosen.create_local_plan())
        return reader.prepare_global_plan(chosen.create_global_plan([local]))[0]  # type: ignore[no-any-return]

    made = _steps.step("plan", plan)
    _steps.step("read", lambda: reader.read_data(chosen.finish_plan(made), chosen).wait())


def _metadata(reader: Any) -> tuple[Any, bool]:
    """The checkpoint's metadata, and whether it is that of all processes."""
    try:
        return reader.read_metadata(), True
    except FileNotFoundError:
        if not _steps.takes(reader.read_metadata, "kwargs"):
            raise
        try:
            return reader.read_metadata(rank=0), False
        except FileNotFoundError:
            pass
        raise


def _load_state_dict_from_keys(
    keys: set[str] | str | None = None, *, checkpoint_id: str | os.PathLike[str] | None = None,
    storage_reader: StorageReader | None = None, process_group: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """The entries of a checkpoint, all or those of some names, as a new state dict."""
    _steps.warn_if_single(False, "load")
    reader = _steps.storage_for(storage_reader, checkpoint_id, reader=True)
    state_dict: dict[str, Any] = {}
    _load_state_dict(state_dict, reader, _EmptyStateDictLoadPlanner(keys={keys} if isinstance(keys, str) else keys))
    return state_dict
