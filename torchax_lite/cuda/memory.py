"""Memory of the GPUs, as JAX's allocator counts it; parts of PyTorch's allocator that JAX does not have say so."""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from ..engine.avals import Place, place
from . import counters
from .devices import gpus, index_of, init, is_available

__all__ = [
    "CUDAPluggableAllocator", "MemPool", "caching_allocator_alloc", "caching_allocator_delete",
    "caching_allocator_disabled", "caching_allocator_enable", "change_current_allocator", "empty_cache",
    "get_allocator_backend", "get_per_process_memory_fraction", "host_memory_stats",
    "host_memory_stats_as_nested_dict", "list_gpu_processes", "max_memory_allocated", "max_memory_cached",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_snapshot",
    "memory_stats", "memory_stats_as_nested_dict", "memory_summary", "reset_accumulated_host_memory_stats",
    "reset_accumulated_memory_stats", "reset_max_memory_allocated", "reset_max_memory_cached",
    "reset_peak_host_memory_stats", "reset_peak_memory_stats", "set_per_process_memory_fraction", "use_mem_pool",
]  # fmt: skip


def _place(device: Any) -> Place:
    return place("cuda", index_of(device))


def memory_allocated(device: Any = None) -> int:
    """Bytes that arrays occupy now; 0 without a GPU."""
    return counters.allocated(_place(device)) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """Largest number of bytes that arrays occupied (see ``cuda/counters.py`` on resets); 0 without a GPU."""
    return counters.max_allocated(_place(device)) if is_available() else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the count of :func:`max_memory_allocated` anew."""
    counters.reset_peak(_place(device))


def memory_reserved(device: Any = None) -> int:
    """Bytes that JAX's allocator holds, used or not; 0 without a GPU."""
    return counters.reserved(_place(device)) if is_available() else 0


def max_memory_reserved(device: Any = None) -> int:
    """Largest number of bytes that JAX's allocator held; 0 without a GPU."""
    return counters.max_reserved(_place(device)) if is_available() else 0


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """JAX's statistics under PyTorch's keys where both have them; empty without a GPU."""
    return counters.stats(_place(device)) if is_available() else OrderedDict()


def _nested(flat: OrderedDict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    return tree


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """:func:`memory_stats` with a dict for each part of its keys."""
    return _nested(memory_stats(device))


def host_memory_stats() -> OrderedDict[str, Any]:
    """Statistics of pinned host memory, which is not used: empty."""
    return OrderedDict()


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """Statistics of pinned host memory, which is not used: empty."""
    return {}


def reset_accumulated_host_memory_stats() -> None:
    """Nothing: pinned host memory is not used."""


def reset_peak_host_memory_stats() -> None:
    """Nothing: pinned host memory is not used."""


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """A table of :func:`memory_stats`."""
    index = index_of(device)
    rows = [f"| {k:<32} | {v:>18}{' B' if 'bytes' in k else '  '} |" for k, v in memory_stats(device).items()]
    line = "|" + "-" * 57 + "|"
    return "\n".join([line, f"| JAX memory, device {index:<35} |", line, *rows, line])


def memory_snapshot(*args: Any, **kwargs: Any) -> Any:
    """JAX does not list the blocks of its allocator."""
    raise NotImplementedError(
        "torch.cuda.memory_snapshot is not available: JAX does not list the blocks of its allocator; "
        "use jax.profiler.save_device_memory_profile"
    )


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes of what JAX may allocate on a GPU."""
    return counters.info(_place(device))


def empty_cache() -> None:
    """JAX's allocator keeps its pool for reuse and cannot hand it back; nothing to do."""


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Start the count of allocations anew."""
    counters.reset_accumulated(_place(device))


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """The share of the memory is fixed when JAX's backend starts."""
    init()
    raise NotImplementedError(
        "torch.cuda.set_per_process_memory_fraction is not available: set XLA_PYTHON_CLIENT_MEM_FRACTION in the "
        "environment before the process starts"
    )


def get_per_process_memory_fraction(device: Any = None) -> float:
    """JAX does not tell the share of the memory that it may use."""
    init()
    raise NotImplementedError(
        "torch.cuda.get_per_process_memory_fraction is not available: see XLA_PYTHON_CLIENT_MEM_FRACTION"
    )


def get_allocator_backend() -> str:
    """Name of JAX's allocator."""
    import os

    init()
    return os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "default")


def list_gpu_processes(device: Any = None) -> str:
    """The processes on a GPU, asked of NVIDIA's management library (package ``nvidia-ml-py``)."""
    try:
        import pynvml  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    index = index_of(device)
    pynvml.nvmlInit()
    found = pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(index))
    lines = [
        f"GPU:{index}",
        *(f"process {p.pid:>10d} uses {p.usedGpuMemory / 2**20:>12.3f} MB GPU memory" for p in found),
    ]
    return "\n".join(lines if found else [*lines, "no processes are running"])


def _allocator(name: str) -> NotImplementedError:
    return NotImplementedError(f"torch.cuda.{name} is not available: JAX allocates by itself")


def caching_allocator_alloc(size: int, device: Any = None, stream: Any = None) -> int:
    """JAX hands out no raw memory."""
    raise _allocator("caching_allocator_alloc")


def caching_allocator_delete(mem_ptr: int) -> None:
    """JAX hands out no raw memory."""
    raise _allocator("caching_allocator_delete")


def caching_allocator_enable(value: bool = True) -> None:
    """JAX's allocator always keeps its pool; only that may be asked for.

    Raises:
        NotImplementedError: to switch it off on a GPU.
    """
    if not value and gpus():
        raise NotImplementedError(
            "torch.cuda.caching_allocator_enable(False) is not available: set XLA_PYTHON_CLIENT_ALLOCATOR=platform in "
            "the environment before the process starts"
        )


@contextlib.contextmanager
def caching_allocator_disabled() -> Iterator[None]:
    """See :func:`caching_allocator_enable`."""
    caching_allocator_enable(False)
    yield


def change_current_allocator(allocator: Any) -> None:
    """JAX's allocator cannot be exchanged."""
    raise _allocator("change_current_allocator")


@contextlib.contextmanager
def use_mem_pool(pool: Any, device: Any = None) -> Iterator[None]:
    """JAX has one pool a device."""
    raise _allocator("use_mem_pool")
    yield


class MemPool:
    """JAX has one pool a device."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _allocator("MemPool")


class CUDAPluggableAllocator:
    """JAX's allocator cannot be exchanged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _allocator("CUDAPluggableAllocator")


def memory_cached(device: Any = None) -> int:
    """Old name of :func:`memory_reserved`."""
    _renamed("memory_cached", "memory_reserved")
    return memory_reserved(device)


def max_memory_cached(device: Any = None) -> int:
    """Old name of :func:`max_memory_reserved`."""
    _renamed("max_memory_cached", "max_memory_reserved")
    return max_memory_reserved(device)


def _renamed(old: str, new: str) -> None:
    warnings.warn(f"`torch.cuda.{old}` has been renamed to `torch.cuda.{new}`", FutureWarning, stacklevel=3)


def reset_max_memory_allocated(device: Any = None) -> None:
    """Old name of :func:`reset_peak_memory_stats`."""
    _resets_all("reset_max_memory_allocated")
    reset_peak_memory_stats(device)


def reset_max_memory_cached(device: Any = None) -> None:
    """Old name of :func:`reset_peak_memory_stats`."""
    _resets_all("reset_max_memory_cached")
    reset_peak_memory_stats(device)


def _resets_all(old: str) -> None:
    warnings.warn(
        f"torch.cuda.{old} now calls torch.cuda.reset_peak_memory_stats, which resets /all/ peak memory stats.",
        FutureWarning,
        stacklevel=3,
    )
