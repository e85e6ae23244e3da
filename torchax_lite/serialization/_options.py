"""Settings of reading and writing: byte order, checksums, ways of mapping, skipped data."""

from __future__ import annotations

import sys
import threading
from enum import Enum
from typing import Any

if sys.platform == "win32":
    MAP_SHARED = MAP_PRIVATE = None
else:
    from mmap import MAP_PRIVATE, MAP_SHARED


class LoadEndianness(Enum):
    """Byte order of files that do not tell it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


LoadEndianness.__module__ = __name__.rpartition(".")[0]


class _Local(threading.local):
    """What one thread's call of ``save`` or ``load`` tells the functions that rebuild tensors."""

    map_location: Any = None
    skip_data = False
    materialize_fake_tensors = False


_serialization_tls = _Local()


def _config() -> Any:
    from ..utils.serialization import config

    return config


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order assumed for files without a record of it; None means little."""
    return _config().load.endianness  # type: ignore[no-any-return]


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set the byte order assumed for files without a record of it.

    Raises:
        TypeError: for anything but a :class:`LoadEndianness` or None.
    """
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _config().load.endianness = endianness


def assumed_byteorder() -> str:
    """``little`` or ``big``, for a file without a record of it."""
    setting = get_default_load_endianness()
    if setting is None or setting is LoadEndianness.LITTLE:
        return "little"
    if setting is LoadEndianness.BIG:
        return "big"
    if setting is LoadEndianness.NATIVE:
        return sys.byteorder
    raise ValueError("Invalid load endianness type")


def get_crc32_options() -> bool:
    """Whether ``save`` computes a checksum of each record."""
    return _config().save.compute_crc32  # type: ignore[no-any-return]


def set_crc32_options(compute_crc32: bool) -> None:
    """Set whether ``save`` computes a checksum of each record. Without, ``unzip`` complains, ``load`` does not."""
    _config().save.compute_crc32 = compute_crc32


def get_default_mmap_options() -> int | None:
    """How ``load(mmap=True)`` maps: ``mmap.MAP_PRIVATE`` or ``mmap.MAP_SHARED``."""
    return _config().load.mmap_flags  # type: ignore[no-any-return]


class set_default_mmap_options:
    """Set how ``load(mmap=True)`` maps a file, for good or in a ``with`` block.

    Args:
        flags: ``mmap.MAP_PRIVATE`` (writes stay in memory) or ``mmap.MAP_SHARED`` (writes reach the file).

    Raises:
        ValueError: for other flags.
    """

    def __init__(self, flags: int) -> None:
        if sys.platform == "win32":
            raise RuntimeError("Changing the default mmap options is currently not supported for Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self.prev = _config().load.mmap_flags
        _config().load.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _config().load.mmap_flags = self.prev


class skip_data:
    """Context in which ``save`` writes zeros in place of storages, and ``load`` reads none of them.

    Args:
        materialize_fake_tensors: accepted for PyTorch's sake; there are no fake tensors here.
    """

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        tls = _serialization_tls
        self._before = tls.skip_data, tls.materialize_fake_tensors
        tls.skip_data, tls.materialize_fake_tensors = True, self.materialize_fake_tensors

    def __exit__(self, *exc: object) -> None:
        _serialization_tls.skip_data, _serialization_tls.materialize_fake_tensors = self._before
