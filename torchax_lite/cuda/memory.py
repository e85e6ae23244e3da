"""Memory of the GPUs, as JAX's allocator counts it."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

from ..engine.avals import place
from .devices import index_of, is_available, jax_device

_after_reset: dict[int, tuple[int, int]] = {}
"""For each GPU whose peak was reset: (JAX's peak then, largest use seen at queries since)."""


def _stats(device: Any) -> dict[str, int]:
    where = place("cuda", index_of(device))
    if where.recorder is not None:
        where.recorder.flush("memory statistics")
    return dict(jax_device(device).memory_stats() or {})


def memory_allocated(device: Any = None) -> int:
    """Bytes that arrays occupy now; 0 without a GPU."""
    return int(_stats(device).get("bytes_in_use", 0)) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """Largest number of bytes that arrays occupied; 0 without a GPU.

    JAX cannot restart its count: after :func:`reset_peak_memory_stats` this is exact as soon as the old peak is
    passed, and until then the largest use seen by queries since.
    """
    if not is_available():
        return 0
    stats = _stats(device)
    peak, used = int(stats.get("peak_bytes_in_use", 0)), int(stats.get("bytes_in_use", 0))
    index = index_of(device)
    if index not in _after_reset:
        return peak
    old, seen = _after_reset[index]
    if peak > old:
        return peak
    _after_reset[index] = old, max(seen, used)
    return max(seen, used)


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the count of :func:`max_memory_allocated` anew."""
    stats = _stats(device)
    _after_reset[index_of(device)] = int(stats.get("peak_bytes_in_use", 0)), int(stats.get("bytes_in_use", 0))


def memory_reserved(device: Any = None) -> int:
    """Bytes that JAX's allocator holds, used or not; 0 without a GPU."""
    if not is_available():
        return 0
    stats = _stats(device)
    return int(stats.get("bytes_reserved", 0) or stats.get("pool_bytes", stats.get("bytes_in_use", 0)))


def max_memory_reserved(device: Any = None) -> int:
    """Largest number of bytes that JAX's allocator held; 0 without a GPU."""
    if not is_available():
        return 0
    stats = _stats(device)
    fallback = stats.get("peak_pool_bytes", stats.get("peak_bytes_in_use", 0))
    return int(stats.get("peak_bytes_reserved", 0) or fallback)


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """JAX's statistics under PyTorch's keys where both have them; empty without a GPU."""
    if not is_available():
        return OrderedDict()
    stats = _stats(device)
    names = {
        "allocated_bytes.all.current": "bytes_in_use", "allocated_bytes.all.peak": "peak_bytes_in_use",
        "reserved_bytes.all.current": "pool_bytes", "reserved_bytes.all.peak": "peak_pool_bytes",
        "allocation.all.allocated": "num_allocs",
    }  # fmt: skip
    return OrderedDict((k, int(stats[v])) for k, v in sorted(names.items()) if v in stats)


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """A table of :func:`memory_stats`."""
    stats = memory_stats(device)
    rows = [f"| {k:<32} | {v:>18}{' B' if 'bytes' in k else '  '} |" for k, v in stats.items()]
    line = "|" + "-" * 57 + "|"
    return "\n".join([line, f"| JAX memory, device {index_of(device):<35} |", line, *rows, line])


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes of what JAX may allocate on a GPU."""
    stats = _stats(device)
    total = int(stats.get("bytes_limit", 0))
    return total - int(stats.get("bytes_in_use", 0)), total


def empty_cache() -> None:
    """JAX's allocator keeps its pool for reuse and cannot hand it back; nothing to do."""


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """JAX's counts cannot be restarted."""
    raise NotImplementedError("torch.cuda.reset_accumulated_memory_stats is not available: JAX counts on")


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """The share of the memory is fixed when JAX's backend starts."""
    raise NotImplementedError(
        "torch.cuda.set_per_process_memory_fraction is not available: set XLA_PYTHON_CLIENT_MEM_FRACTION in the "
        "environment before the process starts"
    )


def _renamed(old: str, new: str) -> None:
    warnings.warn(f"`torch.cuda.{old}` has been renamed to `torch.cuda.{new}`", FutureWarning, stacklevel=3)


def memory_cached(device: Any = None) -> int:
    """Old name of :func:`memory_reserved`."""
    _renamed("memory_cached", "memory_reserved")
    return memory_reserved(device)


def max_memory_cached(device: Any = None) -> int:
    """Old name of :func:`max_memory_reserved`."""
    _renamed("max_memory_cached", "max_memory_reserved")
    return max_memory_reserved(device)


def reset_max_memory_allocated(device: Any = None) -> None:
    """Old name of :func:`reset_peak_memory_stats`."""
    _renamed("reset_max_memory_allocated", "reset_peak_memory_stats")
    reset_peak_memory_stats(device)


def reset_max_memory_cached(device: Any = None) -> None:
    """Old name of :func:`reset_peak_memory_stats`."""
    _renamed("reset_max_memory_cached", "reset_peak_memory_stats")
    reset_peak_memory_stats(device)
