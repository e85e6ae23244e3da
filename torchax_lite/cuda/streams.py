"""Streams and events. Each GPU runs its programs one after another, in the order in which they were cut.

So all streams of a GPU are the same queue, waiting for another stream is always satisfied already, and an event is
a point of that queue, reached (and timed, by the host's clock) when it is recorded.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

from ..tensor.device import device as torch_device
from . import devices

_ids = itertools.count(1)


class Stream:
    """A name for a GPU's queue.

    Args:
        device: the GPU; the current one by default.
        priority: kept, and without effect.
    """

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        if kwargs.keys() - {"stream_id", "device_index", "device_type"}:
            raise TypeError(f"Stream() got an unexpected keyword argument '{next(iter(kwargs))}'")
        index = kwargs.get("device_index")
        self.device_index = devices.index_of(device if index is None else index)
        self.priority = priority
        self.stream_id = next(_ids) if "stream_id" not in kwargs else int(kwargs["stream_id"])

    @property
    def device(self) -> torch_device:
        """The GPU."""
        return torch_device("cuda", self.device_index)

    @property
    def cuda_stream(self) -> int:
        """JAX does not show its CUDA streams."""
        raise NotImplementedError("Stream.cuda_stream is not available: JAX does not show its CUDA streams")

    def synchronize(self) -> None:
        """Wait until everything in the queue is done."""
        devices.synchronize(self.device_index)

    def query(self) -> bool:
        """Whether everything in the queue is done (after waiting for it)."""
        self.synchronize()
        return True

    def wait_stream(self, stream: Stream) -> None:
        """Work of this stream after that of another one of the same GPU, which is so anyway."""
        if stream.device_index != self.device_index:
            stream.synchronize()

    def wait_event(self, event: Event) -> None:
        """Work of this stream after an event, which was reached when it was recorded."""
        event.wait(self)

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event (a new one by default) here."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, int]:
        return self.stream_id, self.device_index

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} id={self.stream_id}>"


class Event:
    """A point in a GPU's queue.

    Recording runs what is pending, waits for it, and reads the host's clock.

    Args:
        enable_timing: whether :meth:`elapsed_time` may be asked.
        blocking: without effect, as recording waits already.
        interprocess, external: NotImplementedError.
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False, external: bool = False
    ) -> None:
        if interprocess or external:
            raise NotImplementedError("Event(interprocess=True) and Event(external=True) are not available")
        devices.init()
        self._timing = enable_timing
        self._time: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Make this the point that the current (or the given) stream has reached."""
        (current_stream() if stream is None else stream).synchronize()
        self._time = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Nothing is left to wait for."""

    def query(self) -> bool:
        """Whether the point was reached: always."""
        return True

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to another one."""
        if not (self._timing and end_event._timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._time is None or end_event._time is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event._time - self._time) * 1000.0

    def ipc_handle(self) -> Any:
        """Events are not shared between processes."""
        raise NotImplementedError("Event.ipc_handle is not available: events are not shared between processes")

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: Any) -> Any:
        """Events are not shared between processes."""
        raise NotImplementedError("Event.from_ipc_handle is not available: events are not shared between processes")

    def __repr__(self) -> str:
        return "<torch.cuda.Event uninitialized>" if self._time is None else f"<torch.cuda.Event at {self._time}>"


class _Current(threading.local):
    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}


_current = _Current()


def default_stream(device: Any = None) -> Stream:
    """The default stream of a GPU."""
    return Stream(device_index=devices.index_of(device), stream_id=0)


def current_stream(device: Any = None) -> Stream:
    """The stream that this thread selected on a GPU."""
    index = devices.index_of(device)
    return _current.streams.get(index) or default_stream(index)


def set_stream(stream: Stream | None) -> None:
    """Select a stream and its GPU for this thread; None changes nothing."""
    if stream is not None:
        devices.set_device(stream.device_index)
        _current.streams[stream.device_index] = stream


class StreamContext:
    """Context manager that selects a stream; None changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self._before = devices.current_device(), current_stream(self.stream.device_index)
            set_stream(self.stream)

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            index, stream = self._before
            set_stream(stream)
            devices.set_device(index)


def stream(stream: Stream | None) -> StreamContext:
    """Context manager that selects a stream."""
    return StreamContext(stream)


def is_current_stream_capturing() -> bool:
    """Whether a CUDA graph is being captured: never."""
    return False
