"""The steps of writing and reading in one process; an error in one says so."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from torchax_lite import distributed as dist

from .api import CheckpointException, _wrap_exception
from .filesystem import FileSystemReader, FileSystemWriter

T = TypeVar("T")


def step(name: str, run: Callable[[], T]) -> T:
    """What ``run()`` returns.

    Raises:
        CheckpointException: when it raises.
    """
    try:
        return run()
    except BaseException as error:
        raise CheckpointException(name, {0: _wrap_exception(error)}) from error


def warn_if_single(no_dist: bool, doing: str) -> None:
    """Tell that one process is assumed."""
    if no_dist or not dist.is_available() or not dist.is_initialized():
        warnings.warn(
            "torch.distributed is disabled, unavailable or uninitialized, assuming the intent is to "
            f"{doing} in a single process.",
            stacklevel=3,
        )


def takes(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a function of a planner or storage, possibly a user's, has a parameter."""
    return parameter in inspect.signature(function).parameters


def storage_for(storage: Any, checkpoint_id: str | os.PathLike[str] | None, reader: bool) -> Any:
    """The storage that was given, or the folder that a checkpoint's name means.

    Raises:
        RuntimeError: where neither is given, or no storage has such names.
    """
    if storage is not None:
        if checkpoint_id is not None:
            storage.reset(checkpoint_id)
        return storage
    if not checkpoint_id:
        raise RuntimeError("`checkpoint_id` must be specified if storage_reader/storage_writer is None.")
    kind: Any = FileSystemReader if reader else FileSystemWriter
    if not kind.validate_checkpoint_id(checkpoint_id):
        raise RuntimeError(
            "Cannot detect which StorageReader or StorageWriter to use. Please specify the storage_reader/storage_writer."
        )
    made = kind(checkpoint_id)
    made.reset(checkpoint_id)
    return made
