"""``torch.cpu``: the host as a device: one of it, always there, with one queue."""

from __future__ import annotations

from typing import Any

from ..engine.avals import CPU

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count", "get_capabilities",
    "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


class Stream:
    """The host's queue; all are the same."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Nothing to wait for."""

    def record_event(self) -> None:
        """Nothing is recorded."""

    def wait_event(self, event: Any) -> None:
        """Nothing to wait for."""


class Event:
    """A point of the host's queue: always reached."""

    def query(self) -> bool:
        return True

    def record(self, stream: Any = None) -> None:
        """Nothing is recorded."""

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def wait(self, stream: Any = None) -> None:
        """Nothing to wait for."""


_current = Stream()


class StreamContext:
    """``with stream(s):`` makes ``s`` the current stream."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        global _current
        if self.stream is not None:
            self._before, _current = _current, self.stream

    def __exit__(self, *exc: Any) -> None:
        global _current
        if self.stream is not None:
            _current = self._before


def stream(stream: Stream | None) -> StreamContext:
    """A context in which ``stream`` is the current one."""
    return StreamContext(stream)


def current_stream(device: Any = None) -> Stream:
    """The current stream."""
    return _current


def current_device() -> str:
    """Always ``"cpu"``."""
    return "cpu"


def device_count() -> int:
    """Always 1."""
    return 1


def is_available() -> bool:
    """Always true."""
    return True


def is_initialized() -> bool:
    """Always true."""
    return True


def set_device(device: Any) -> None:
    """There is one host: nothing changes."""


def synchronize(device: Any = None) -> None:
    """Run what is pending on the host and wait for it."""
    from .._streams import wait_for

    if CPU.recorder is not None:
        wait_for(CPU)


def get_capabilities() -> dict[str, Any]:
    """Flags of the processor, as the operating system names them (Linux), and its architecture."""
    import platform
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    flags: list[str] = []
    if info.exists():
        line = next((x for x in info.read_text().splitlines() if x.lower().startswith(("flags", "features"))), ":")
        flags = line.partition(":")[2].split()
    return {"architecture": platform.machine(), **dict.fromkeys(flags, True)}


def __getattr__(name: str) -> Any:
    if name == "amp":
        import importlib

        return importlib.import_module(f"{__name__}.amp")
    raise AttributeError(f"module 'torch.cpu' has no attribute {name!r}")
