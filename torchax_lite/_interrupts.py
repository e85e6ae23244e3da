"""Ctrl-C and finalizers.

Python raises KeyboardInterrupt wherever the main thread is; in a finalizer, or in a callback of the garbage collector
(JAX has one), it is printed and lost.

`keep` sees to it that a lost one is raised again; `guard` that one does not cut short a finalizer of ours: it is raised
as soon as that has ended. ``python -m torchax_lite`` does the first, the first loader with workers the second.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import signal
import sys
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


def _try_again() -> None:
    with contextlib.suppress(RuntimeError):  # the interpreter is ending
        timer = threading.Timer(_PAUSE, _thread.interrupt_main)
        timer.daemon = True
        timer.start()


def _on_interrupt(signum: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, now or a moment later."""
    uninterruptible = _finalizers | {getattr(callback, "__code__", None) for callback in gc.callbacks}
    at = frame
    while at is not None:
        if at.f_code in uninterruptible:
            return _try_again()
        at = at.f_back
    signal.default_int_handler(signum, frame)


def guard() -> None:
    """Handle interrupts so from now on, where Python's own handler does at present."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _on_interrupt)


def keep() -> None:
    """Raise an interrupt again that Python could not raise where it came; the signal's handler stays what it is."""
    report = sys.unraisablehook

    def hook(unraisable: Any, /) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _try_again()
        else:
            report(unraisable)

    sys.unraisablehook = hook
