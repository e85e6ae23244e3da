"""``torch.Stream`` and ``torch.Event``: each device runs its programs one after another, in the order they were cut.

So all streams of a device are one queue, waiting for another of them is always satisfied already, and an event is a
point of that queue, reached (and timed, by the host's clock) when it is recorded.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

from .engine.avals import Place, place
from .engine.errors import AcceleratorError, OutOfMemoryError
from .tensor.device import device as torch_device
from .tensor.device import to_place

_ids = itertools.count(1)
_event_ids = itertools.count(1)


def wait_for(where: Place) -> None:
    """Run what is pending on a device and wait until it is done."""
    import jax
    import jax.numpy as jnp

    if where.recorder is not None:
        where.recorder.flush("synchronize")
    with jax.default_device(where.jax_device):
        jax.block_until_ready(jnp.zeros(()) + 1)  # a device runs programs in the order of their launch


class Stream:
    """A name for a device's queue.

    Args:
        device: the device; by default the accelerator, or the CPU where there is none.
        priority: kept, and without effect.
    """

    def __init__(self, device: Any = None, *, priority: int = 0, **kwargs: Any) -> None:
        if kwargs.keys() - {"stream_id", "device_index", "device_type"}:
            raise TypeError(f"Stream() got an unexpected keyword argument '{next(iter(kwargs))}'")
        self._device = self._find(device, kwargs)
        self.priority = priority
        on_host = self._device.type == "cpu"
        self.stream_id = int(kwargs["stream_id"]) if "stream_id" in kwargs else 0 if on_host else next(_ids)
        self._before: list[tuple[Any, Any]] = []

    def _find(self, device: Any, given: dict[str, Any]) -> torch_device:
        if device is None:
            from . import accelerator

            found = accelerator.current_accelerator()
            if found is None:
                return torch_device("cpu")
            index = given.get("device_index", accelerator.current_device_index())
            return torch_device(found.type, index)
        chosen = torch_device(device)
        if chosen.type == "cpu":
            return torch_device("cpu")
        return torch_device(chosen.type, to_place(chosen).index)

    @property
    def device(self) -> torch_device:
        """The device."""
        return self._device

    @property
    def device_index(self) -> int:
        """Index of the device; -1 for the CPU."""
        return -1 if self._device.index is None else self._device.index

    @property
    def device_type(self) -> int:
        """Number of the device's type, as PyTorch numbers them."""
        return {"cpu": 0, "cuda": 1, "xla": 9}[self._device.type]

    @property
    def native_handle(self) -> int:
        """JAX does not show its streams."""
        raise NotImplementedError("Stream.native_handle is not available: JAX does not show its streams")

    def _place(self) -> Place:
        return place(self._device.type, self._device.index or 0)

    def synchronize(self) -> None:
        """Wait until everything in the queue is done."""
        wait_for(self._place())

    def query(self) -> bool:
        """Whether everything in the queue is done (after waiting for it)."""
        self.synchronize()
        return True

    def wait_stream(self, stream: Stream) -> None:
        """Work of this stream after that of another one: of the same device it is so anyway."""
        if stream.device != self.device:
            stream.synchronize()

    def wait_event(self, event: Event) -> None:
        """Work of this stream after an event, which was reached when it was recorded."""
        event.wait(self)

    def record_event(self, event: Any = None) -> Any:
        """Record an event (a new one by default) here."""
        event = self._new_event() if event is None else event
        event.record(self)
        return event

    def _new_event(self) -> Event:
        return Event(self._device)

    def is_capturing(self) -> bool:
        """Whether a graph is being captured: never."""
        return False

    def __enter__(self) -> Stream:
        from . import accelerator

        self._before.append(
            (accelerator.current_stream(self._device), None) if self._device.type != "cpu" else (None, None)
        )
        if self._device.type != "cpu":
            select(self)
        return self

    def __exit__(self, *exc: object) -> None:
        before, _ = self._before.pop()
        if before is not None:
            select(before)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.stream_id, self.device) == (other.stream_id, other.device)

    def __hash__(self) -> int:
        return hash((self.stream_id, self.device))

    def __repr__(self) -> str:
        return f"torch.Stream device_type={self._device.type}, device_index={self.device_index}, stream_id={self.stream_id}"


class Event:
    """A point in a device's queue. Recording runs what is pending, waits for it, and reads the host's clock.

    Args:
        device: the device; by default the accelerator, or the CPU where there is none.
        enable_timing: whether :meth:`elapsed_time` may be asked.
        blocking: without effect, as recording waits already.
        interprocess: NotImplementedError.
    """

    def __init__(
        self, device: Any = None, *, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        if interprocess:
            raise NotImplementedError(
                "Event(interprocess=True) is not available: events are not shared between processes"
            )
        self._stream = Stream(device)
        self._timing = enable_timing
        self._time: float | None = None
        self.event_id = 0

    @property
    def device(self) -> torch_device:
        """The device."""
        return self._stream.device

    def record(self, stream: Stream | None = None) -> None:
        """Make this the point that the device's (or the given) stream has reached."""
        (self._stream if stream is None else stream).synchronize()
        self._time = time.perf_counter()
        self.event_id = next(_event_ids)

    def wait(self, stream: Stream | None = None) -> None:
        """Nothing is left to wait for."""

    def query(self) -> bool:
        """Whether the point was reached: always."""
        return True

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to another one.

        Raises:
            ValueError: an event without timing, or not recorded.
        """
        if not (self._timing and end_event._timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._time is None or end_event._time is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event._time - self._time) * 1000.0

    def ipc_handle(self) -> Any:
        """What another process opens the event by: JAX has none to give."""
        raise RuntimeError(f"event of {self.device} has no IPC handle: it was not made with interprocess=True")

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: Any) -> Any:
        """The event of another process: events are not shared between processes here."""
        where = torch_device(device)
        if where.type != "cpu":
            to_place(where)  # raises where the device does not exist
        raise NotImplementedError(f"Event.from_ipc_handle({where}, ...): events are not shared between processes")

    def __repr__(self) -> str:
        return (
            f"torch.Event device_type={self.device.type}, device_index={self._stream.device_index}, "
            f"event_flag={int(self._timing)}, event_id={self.event_id}"
        )


class _Current(threading.local):
    def __init__(self) -> None:
        self.streams: dict[tuple[str, int], Any] = {}


_current = _Current()


def selected(kind: str, index: int) -> Any:
    """The stream that this thread selected on a device; None for the default one."""
    return _current.streams.get((kind, index))


def select(stream: Stream) -> None:
    """Select a stream for this thread."""
    _current.streams[(stream.device.type, stream.device_index)] = stream


TORCH_NAMES: dict[str, Any] = {
    "Stream": Stream, "Event": Event, "OutOfMemoryError": OutOfMemoryError, "AcceleratorError": AcceleratorError,
}  # fmt: skip
"""What the ``torch`` namespace shows of this module."""
