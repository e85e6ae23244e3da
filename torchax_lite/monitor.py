"""``torch.monitor``: events that handlers get, and statistics that are logged as events."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

__all__ = [
    "Aggregation", "Event", "EventHandlerHandle", "Stat", "TensorboardEventHandler", "data_value_t", "log_event",
    "register_event_handler", "unregister_event_handler",
]  # fmt: skip

data_value_t = (str, float, int, bool)


class Aggregation(Enum):
    """What a statistic computes of its values."""

    VALUE = 0
    MEAN = 1
    COUNT = 2
    SUM = 3
    MAX = 4
    MIN = 5


class Event:
    """Something that happened: a name, a time, and values by names."""

    def __init__(self, name: str, timestamp: datetime.datetime, data: dict[str, Any]) -> None:
        for key, value in data.items():
            if not isinstance(key, str) or not isinstance(value, data_value_t):
                raise TypeError(f"Event data: values are str, float, int or bool by names, got {key!r}: {value!r}")
        self.name, self.timestamp, self.data = name, timestamp, dict(data)


class EventHandlerHandle:
    """A registered handler."""

    def __init__(self, callback: Callable[[Event], None]) -> None:
        self._callback = callback


_handlers: list[EventHandlerHandle] = []


def register_event_handler(callback: Callable[[Event], None]) -> EventHandlerHandle:
    """Call ``callback(event)`` for each event from now on."""
    handle = EventHandlerHandle(callback)
    _handlers.append(handle)
    return handle


def unregister_event_handler(handler: EventHandlerHandle) -> None:
    """Stop that."""
    if handler in _handlers:
        _handlers.remove(handler)


def log_event(event: Event) -> None:
    """Give an event to all handlers."""
    for handle in list(_handlers):
        handle._callback(event)


class Stat:
    """Aggregates values, and logs an event ``torch.monitor.Stat`` once a window has passed.

    Args:
        name: the statistic.
        aggregations: what to compute.
        window_size: length of a window.
        max_samples: number of values a window takes at most.
    """

    def __init__(
        self,
        name: str,
        aggregations: list[Aggregation],
        window_size: datetime.timedelta,
        max_samples: int | None = None,
    ) -> None:
        self.name, self._aggregations, self._window, self._max = name, list(aggregations), window_size, max_samples
        self._lock = threading.Lock()
        self._values: list[float] = []
        self._began = time.monotonic()
        self._last: dict[Aggregation, float] = {}

    @property
    def count(self) -> int:
        """Number of values of the present window."""
        return len(self._values)

    def add(self, v: float) -> None:
        """Take a value."""
        with self._lock:
            self._roll()
            if self._max is None or len(self._values) < self._max:
                self._values.append(float(v))

    def get(self) -> dict[Aggregation, float]:
        """The aggregates of the last complete window."""
        with self._lock:
            self._roll()
            return dict(self._last)

    def _roll(self) -> None:
        if time.monotonic() - self._began < self._window.total_seconds():
            return
        values = self._values
        if values:
            every = {
                Aggregation.VALUE: values[-1], Aggregation.MEAN: sum(values) / len(values), Aggregation.COUNT: float(len(values)),
                Aggregation.SUM: sum(values), Aggregation.MAX: max(values), Aggregation.MIN: min(values),
            }  # fmt: skip
            self._last = {a: every[a] for a in self._aggregations}
            data = {f"{self.name}.{a.name.lower()}": x for a, x in self._last.items()}
            log_event(Event("torch.monitor.Stat", datetime.datetime.now(), data))
        self._values, self._began = [], time.monotonic()


class TensorboardEventHandler:
    """A handler that writes the numbers of statistics to a ``SummaryWriter``."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __call__(self, event: Event) -> None:
        if event.name == "torch.monitor.Stat":
            for key, value in event.data.items():
                if isinstance(value, (int, float)):
                    self._writer.add_scalar(key, value, walltime=event.timestamp.timestamp())
