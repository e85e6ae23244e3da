"""JAX's allocator statistics of one device under PyTorch's names.

JAX cannot restart its counts, so a reset remembers where they stood. After :func:`reset_peak` the largest use is exact
as soon as the old peak is passed, and until then the largest one seen by queries since.
"""

from __future__ import annotations

from collections import OrderedDict

from ..engine.avals import Place

_peak_at_reset: dict[Place, tuple[int, int]] = {}
"""For each device whose peak was reset: (JAX's peak then, largest use seen at queries since)."""
_allocations_at_reset: dict[Place, int] = {}


def raw(where: Place) -> dict[str, int]:
    """JAX's own statistics, after everything pending has run; empty where the platform keeps none."""
    if where.recorder is not None:
        where.recorder.flush("memory statistics")
    if where.type == "cuda":
        from .devices import gpus

        return dict(gpus()[where.index].memory_stats() or {})
    return dict(where.jax_device.memory_stats() or {})


def allocated(where: Place) -> int:
    """Bytes that arrays occupy now."""
    return int(raw(where).get("bytes_in_use", 0))


def max_allocated(where: Place) -> int:
    """Largest number of bytes that arrays occupied (since :func:`reset_peak`)."""
    found = raw(where)
    peak, used = int(found.get("peak_bytes_in_use", 0)), int(found.get("bytes_in_use", 0))
    if where not in _peak_at_reset:
        return peak
    old, seen = _peak_at_reset[where]
    if peak > old:
        return peak
    _peak_at_reset[where] = old, max(seen, used)
    return max(seen, used)


def reset_peak(where: Place) -> None:
    """Start the count of :func:`max_allocated` anew."""
    found = raw(where)
    _peak_at_reset[where] = int(found.get("peak_bytes_in_use", 0)), int(found.get("bytes_in_use", 0))


def reset_accumulated(where: Place) -> None:
    """Start the count of allocations anew."""
    _allocations_at_reset[where] = int(raw(where).get("num_allocs", 0))


def reserved(where: Place) -> int:
    """Bytes that the allocator holds, used or not."""
    found = raw(where)
    return int(found.get("bytes_reserved", 0) or found.get("pool_bytes", found.get("bytes_in_use", 0)))


def max_reserved(where: Place) -> int:
    """Largest number of bytes that the allocator held."""
    found = raw(where)
    fallback = found.get("peak_pool_bytes", found.get("peak_bytes_in_use", 0))
    return int(found.get("peak_bytes_reserved", 0) or fallback)


def info(where: Place) -> tuple[int, int]:
    """(free, total) bytes of what may be allocated."""
    found = raw(where)
    total = int(found.get("bytes_limit", 0))
    return total - int(found.get("bytes_in_use", 0)), total


def stats(where: Place) -> OrderedDict[str, int]:
    """Everything above under PyTorch's keys, sorted."""
    found = raw(where)
    names = {
        "allocated_bytes.all.current": "bytes_in_use", "reserved_bytes.all.current": "pool_bytes",
        "reserved_bytes.all.peak": "peak_pool_bytes", "largest_free_block_bytes": "largest_free_block_bytes",
    }  # fmt: skip
    made = {key: int(found[name]) for key, name in names.items() if name in found}
    if found:
        made["allocated_bytes.all.peak"] = max_allocated(where)
    if "num_allocs" in found:
        made["allocation.all.allocated"] = int(found["num_allocs"]) - _allocations_at_reset.get(where, 0)
    return OrderedDict(sorted(made.items()))
