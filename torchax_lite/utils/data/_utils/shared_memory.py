"""Anonymous shared memory: arrays in memory that another process can map, and that no name or tracker outlives.

A segment is a file without a name (``memfd_create``, elsewhere an unlinked temporary file). It is handed over as a file
descriptor and goes away with the last process that maps it or holds the descriptor, however that process ends.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import tempfile
import threading
import weakref
from typing import Any

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64,
)  # fmt: skip
_libc.munmap.restype = ctypes.c_int
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = ctypes.c_void_p(-1).value

ALIGNMENT = 64
"""Bytes to which every array in a segment is aligned (XLA takes such arrays without a copy)."""


class Mapping:
    """The memory of a segment, mapped until the last array on it dies.

    Args:
        fd: the segment; not closed, and not needed any more once mapped.
        size: its bytes.
        private: writes stay in this process (copy on write).
        fd_to_close: closed together with the mapping.
    """

    def __init__(self, fd: int, size: int, private: bool = False, fd_to_close: int | None = None) -> None:
        self.size = max(size, 1)
        self.fd = fd_to_close
        self._unmap, self._close = _libc.munmap, os.close
        flags = mmap.MAP_PRIVATE if private else mmap.MAP_SHARED
        address = _libc.mmap(None, self.size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0)
        if address == _FAILED:
            self.address = None
            error = ctypes.get_errno()
            raise OSError(error, f"cannot map {size} bytes of shared memory: {os.strerror(error)}")
        self.address = address
        self.__array_interface__: dict[str, Any] = {
            "version": 3, "typestr": "|u1", "shape": (size,), "data": (address, False),
        }  # fmt: skip

    def __del__(self) -> None:
        if self.address is not None:
            self._unmap(self.address, self.size)
        if self.fd is not None:
            self._close(self.fd)


def make_segment(size: int) -> int:
    """File descriptor of a new segment of zeros."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("torchax_lite", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, max(size, 1))
    except BaseException:
        os.close(fd)
        raise
    return fd


def map_segment(fd: int, size: int, private: bool = False) -> np.ndarray[Any, Any]:
    """A segment's bytes as a writable array that keeps the mapping alive."""
    return np.asarray(Mapping(fd, size, private))


_segments: weakref.WeakValueDictionary[int, Mapping] = weakref.WeakValueDictionary()
"""Segments of this process by address; each keeps its descriptor for as long as it is mapped."""
_lock = threading.Lock()


def shared_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An array without set values in a segment of its own: it can be sent without a copy."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    fd = make_segment(size)
    try:
        mapping = Mapping(fd, size, fd_to_close=fd)
    except BaseException:
        os.close(fd)
        raise
    with _lock:
        _segments[mapping.address] = mapping  # type: ignore[index]
    return np.asarray(mapping).view(dtype).reshape(shape)


def segment_of(buffer: np.ndarray[Any, Any]) -> Mapping | None:
    """The segment that begins where ``buffer`` (bytes) does and is about its size; None for other memory."""
    found = _segments.get(buffer.__array_interface__["data"][0])
    if found is None or found.fd is None or found.size > 2 * len(buffer):
        return None
    return found
