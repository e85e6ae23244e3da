"""The container of files since PyTorch 1.6: a zip archive of uncompressed records, each at a multiple of 64 bytes.

The layout of the bytes is PyTorch's own: sizes and checksum of a record follow it (a data descriptor), the end is
always in the 64-bit form, padding is an extra field ``FB``.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import struct
import sys
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from ._options import assumed_byteorder

ZIP_START = b"PK\x03\x04"
_LIMIT = 0xFFFFFFFF
_DESCRIPTOR, _UTF8 = 0x0008, 0x0800
_CHUNK = 1 << 24


class ArchiveWriter:
    """Writes records to a stream that only has to know ``write``.

    Args:
        file: where to.
        root: the folder that all names begin with.
        alignment: of the first byte of each record.
        checksums: compute CRC-32 sums; without, they are 0.
    """

    def __init__(self, file: IO[bytes], root: str, alignment: int = 64, checksums: bool = True) -> None:
        self._file = file
        self._root = root
        self._alignment = alignment
        self._checksums = checksums
        self._at = 0
        self._directory: list[bytes] = []
        self._digest = hashlib.sha256()

    def _write(self, data: Any) -> None:
        self._file.write(data)
        self._at += len(data)

    def record(self, name: str, content: Any) -> None:
        """Append a record: ``content`` is an object with a buffer of bytes."""
        view = memoryview(content)
        size = view.nbytes
        crc = zlib.crc32(view) if self._checksums and size else 0
        self._begin(name, size)
        if size:
            self._write(view)
        self._end(name, size, crc)

    def empty_record(self, name: str, size: int) -> None:
        """Append a record of zeros, to be filled by somebody else."""
        self._begin(name, size)
        zeros = bytes(min(size, _CHUNK))
        for at in range(0, size, _CHUNK):
            self._write(zeros[: min(_CHUNK, size - at)])
        self._end(name, size, 0)

    def _begin(self, name: str, size: int) -> None:
        full = f"{self._root}/{name}".encode()
        self._offset = self._at
        extra = _zip64(size, self._at)
        pad = -(self._at + 30 + len(full) + len(extra) + 4) % self._alignment
        extra += struct.pack("<HH", 0x4246, pad) + b"Z" * pad
        flags = _UTF8 | (_DESCRIPTOR if size else 0)
        head = struct.pack("<4sHHHHHIIIHH", ZIP_START, 0, flags, 0, 0, 0, 0, 0, 0, len(full), len(extra))
        self._write(head + full + extra)

    def _end(self, name: str, size: int, crc: int) -> None:
        full = f"{self._root}/{name}".encode()
        if size:
            wide = size >= _LIMIT or self._offset >= _LIMIT
            self._write(struct.pack("<4sIQQ" if wide else "<4sIII", b"PK\x07\x08", crc, size, size))
        extra = _zip64(size, self._offset)
        flags = _UTF8 | (_DESCRIPTOR if size else 0)
        shown, offset = min(size, _LIMIT), min(self._offset, _LIMIT)
        self._directory.append(
            struct.pack(
                "<4sHHHHHHIIIHHHHHII",
                *(b"PK\x01\x02", 0, 0, flags, 0, 0, 0, crc, shown, shown, len(full), len(extra), 0, 0, 0, 0, offset),
            )
            + full
            + extra
        )
        self._digest.update(f"{name}:{crc}".encode())

    def finish(self) -> None:
        """Write PyTorch's closing records and the directory."""
        self.record("version", b"3\n")
        number = int.from_bytes(self._digest.digest(), "big") % 10**40
        self.record(".data/serialization_id", f"{number:040d}".encode())
        begin, count = self._at, len(self._directory)
        directory = b"".join(self._directory)
        self._write(directory)
        end, size = self._at, len(directory)
        self._write(struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 0x031E, 45, 0, 0, count, count, size, begin))
        self._write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        shown = min(count, 0xFFFF)
        self._write(
            struct.pack(
                "<4sHHHHIIH", b"PK\x05\x06", 0, 0, shown, shown, min(size, _LIMIT), min(begin, _LIMIT), 0
            )  # fmt: skip
        )


def _zip64(size: int, offset: int) -> bytes:
    """The extra field for sizes and offsets that need 64 bits; nothing where none does."""
    fields = ([size, size] if size >= _LIMIT else []) + ([offset] if offset >= _LIMIT else [])
    return struct.pack(f"<HH{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""


def unreadable(what: str) -> RuntimeError:
    """The error for a file that is damaged, cut short, or was made to do harm."""
    return RuntimeError(f"PytorchStreamReader failed {what}")


class ArchiveReader:
    """The records of a file, checked: no compression, no two of one name, none over another or beyond the file.

    So no file makes the reader hold more bytes than it has itself.

    Args:
        file: a file object at the beginning of the archive.
        mapped: the whole file as an array of bytes, where it is mapped.
    """

    def __init__(self, file: Any, mapped: np.ndarray[Any, Any] | None = None) -> None:
        self.file = file
        self.mapped = mapped
        try:
            infos = zipfile.ZipFile(file).infolist()
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged directory brings zipfile to raise
            raise unreadable(
                f"reading zip archive: failed finding central directory ({error}): the file is truncated or was "
                "changed after it was saved"
            ) from None
        names = [info.filename for info in infos]
        if not infos or len(set(names)) != len(names):
            raise unreadable("reading zip archive: it has no records, or two of one name")
        if any(i.compress_type or i.flag_bits & 1 or i.compress_size != i.file_size for i in infos):
            raise unreadable("reading zip archive: it has compressed or encrypted records")
        file.seek(0, os.SEEK_END)
        self._size = file.tell()
        self._starts = sorted(info.header_offset for info in infos)
        if self._starts[0] < 0 or len(set(self._starts)) != len(self._starts):
            raise unreadable("reading zip archive: records overlap")
        for info in infos:
            if info.header_offset + 30 + info.file_size > self._end_of(info.header_offset):
                raise unreadable(f"reading file {info.filename}: it reaches beyond the file, or records overlap")
        self.root = names[0].partition("/")[0]
        self._infos = {info.filename: info for info in infos}

    def _end_of(self, offset: int) -> int:
        """Where the record after the one at ``offset`` begins."""
        following = bisect.bisect_right(self._starts, offset)
        return self._starts[following] if following < len(self._starts) else self._size

    def byteorder(self) -> str:
        """``little`` or ``big``, as the file says or settings assume."""
        if not self.has("byteorder"):
            return assumed_byteorder()
        order = self.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {order}")
        return order

    def swaps(self) -> bool:
        """Whether elements have the other byte order than this machine's."""
        return self.byteorder() != sys.byteorder

    def names(self) -> list[str]:
        """The records, in the order of the file."""
        return [name.partition("/")[2] for name in self._infos]

    def has(self, name: str) -> bool:
        return f"{self.root}/{name}" in self._infos

    def size(self, name: str) -> int:
        """Bytes of a record; RuntimeError where there is none of the name."""
        if not self.has(name):
            raise unreadable(f"locating file {name}: file not found")
        return self._infos[f"{self.root}/{name}"].file_size

    def read(self, name: str) -> bytes:
        """A (small) record's bytes; its checksum is checked where the writer made one."""
        data = self.array(name, copy=True).tobytes()
        crc = self._infos[f"{self.root}/{name}"].CRC
        if crc and zlib.crc32(data) != crc:
            raise unreadable(f"reading file {name}: bad checksum, the file was changed after it was saved")
        return data

    def array(self, name: str, copy: bool = False) -> np.ndarray[Any, Any]:
        """A record as an array of bytes; a piece of the mapped file where there is one.

        As in PyTorch, checksums of storages are not checked: that would take longer than reading them.
        """
        size = self.size(name)
        offset = self._infos[f"{self.root}/{name}"].header_offset
        self.file.seek(offset)
        head = self.file.read(30)
        if len(head) < 30 or head[:4] != ZIP_START:
            raise unreadable(f"reading file {name}: bad local header")
        start = offset + 30 + sum(struct.unpack("<HH", head[26:30]))
        if start + size > self._end_of(offset):
            raise unreadable(f"reading file {name}: it reaches beyond the file, or records overlap")
        if self.mapped is not None and not copy:
            return self.mapped[start : start + size]
        self.file.seek(start)
        return read_array(self.file, size, name)


def read_array(file: Any, size: int, name: str) -> np.ndarray[Any, Any]:
    """The next ``size`` bytes of a file, in memory of their own that begins at a multiple of 64."""
    memory = np.empty(size + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    raw = memory[begin : begin + size]
    view = memoryview(raw.data)
    read = 0
    into = getattr(file, "readinto", None)
    while read < size:
        if into is not None:
            got = into(view[read:]) or 0
        else:
            part = file.read(size - read)
            got = len(part)
            raw[read : read + got] = np.frombuffer(part, np.uint8)
        if not got:
            raise unreadable(f"reading file {name}: unexpected end of file")
        read += got
    return raw
