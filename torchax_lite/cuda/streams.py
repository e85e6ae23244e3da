"""Streams and events of the GPUs: ``torch.Stream`` and ``torch.Event`` with CUDA's names (see ``_streams.py``)."""

from __future__ import annotations

from typing import Any

from .. import _streams
from ..tensor.device import device as torch_device
from . import devices


class Stream(_streams.Stream):
    """A name for a GPU's queue.

    Args:
        device: the GPU; the current one by default.
        priority: kept, and without effect.
    """

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        super().__init__(device, priority=priority, **kwargs)

    def _find(self, device: Any, given: dict[str, Any]) -> torch_device:
        index = given.get("device_index")
        return torch_device("cuda", devices.index_of(device if index is None else index))

    @property
    def cuda_stream(self) -> int:
        """JAX does not show its CUDA streams."""
        raise NotImplementedError("Stream.cuda_stream is not available: JAX does not show its CUDA streams")

    def synchronize(self) -> None:
        """Wait until everything in the queue is done."""
        devices.synchronize(self.device_index)

    def _new_event(self) -> Event:
        return Event()

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} id={self.stream_id}>"


class ExternalStream(Stream):
    """A stream made elsewhere: JAX cannot run work in it."""

    def __init__(self, stream_ptr: int, device: Any = None, **kwargs: Any) -> None:
        raise NotImplementedError(
            "torch.cuda.ExternalStream is not available: JAX runs its programs in its own streams"
        )


class Event(_streams.Event):
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
        self._time = None
        self.event_id = 0

    @property
    def _stream(self) -> Stream:  # type: ignore[override]
        return current_stream()

    @property
    def cuda_event(self) -> int:
        """JAX does not show its CUDA events."""
        raise NotImplementedError("Event.cuda_event is not available: JAX does not show its CUDA events")

    def __repr__(self) -> str:
        return "<torch.cuda.Event uninitialized>" if self._time is None else f"<torch.cuda.Event at {self._time}>"


def default_stream(device: Any = None) -> Stream:
    """The default stream of a GPU."""
    return Stream(device_index=devices.index_of(device), stream_id=0)


def current_stream(device: Any = None) -> Stream:
    """The stream that this thread selected on a GPU."""
    index = devices.index_of(device)
    return _streams.selected("cuda", index) or default_stream(index)


def set_stream(stream: Any) -> None:
    """Select a stream and its GPU for this thread; None changes nothing."""
    if stream is not None:
        devices.set_device(stream.device_index)
        _streams.select(stream)


class StreamContext:
    """Context manager that selects a stream; None changes nothing."""

    def __init__(self, stream: Any) -> None:
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


def stream(stream: Any) -> StreamContext:
    """Context manager that selects a stream."""
    return StreamContext(stream)


def get_stream_from_external(data_ptr: int, device: Any = None) -> Any:
    """JAX cannot run work in a stream made elsewhere."""
    raise NotImplementedError("torch.cuda.get_stream_from_external is not available: JAX uses its own streams")


def is_current_stream_capturing() -> bool:
    """Whether a CUDA graph is being captured: never."""
    return False
