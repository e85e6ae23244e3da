"""``torch.cuda``: JAX's GPUs under PyTorch's names.

Nothing here starts a JAX backend at import: the first question about devices does.
"""

from __future__ import annotations

import threading
from typing import Any

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
    init,
    ipc_collect,
    is_available,
    is_bf16_supported,
    is_initialized,
    is_tf32_supported,
    set_device,
    synchronize,
)
from .memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)
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
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    is_current_stream_capturing,
    set_stream,
    stream,
)

has_half = True
has_magma = False

_LEGACY = (
    "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor", "IntTensor", "ShortTensor",
    "CharTensor", "ByteTensor", "BoolTensor",
)  # fmt: skip
_NOT_HERE = frozenset(
    {"CUDAGraph", "graph", "graph_pool_handle", "make_graphed_callables", "ExternalStream", "MemPool"}
)  # fmt: skip
_lock = threading.Lock()


class _LegacyType(type):
    """``torch.cuda.FloatTensor`` and friends: constructors that also answer isinstance."""

    dtype: Any

    def __instancecheck__(cls, instance: Any) -> bool:
        return getattr(instance, "is_cuda", False) and instance.dtype is cls.dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        from ..tensor.creation import legacy_new

        return legacy_new(cls.dtype, kwargs.pop("device", None) or _torch_device("cuda"), *args, **kwargs)


class _Missing:
    """A name of ``torch.cuda`` that has no counterpart on JAX; using it says so."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"torch.cuda.{self._name} is not available: JAX schedules whole programs itself")


def __getattr__(name: str) -> Any:
    if name in _LEGACY:
        from ..tensor.creation import LEGACY_TYPES

        made = _LegacyType(name, (), {"dtype": LEGACY_TYPES[name].dtype, "__module__": "torch.cuda"})
        with _lock:
            return globals().setdefault(name, made)
    if name == "default_generators":
        from .random import default_generators

        return default_generators()
    if name in _NOT_HERE:
        return _Missing(name)
    raise AttributeError(f"module 'torch.cuda' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LEGACY, *_NOT_HERE, "default_generators"})
