"""The file format of recorded results: trees of plain values and NumPy arrays, compressed block by block.

A file is ``MAGIC``, the length of its index, the compressed index (name of a block to its offset and length), and the
blocks. A block is a compressed header (the tree as JSON, the dtypes and shapes of its arrays) and the arrays' bytes;
equal arrays of a block are kept once. Nothing in a file is ever executed, unlike a pickle.
"""

from __future__ import annotations

import json
import lzma
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"compat-records-1\n"
ARRAY = "#"
"""Key of the one-item dict that stands for an array in a header."""

_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6 | lzma.PRESET_EXTREME}]


def _compress(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=_FILTERS)


def pack(tree: Any) -> bytes:
    """A tree of dicts, lists, strings, numbers, None and arrays as bytes."""
    chunks: list[bytes] = []
    table: list[tuple[str, tuple[int, ...]]] = []
    known: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            key = (value.dtype.str, value.shape, value.tobytes())
            if key not in known:
                known[key] = len(table)
                table.append(key[:2])
                chunks.append(key[2])
            return {ARRAY: known[key]}
        if isinstance(value, dict):
            return {k: walk(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [walk(v) for v in value]
        return value

    head = json.dumps([walk(tree), table], separators=(",", ":"), allow_nan=False).encode()
    return _compress(struct.pack("<Q", len(head)) + head + b"".join(chunks))


def unpack(block: bytes) -> Any:
    """The tree of :func:`pack`; its arrays are read-only."""
    data = lzma.decompress(block)
    (length,) = struct.unpack_from("<Q", data)
    tree, table = json.loads(data[8 : 8 + length])
    arrays, start = [], 8 + length
    for dtype, shape in table:
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(data, np.dtype(dtype), count, start).reshape(shape))
        start += count * np.dtype(dtype).itemsize

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value[ARRAY]] if ARRAY in value else {k: walk(v) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v) for v in value]
        return value

    return walk(tree)


def write(path: Path, blocks: Mapping[str, bytes], notes: Any = None) -> None:
    """Write packed blocks under their names, and ``notes`` (any JSON value) beside the index."""
    index, start = {}, 0
    for name, block in blocks.items():
        index[name] = (start, len(block))
        start += len(block)
    head = lzma.compress(json.dumps({"index": index, "notes": notes}, separators=(",", ":")).encode())
    path.write_bytes(MAGIC + struct.pack("<Q", len(head)) + head + b"".join(blocks.values()))


class Archive:
    """A written file: its block names and notes are read at once, a block when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError(f"{path} is not a file of recorded results")
            (length,) = struct.unpack("<Q", file.read(8))
            head = json.loads(lzma.decompress(file.read(length)))
        self.index: dict[str, tuple[int, int]] = {k: (v[0], v[1]) for k, v in head["index"].items()}
        self.notes: Any = head["notes"]
        self._start = len(MAGIC) + 8 + length

    def __getitem__(self, name: str) -> Any:
        offset, length = self.index[name]
        with self.path.open("rb") as file:
            file.seek(self._start + offset)
            return unpack(file.read(length))
