"""``torch.cuda.nvtx``: ranges that show up in JAX's profiler (and, through it, in NVIDIA's tools)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


class _Open(threading.local):
    def __init__(self) -> None:
        self.pushed: list[Any] = []


_open = _Open()
_started: dict[int, Any] = {}


def _annotation(text: str) -> Any:
    from jax.profiler import TraceAnnotation

    made = TraceAnnotation(text)
    made.__enter__()
    return made


def range_push(msg: str) -> int:
    """Open a range inside those that are open in this thread; returns its depth, from 0."""
    _open.pushed.append(_annotation(msg))
    return len(_open.pushed) - 1


def range_pop() -> int:
    """Close the innermost range of this thread; returns its depth (-1: none was open)."""
    if not _open.pushed:
        return -1
    _open.pushed.pop().__exit__(None, None, None)
    return len(_open.pushed)


def range_start(msg: str) -> int:
    """Open a range that any code of this thread may close; returns its handle."""
    handle = max(_started, default=0) + 1
    _started[handle] = _annotation(msg)
    return handle


def range_end(range_id: int) -> None:
    """Close the range of a handle."""
    _started.pop(range_id).__exit__(None, None, None)


def mark(msg: str) -> None:
    """A range without length."""
    _annotation(msg).__exit__(None, None, None)


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Context manager: a range named ``msg.format(*args, **kwargs)``."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
