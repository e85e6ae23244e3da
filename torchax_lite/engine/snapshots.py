"""Snapshots of NumPy arrays that somebody else may change: one copy, into memory that XLA reads in place.

XLA on the CPU takes a NumPy array as it is when its memory is aligned, and copies it otherwise. A fresh large buffer also
costs its page faults, so buffers are kept and used again once nothing refers to them (an executable that still reads one
holds a reference).
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

ALIGNMENT = 64
"""Bytes; XLA's own buffers on the CPU have it."""
SMALL = 4096
"""Bytes up to which a snapshot is a plain copy."""
KEPT_BUFFERS = 8
"""Buffers of one size kept at most."""
KEPT_BYTES = 256 << 20
"""Bytes of all buffers kept; all are forgotten when one more would exceed it."""

_lock = threading.Lock()
_buffers: dict[int, list[np.ndarray[Any, Any]]] = {}
_kept = 0


def snapshot(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy in C order."""
    size = array.nbytes
    if size <= SMALL:
        return np.array(array, order="C")
    buffer = _buffer(size)
    out: np.ndarray[Any, Any] = np.ndarray(
        array.shape, array.dtype, buffer=buffer, offset=-buffer.__array_interface__["data"][0] % ALIGNMENT
    )
    np.copyto(out, array)
    return out


def _buffer(size: int) -> np.ndarray[Any, Any]:
    global _kept
    with _lock:
        kept = _buffers.setdefault(size, [])
        for buffer in kept:
            if sys.getrefcount(buffer) == _FREE:
                return buffer
        buffer = np.empty(size + ALIGNMENT, np.uint8)
        if len(kept) < KEPT_BUFFERS and buffer.nbytes <= KEPT_BYTES:
            if _kept + buffer.nbytes > KEPT_BYTES:
                _buffers.clear()
                _kept = 0
                kept = _buffers.setdefault(size, [])
            kept.append(buffer)
            _kept += buffer.nbytes
        return buffer


def _free_count() -> int:
    """The reference count that :func:`_buffer` sees of a buffer that nobody uses."""
    counts = [sys.getrefcount(buffer) for buffer in [np.empty(0, np.uint8)]]
    return counts[0]


_FREE = _free_count()
