"""``torch.multiprocessing``: Python's multiprocessing. Tensors travel by value, but for those in shared memory.

Forked children must not use a JAX backend that the parent started; ``spawn`` is the default of :func:`spawn` therefore,
and of PyTorch's.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import *  # noqa: F403
from typing import Any

from .spawn import (
    ENV_VAR_PARALLEL_START,
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    "ENV_VAR_PARALLEL_START", "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
    "SpawnContext", "get_all_sharing_strategies", "get_sharing_strategy", "init_reductions", "set_sharing_strategy",
    "spawn", "start_processes", *multiprocessing.__all__,
]  # fmt: skip

_STRATEGIES = frozenset({"file_descriptor", "file_system"})
_strategy = "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Keep the name of a way to share memory: ``share_memory_`` uses descriptors of files without a name."""
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of {set(_STRATEGIES)}")
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """The name that was set."""
    return _strategy


def get_all_sharing_strategies() -> frozenset[str]:
    """The names that may be set."""
    return _STRATEGIES


def init_reductions() -> None:
    """Nothing: tensors know how to be pickled."""


def __getattr__(name: str) -> Any:
    return getattr(multiprocessing, name)
