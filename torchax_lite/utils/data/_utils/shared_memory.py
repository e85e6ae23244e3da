"""Anonymous shared memory: arrays in memory that another process can map, and that no name or tracker outlives.

A segment is a file without a name (``memfd_create``, elsewhere an unlinked temporary file). It is handed over as a file
descriptor and goes away with the last process that maps it or holds the descriptor, however that process ends.
"""

from __future__ import annotations

import collections
import ctypes
import itertools
import math
import mmap
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from torchax_lite._interrupts import finalizer

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
        populate: get all its pages at once, as all of them will be written.

    Attributes:
        number: identifies a segment that its maker would use again; 0 for one that it would not.
        freed: takes ``number`` when the mapping dies, and its negative if a child process may still see the memory.
    """

    number = 0
    freed: collections.deque[int] | None = None
    address: int | None = None  # an interrupt may end __init__ anywhere
    fd: int | None = None

    def __init__(
        self, fd: int, size: int, private: bool = False, fd_to_close: int | None = None, populate: bool = False
    ) -> None:
        self._unmap, self._close = _libc.munmap, os.close
        self._forks = _forks
        self.size = max(size, 1)
        self.fd = fd_to_close
        flags = mmap.MAP_PRIVATE if private else mmap.MAP_SHARED
        if populate:
            flags |= getattr(mmap, "MAP_POPULATE", 0)
        address = _libc.mmap(None, self.size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0)
        if address == _FAILED:
            error = ctypes.get_errno()
            raise OSError(error, f"cannot map {size} bytes of shared memory: {os.strerror(error)}")
        self.address = address
        self.__array_interface__: dict[str, Any] = {
            "version": 3, "typestr": "|u1", "shape": (size,), "data": (address, False),
        }  # fmt: skip

    @finalizer
    def __del__(self) -> None:
        if self.address is not None:
            self._unmap(self.address, self.size)
        if self.freed is not None:
            self.freed.append(self.number if self._forks == _forks else -self.number)
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


def map_segment(
    fd: int, size: int, private: bool = False, number: int = 0, freed: collections.deque[int] | None = None
) -> np.ndarray[Any, Any]:
    """A segment's bytes as a writable array that keeps the mapping alive; ``freed`` takes ``number`` when it dies."""
    mapping = Mapping(fd, size, private)
    if number:
        mapping.number, mapping.freed = number, freed
    return np.asarray(mapping)


_segments: weakref.WeakValueDictionary[int, Mapping] = weakref.WeakValueDictionary()
"""Segments of this process by address; each keeps its descriptor for as long as it is mapped."""
_lock = threading.Lock()


_forks = 0
"""How often this process has forked: a child sees the segments mapped before, their makers must not write them again."""


def _before_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)

REUSED_FROM = 256 << 10
"""Bytes from which a segment is worth being used again: its pages need not be made anew."""
_MOST_REUSED = 8
"""Segments that a worker keeps for that, at most."""


class _Pool:
    """A worker's segments that were sent, and those of them that their receiver has done with."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.sent: dict[int, Mapping] = {}
        self.free: list[Mapping] = []

    def keep(self, mapping: Mapping) -> int:
        """Remember a segment that is being sent; its number, or 0 if it is not to be used again."""
        if mapping.size < REUSED_FROM or len(self.sent) + len(self.free) >= _MOST_REUSED:
            return 0
        number = next(self.numbers)
        self.sent[number] = mapping
        return number

    def take_back(self, numbers: Sequence[int]) -> None:
        """The receiver has done with these segments; a negative number says that a child of it may not have."""
        for number in numbers:
            mapping = self.sent.pop(abs(number), None)
            if mapping is not None and number > 0:
                self.free.append(mapping)

    def get(self, size: int) -> Mapping | None:
        """A segment of this size that nobody uses, in this process neither."""
        for i, mapping in enumerate(self.free):
            if mapping.size == size:
                del self.free[i]
                if sys.getrefcount(mapping) == _UNUSED:
                    return mapping
                return None
        if self.free and len(self.sent) + len(self.free) >= _MOST_REUSED:
            self.free.pop(0)
        return None


def _count_of_unused() -> int:
    """The reference count that :meth:`_Pool.get` sees of a mapping that no array uses."""
    for _, item in enumerate([object()]):
        return sys.getrefcount(item) - 1  # the list's own reference
    return 0


_UNUSED = _count_of_unused()
POOL = _Pool()


def shared_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An array without set values in a segment of its own: it can be sent without a copy."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    mapping = POOL.get(size)
    if mapping is None:
        fd = make_segment(size)
        try:
            mapping = Mapping(fd, size, fd_to_close=fd, populate=True)
        except BaseException:
            os.close(fd)
            raise
        with _lock:
            _segments[mapping.address] = mapping  # type: ignore[index]
    return np.asarray(mapping)[:size].view(dtype).reshape(shape)


def segment_of(buffer: np.ndarray[Any, Any]) -> Mapping | None:
    """The segment that begins where ``buffer`` (bytes) does and is about its size; None for other memory."""
    found = _segments.get(buffer.__array_interface__["data"][0])
    if found is None or found.fd is None or found.size > 2 * len(buffer):
        return None
    return found
