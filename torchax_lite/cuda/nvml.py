"""Figures from NVIDIA's management library (package ``nvidia-ml-py``), where it is installed."""

from __future__ import annotations

from typing import Any

__all__ = ["clock_rate", "device_memory_used", "memory_usage", "power_draw", "temperature", "utilization"]


def _handle(device: Any) -> tuple[Any, Any]:
    try:
        import pynvml  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed or it can't be imported.") from None
    from .devices import index_of

    pynvml.nvmlInit()
    return pynvml, pynvml.nvmlDeviceGetHandleByIndex(index_of(device))


def device_memory_used(device: Any = None) -> int:
    """Bytes in use on a GPU, by all processes."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetMemoryInfo(handle).used)


def memory_usage(device: Any = None) -> int:
    """Per cent of the time in which memory was read or written."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetUtilizationRates(handle).memory)


def utilization(device: Any = None) -> int:
    """Per cent of the time in which something ran."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetUtilizationRates(handle).gpu)


def temperature(device: Any = None) -> int:
    """Degrees Celsius."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetTemperature(handle, 0))


def power_draw(device: Any = None) -> int:
    """Milliwatts."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetPowerUsage(handle))


def clock_rate(device: Any = None) -> int:
    """Megahertz of the multiprocessors."""
    library, handle = _handle(device)
    return int(library.nvmlDeviceGetClockInfo(handle, 1))
