"""Memory of the accelerators, as JAX's allocator counts it; the work is done by the counters of ``torch.cuda``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..cuda import counters
from ..engine.avals import Place, place

__all__ = [
    "empty_cache", "empty_host_cache", "get_memory_info", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats",
]  # fmt: skip


def _place(device: Any) -> Place:
    from . import _required, index_of

    return place(_required(), index_of(device))


def empty_cache() -> None:
    """JAX's allocator keeps its pool for reuse and cannot hand it back; nothing to do."""
    _place(None)


def empty_host_cache() -> None:
    """No pinned host memory is kept; nothing to do."""
    _place(None)


def memory_stats(device: Any = None, /) -> OrderedDict[str, Any]:
    """JAX's statistics under PyTorch's keys where both have them."""
    return counters.stats(_place(device))


def memory_allocated(device: Any = None, /) -> int:
    """Bytes that arrays occupy now."""
    return counters.allocated(_place(device))


def max_memory_allocated(device: Any = None, /) -> int:
    """Largest number of bytes that arrays occupied."""
    return counters.max_allocated(_place(device))


def memory_reserved(device: Any = None, /) -> int:
    """Bytes that JAX's allocator holds, used or not."""
    return counters.reserved(_place(device))


def max_memory_reserved(device: Any = None, /) -> int:
    """Largest number of bytes that JAX's allocator held."""
    return counters.max_reserved(_place(device))


def get_memory_info(device: Any = None, /) -> tuple[int, int]:
    """(free, total) bytes of what JAX may allocate."""
    return counters.info(_place(device))


def reset_peak_memory_stats(device: Any = None, /) -> None:
    """Start the count of :func:`max_memory_allocated` anew."""
    counters.reset_peak(_place(device))


def reset_accumulated_memory_stats(device: Any = None, /) -> None:
    """Start the counts of allocations anew."""
    counters.reset_accumulated(_place(device))
