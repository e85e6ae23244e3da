"""``torch.accelerator``: whatever accelerator JAX has, under one set of names.

GPUs are ``cuda`` devices, other platforms (TPU) ``xla`` devices.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

from .. import _streams
from .._streams import Stream, wait_for
from ..engine.avals import accelerator_devices, place
from ..tensor.device import device as _torch_device
from . import memory
from .graphs import Graph
from .memory import (
    empty_cache,
    empty_host_cache,
    get_memory_info,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    memory_stats,
    reset_accumulated_memory_stats,
    reset_peak_memory_stats,
)

__all__ = [
    "Graph", "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "empty_host_cache", "get_device_capability", "get_memory_info", "is_available",
    "max_memory_allocated", "max_memory_reserved", "memory", "memory_allocated", "memory_reserved", "memory_stats",
    "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream",
    "synchronize",
]  # fmt: skip


class _Current(threading.local):
    index = 0


_current = _Current()


def _kind() -> str | None:
    """``cuda`` where JAX has GPUs, ``xla`` for another accelerator, None for none."""
    platforms = {d.platform for d in accelerator_devices()}
    if platforms & {"gpu", "cuda", "rocm"}:
        return "cuda"
    return "xla" if platforms else None


def current_accelerator(check_available: bool = False) -> _torch_device | None:
    """The device type (without index) of the accelerator; None where JAX has none."""
    kind = _kind()
    return None if kind is None else _torch_device(kind)


def is_available() -> bool:
    """Whether JAX has an accelerator."""
    return _kind() is not None


def device_count() -> int:
    """Number of accelerators."""
    return len(accelerator_devices())


def _required() -> str:
    kind = _kind()
    if kind is None:
        raise RuntimeError("Cannot access accelerator device when none is available.")
    return kind


def current_device_index() -> int:
    """Index of the current accelerator.

    Raises:
        RuntimeError: there is none.
    """
    if _required() == "cuda":
        from .. import cuda

        return cuda.current_device()
    return _current.index


def index_of(device: Any) -> int:
    """Index of an accelerator given as index, string, device or (None) the current one.

    Raises:
        RuntimeError: there is none. ValueError: a device of another type.
    """
    kind = _required()
    if device is None:
        return current_device_index()
    if isinstance(device, int):
        return device
    given = _torch_device(device)
    if given.type != kind:
        raise ValueError(f"{given.type} doesn't match the current accelerator {_torch_device(kind)}.")
    return current_device_index() if given.index is None else given.index


def set_device_index(device: Any, /) -> None:
    """Make an accelerator the current one; a negative index changes nothing."""
    kind, index = _required(), index_of(device)
    if kind == "cuda":
        from .. import cuda

        cuda.set_device(index)
    elif index >= 0:
        if index >= device_count():
            raise RuntimeError(f"xla device {index} does not exist: JAX has {device_count()}")
        _current.index = index


def current_device_idx() -> int:
    """Old name of :func:`current_device_index`."""
    warnings.warn("Use `current_device_index` instead.", FutureWarning, stacklevel=2)
    return current_device_index()


def set_device_idx(device: Any, /) -> None:
    """Old name of :func:`set_device_index`."""
    warnings.warn("Use `set_device_index` instead.", FutureWarning, stacklevel=2)
    set_device_index(device)


class device_index:
    """Context manager: another current accelerator inside; None changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx is not None:
            self.prev_idx = current_device_index()
            set_device_index(self.idx)

    def __exit__(self, *exc: object) -> None:
        if self.idx is not None:
            set_device_index(self.prev_idx)


def current_stream(device: Any = None, /) -> Stream:
    """The stream that this thread selected on an accelerator."""
    kind, index = _required(), index_of(device)
    if kind == "cuda":
        from .. import cuda

        return cuda.current_stream(index)
    return _streams.selected(kind, index) or Stream(_torch_device(kind, index), stream_id=0)


def set_stream(stream: Stream) -> None:
    """Select a stream and its device for this thread."""
    if not isinstance(stream, Stream):
        raise TypeError(f"set_stream(): expected torch.Stream, but got {type(stream).__name__}")
    set_device_index(stream.device_index)
    _streams.select(stream)


def synchronize(device: Any = None, /) -> None:
    """Run what is pending on an accelerator and wait until it is done."""
    wait_for(place(_required(), index_of(device)))


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """``{"supported_dtypes": set}``: the dtypes that an accelerator computes with."""
    from ..tensor.dtypes import DTYPES

    _required()
    index_of(device)
    return {"supported_dtypes": {d for name, d in DTYPES.items() if not name.startswith(("q", "bits", "uint1b"))}}
