"""``torch.distributed.checkpoint.save`` and ``async_save``."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import Future as PythonFuture
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

from . import _steps
from .default_planner import DefaultSavePlanner
from .filesystem import _staged
from .metadata import STATE_DICT_TYPE, Metadata
from .planner import SavePlan, SavePlanner
from .stateful import Stateful
from .storage import StorageWriter

__all__ = ["AsyncCheckpointerType", "async_save", "save", "save_state_dict"]


class AsyncCheckpointerType(Enum):
    """Who writes in the background."""

    THREAD = "thread"
    PROCESS = "process"


def save_state_dict(
    state_dict: STATE_DICT_TYPE, storage_writer: StorageWriter, process_group: Any = None, coordinator_rank: int = 0,
    no_dist: bool = False, planner: SavePlanner | None = None,
) -> Metadata:  # fmt: skip
    """The old name of :func:`save`, which does not call ``state_dict`` of the entries."""
    warnings.warn(
        "`save_state_dict` is deprecated and will be removed in future versions.Please use `save` instead.",
        FutureWarning,
        stacklevel=2,
    )
    storage_writer.reset()
    return _save_state_dict(state_dict, storage_writer, planner)


def save(
    state_dict: STATE_DICT_TYPE, *, checkpoint_id: str | os.PathLike[str] | None = None,
    storage_writer: StorageWriter | None = None, planner: SavePlanner | None = None, process_group: Any = None,
    no_dist: bool = False, use_collectives: bool = True,
) -> Metadata:  # fmt: skip
    """Write a state dict as a checkpoint; returns its metadata.

    Args:
        state_dict: entries to write. What has ``state_dict`` and ``load_state_dict`` is asked for its state.
        checkpoint_id: the folder.
        storage_writer: another storage.
        planner: decides what is written; :class:`DefaultSavePlanner`.
        process_group, no_dist: there is one process.
        use_collectives: whether one metadata file speaks for all processes; if not, it is ``__0.metadata``.

    Raises:
        CheckpointException: with the error of the step that failed.
    """
    _steps.warn_if_single(no_dist, "save")
    writer = _steps.storage_for(storage_writer, checkpoint_id, reader=False)
    return _save_state_dict(_states(state_dict), writer, planner, use_collectives)


def _states(state_dict: STATE_DICT_TYPE) -> STATE_DICT_TYPE:
    return {key: x.state_dict() if isinstance(x, Stateful) else x for key, x in state_dict.items()}


def _save_state_dict(
    state_dict: STATE_DICT_TYPE, writer: Any, planner: SavePlanner | None = None, use_collectives: bool = True
) -> Metadata:
    chosen: Any = DefaultSavePlanner() if planner is None else planner

    def plan() -> tuple[SavePlan, Metadata]:
        if _steps.takes(chosen.set_up_planner, "storage_meta"):
            chosen.set_up_planner(state_dict=state_dict, storage_meta=writer.storage_meta(), is_coordinator=True)
        else:
            chosen.set_up_planner(state_dict, True)
        if _steps.takes(writer.set_up_storage_writer, "kwargs"):
            writer.set_up_storage_writer(True, rank=0, use_collectives=use_collectives)
        else:
            writer.set_up_storage_writer(True)
        local = writer.prepare_local_plan(chosen.create_local_plan())
        plans, metadata = chosen.create_global_plan([local])
        return writer.prepare_global_plan(plans)[0], metadata

    made, metadata = _steps.step("plan", plan)

    def write() -> Metadata:
        results = writer.write_data(chosen.finish_plan(made), chosen)
        writer.finish(metadata, [results.wait()])
        return metadata

    return _steps.step("write", write)


_pool: ThreadPoolExecutor | None = None


def async_save(
    state_dict: STATE_DICT_TYPE, *, checkpoint_id: str | os.PathLike[str] | None = None,
    storage_writer: StorageWriter | None = None, planner: SavePlanner | None = None, process_group: Any = None,
    async_checkpointer_type: AsyncCheckpointerType = AsyncCheckpointerType.THREAD, async_stager: Any = None,
    no_dist: bool = False, use_collectives: bool = True,
) -> PythonFuture[Metadata]:  # fmt: skip
    """Write a state dict in the background; the result's ``result()`` waits and gives the metadata.

    The state is copied first (values are shared until they change), so training may go on at once. Arguments are those
    of :func:`save`; ``async_stager`` is an object with ``stage(state_dict)`` that makes another copy.

    Raises:
        NotImplementedError: for ``AsyncCheckpointerType.PROCESS``.
    """
    global _pool
    if async_checkpointer_type is not AsyncCheckpointerType.THREAD:
        raise NotImplementedError("async_save: AsyncCheckpointerType.PROCESS; a thread writes the files here")
    stager = async_stager if async_stager is not None else storage_writer
    stage = getattr(stager, "stage", _staged)
    copy = stage(_states(state_dict))
    if isinstance(copy, PythonFuture):
        copy = copy.result()
    _fetch(copy)
    if _pool is None:
        _pool = ThreadPoolExecutor(1, thread_name_prefix="torchax_lite-async-save")
    return _pool.submit(
        save, copy, checkpoint_id=checkpoint_id, storage_writer=storage_writer, planner=planner, no_dist=no_dist,
        use_collectives=use_collectives,
    )  # fmt: skip


def _fetch(state_dict: Any) -> None:
    """Run what is pending, so that the thread only writes."""
    from torchax_lite.engine.recorder import flush_all

    flush_all("async_save")
