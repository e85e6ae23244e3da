"""Ctrl-C and finalizers.

Python raises KeyboardInterrupt wherever the main thread is; in a finalizer it would be printed and lost. While there are
workers, an interrupt that falls into one of our finalizers (or into a callback of the garbage collector, of which JAX
has one) is raised as soon as that has ended.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import signal
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])
_finalizers: set[CodeType] = set()
_PAUSE = 0.002
"""Seconds after which an interrupt is tried again."""


def finalizer(function: _F) -> _F:
    """Mark a function that runs when an object dies."""
    _finalizers.add(function.__code__)
    return function


def _on_interrupt(signum: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, now or a moment later."""
    at = frame
    while at is not None:
        if at.f_code in _finalizers:
            with contextlib.suppress(RuntimeError):  # the interpreter is ending
                timer = threading.Timer(_PAUSE, _thread.interrupt_main)
                timer.daemon = True
                timer.start()
            return
        at = at.f_back
    signal.default_int_handler(signum, frame)


def guard() -> None:
    """Handle interrupts so from now on, where Python's own handler does at present."""
    _finalizers.update(code for callback in gc.callbacks if (code := getattr(callback, "__code__", None)))
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _on_interrupt)
