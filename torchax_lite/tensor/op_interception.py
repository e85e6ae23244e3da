"""Interception of op calls: autocast and the observers of ops (selective checkpointing, flop counts).

Public functions have layers (``interception.py``); this is the same one floor below, where composed functions have become
ops. The dispatcher's entries know nothing of it. While some thread intercepts, their *code* is exchanged for one that looks at
that thread's handlers first; when the last one leaves, the original code is put back. So a program without interception
pays nothing, whoever holds a reference to an entry, and whatever the entries look like inside.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

from . import dispatch

Handler = Callable[[Any, Sequence[Any], tuple[Any, ...], tuple[Any, ...]], Any]
"""``handler(op, tensors, scalars, statics)`` returns the op's result; :data:`MISS` lets the call go on unchanged.

While it runs, it and the handlers inside it are off, so it may call ops itself.
"""
MISS: Any = object()


class _Local(threading.local):
    stack: tuple[Handler, ...] = ()
    cast: Handler | None = None
    """Autocast's handler; it comes before those of the stack."""


local = _Local()
_lock = threading.Lock()
_users = 0


# -- the entries while somebody intercepts -----------------------------------------------------------------------------


def intercepted(op: Any, tensors: Sequence[Any], scalars: tuple[Any, ...], statics: tuple[Any, ...]) -> Any:
    """The result that a handler of this thread gives, or MISS."""
    cast = local.cast
    if cast is not None:
        local.cast = None
        try:
            made = cast(op, tensors, scalars, statics)
        finally:
            local.cast = cast
        if made is not MISS:
            return made
    stack = local.stack
    if stack:
        local.stack = stack[:-1]
        try:
            return stack[-1](op, tensors, scalars, statics)
        finally:
            local.stack = stack
    return MISS


def _call(op: Any, tensors: Any, scalars: Any = (), statics: Any = ()) -> Any:
    made = _intercept.intercepted(op, tensors, scalars, statics)  # type: ignore[name-defined]  # noqa: F821
    return _intercept.plain_call(op, tensors, scalars, statics) if made is _intercept.MISS else made  # type: ignore[name-defined]  # noqa: F821


def _call1(op: Any, a: Any) -> Any:
    made = _intercept.intercepted(op, (a,), op.scalar_defaults, op.static_defaults)  # type: ignore[name-defined]  # noqa: F821
    return _intercept.plain_call(op, (a,), op.scalar_defaults, op.static_defaults) if made is _intercept.MISS else made  # type: ignore[name-defined]  # noqa: F821


def _call2(op: Any, a: Any, b: Any) -> Any:
    made = _intercept.intercepted(op, (a, b), op.scalar_defaults, op.static_defaults)  # type: ignore[name-defined]  # noqa: F821
    if made is _intercept.MISS:  # type: ignore[name-defined]  # noqa: F821
        return _intercept.plain_call(op, (a, b), op.scalar_defaults, op.static_defaults)  # type: ignore[name-defined]  # noqa: F821
    return made


def _call_out(op: Any, tensors: Any, scalars: Any, statics: Any, out: Any) -> Any:
    # The forms that write into ``out`` are no subject of autocast.
    local = _intercept.local  # type: ignore[name-defined]  # noqa: F821
    cast, local.cast = local.cast, None
    try:
        return _intercept.plain_call_out(op, tensors, scalars, statics, out)  # type: ignore[name-defined]  # noqa: F821
    finally:
        local.cast = cast


def _copy(function: Any) -> Any:
    return FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


plain_call = _copy(dispatch.call)
plain_call_out = _copy(dispatch.call_out)
_ENTRIES: dict[Any, CodeType] = {
    dispatch.call: _call.__code__, dispatch.call1: _call1.__code__, dispatch.call2: _call2.__code__,
    dispatch.call_out: _call_out.__code__,
}  # fmt: skip
for _entry in _ENTRIES:
    _entry.__globals__["_intercept"] = sys.modules[__name__]  # the exchanged code runs with the entries' globals


# -- coming and going --------------------------------------------------------------------------------------------------


def begin() -> None:
    """Somebody starts to intercept; paired with :func:`end`."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _exchange(intercepting=True)


def end() -> None:
    """Somebody has stopped to intercept."""
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _exchange(intercepting=False)


_originals = {entry: entry.__code__ for entry in _ENTRIES}


def _exchange(intercepting: bool) -> None:
    for entry, code in (_ENTRIES if intercepting else _originals).items():
        entry.__code__ = code


def push(handler: Handler) -> None:
    """Put a handler on this thread's stack."""
    local.stack = (*local.stack, handler)
    begin()


def pop(handler: Handler) -> None:
    """Take the innermost handler, which must be this one, off this thread's stack."""
    if not local.stack or local.stack[-1] != handler:
        raise RuntimeError("handlers of op calls must be left in the reverse order of entering")
    local.stack = local.stack[:-1]
    end()
