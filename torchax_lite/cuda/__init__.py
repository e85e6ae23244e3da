"""``torch.cuda``: JAX's GPUs under PyTorch's names.

Nothing here starts a JAX backend at import: the first question about devices does.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any

from ..engine.errors import AcceleratorError, OutOfMemoryError
from ..tensor.device import device as _torch_device
from . import nvtx
from .devices import (
    can_device_access_peer,
    current_device,
    device,
    device_count,
    device_of,
    get_arch_list,
    get_device_capability,
    get_device_name,
    get_device_properties,
    get_gencode_flags,
    init,
    ipc_collect,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_tf32_supported,
    set_device,
    synchronize,
)
from .graphs import CUDAGraph, graph, graph_pool_handle, make_graphed_callables
from .memory import (
    CUDAPluggableAllocator,
    MemPool,
    caching_allocator_alloc,
    caching_allocator_delete,
    caching_allocator_disabled,
    caching_allocator_enable,
    change_current_allocator,
    empty_cache,
    get_allocator_backend,
    get_per_process_memory_fraction,
    host_memory_stats,
    host_memory_stats_as_nested_dict,
    list_gpu_processes,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_snapshot,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_host_memory_stats,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_host_memory_stats,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
    use_mem_pool,
)
from .nvml import clock_rate, device_memory_used, memory_usage, power_draw, temperature, utilization
from .random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from .streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    get_stream_from_external,
    is_current_stream_capturing,
    set_stream,
    stream,
)

has_half = True
has_magma = False

_TENSORS = ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
_LEGACY = tuple(f"{name}Tensor" for name in _TENSORS)
_STORAGES = tuple(f"{name}Storage" for name in (*_TENSORS, "ComplexDouble", "ComplexFloat"))
_SUBMODULES = ("amp", "comm", "profiler", "sparse", "tunable")
_lock = threading.Lock()


class CudaError(RuntimeError):
    """A CUDA call that failed, by its number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"CUDA error ({code})")


class DeferredCudaCallError(Exception):
    """A call that waited for CUDA's start and failed then."""


class cudaStatus:
    """Numbers of CUDA's results."""

    SUCCESS = 0
    ERROR_NOT_READY = 34


def check_error(res: int) -> None:
    """Raise :class:`CudaError` for a result that is no success."""
    if res != cudaStatus.SUCCESS:
        raise CudaError(res)


def cudart() -> Any:
    """JAX does not hand out CUDA's runtime."""
    init()
    raise NotImplementedError("torch.cuda.cudart is not available: JAX does not hand out CUDA's runtime")


def current_blas_handle() -> int:
    """JAX does not hand out cuBLAS."""
    init()
    raise NotImplementedError("torch.cuda.current_blas_handle is not available: JAX does not hand out cuBLAS")


def current_solver_handle() -> int:
    """JAX does not hand out cuSOLVER."""
    init()
    raise NotImplementedError("torch.cuda.current_solver_handle is not available: JAX does not hand out cuSOLVER")


def get_sync_debug_mode() -> int:
    """0: nothing happens at a wait for a GPU."""
    init()
    return 0


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Waits are not reported; only ``"default"`` (0) may be asked for."""
    init()
    if debug_mode not in (0, "default"):
        raise NotImplementedError(
            "torch.cuda.set_sync_debug_mode is not available; torch.engine.stats() counts programs and their causes"
        )


class GreenContext:
    """Parts of a GPU: JAX uses it whole."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("torch.cuda.GreenContext is not available: JAX uses a GPU as a whole")

    create = classmethod(lambda cls, *args, **kwargs: cls())


class _LegacyType(type):
    """``torch.cuda.FloatTensor`` and friends: constructors that also answer isinstance."""

    dtype: Any

    def __instancecheck__(cls, instance: Any) -> bool:
        return getattr(instance, "is_cuda", False) and instance.dtype is cls.dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        from ..tensor.creation import legacy_new

        if not is_available():
            raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled.")
        return legacy_new(cls.dtype, kwargs.pop("device", None) or _torch_device("cuda"), *args, **kwargs)


class _LegacyStorage:
    """``torch.cuda.FloatStorage`` and friends: use ``torch.UntypedStorage`` or ``tensor.untyped_storage()``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"torch.cuda.{type(self).__name__} is not available: make a tensor on the device and take its storage()"
        )


def __getattr__(name: str) -> Any:
    made: Any
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LEGACY:
        from ..tensor.creation import LEGACY_TYPES

        made = _LegacyType(name, (), {"dtype": LEGACY_TYPES[name].dtype, "__module__": "torch.cuda"})
        with _lock:
            return globals().setdefault(name, made)
    if name in _STORAGES:
        made = type(name, (_LegacyStorage,), {"__module__": "torch.cuda"})
        with _lock:
            return globals().setdefault(name, made)
    if name == "default_generators":
        from .random import default_generators

        return default_generators()
    raise AttributeError(f"module 'torch.cuda' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LEGACY, *_STORAGES, *_SUBMODULES, "default_generators"})
