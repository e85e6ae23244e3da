"""Records of TensorFlow's file format: length, checksums and bytes."""

from __future__ import annotations

import struct
from typing import Any

from tensorboardX.record_writer import masked_crc32c

__all__ = ["RecordWriter"]


class RecordWriter:
    """Writes records to a file object: each is its length, the length's checksum, the bytes, and their checksum.

    Args:
        writer: an object with ``write``, ``flush`` and ``close``, open for bytes; it is closed with this one.
    """

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Append one record."""
        length = struct.pack("<Q", len(data))
        self._writer.write(length + struct.pack("<I", masked_crc32c(length)))
        self._writer.write(data + struct.pack("<I", masked_crc32c(data)))

    def flush(self) -> None:
        """Hand what was written on."""
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return bool(self._writer.closed)
