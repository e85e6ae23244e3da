"""Process groups (``_groups.py``), collectives (``_collectives.py``), and the rest of PyTorch's module of this name."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from typing import Any

from . import _collectives, _groups, stores
from ._collectives import *  # noqa: F403
from ._groups import *  # noqa: F403
from ._groups import (  # noqa: F401
    ReduceOp,
    Store,
    _get_default_group,
    _group,
    _make_nccl_premul_sum,
    _pg_map,
    _rank_not_in_group,
    _rendezvous,
    _several,
)
from .stores import *  # noqa: F403


class DebugLevel(enum.IntEnum):
    """How much is checked; with one process there is nothing to."""

    OFF = 0
    INFO = 1
    DETAIL = 2


_debug = DebugLevel.OFF


def get_debug_level() -> DebugLevel:
    """The level that was set."""
    return _debug


def set_debug_level(level: DebugLevel) -> None:
    """Set the level."""
    global _debug
    _debug = DebugLevel(level)


def set_debug_level_from_env() -> None:
    """Set the level from ``TORCH_DISTRIBUTED_DEBUG``."""
    set_debug_level(DebugLevel[os.environ.get("TORCH_DISTRIBUTED_DEBUG", "OFF").upper()])


def supports_complex(reduceOp: Any) -> bool:
    """Whether complex tensors can be reduced so."""
    return reduceOp not in (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.PRODUCT, ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)


def register_rendezvous_handler(scheme: str, handler: Any) -> None:
    """Ways to meet of other packages."""
    raise _several("register_rendezvous_handler")


def shrink_group(*args: Any, **kwargs: Any) -> Any:
    """A group of one cannot shrink."""
    raise _several("shrink_group")


def rendezvous(url: str, rank: int = -1, world_size: int = -1, **kwargs: Any) -> Iterator[tuple[Store, int, int]]:
    """``(store, rank, world size)`` by an ``init_method``, once."""
    found_rank, found_size, store = _rendezvous(url, rank, world_size)
    yield store, found_rank, found_size


__all__ = [
    *_groups.__all__, *_collectives.__all__, *stores.__all__, "DebugLevel", "get_debug_level",
    "register_rendezvous_handler", "rendezvous", "set_debug_level", "set_debug_level_from_env", "shrink_group", "supports_complex",
]  # fmt: skip
