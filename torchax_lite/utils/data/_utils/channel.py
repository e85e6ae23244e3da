"""Messages between a loader and its workers over a Unix socket; large arrays go aside, in shared memory.

A message is a header, a table of buffers, and a pickle. Buffers from ``INLINE`` bytes on lie in segments whose
descriptors travel with the header: arrays that lie in a segment already as they are, all others packed into one.
"""

from __future__ import annotations

import collections
import os
import pickle
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .shared_memory import ALIGNMENT, POOL, make_segment, map_segment, segment_of

INLINE = 16 << 10
"""Bytes from which a buffer (or the pickle) is put into shared memory."""
_MAX_SEGMENTS = 16
"""Arrays that are sent in segments of their own; further ones are packed together."""
_HEADER = struct.Struct("<IIQ")  # segments, buffers, bytes of the pickle that follow (0: it is the first buffer)
_SEGMENT = struct.Struct("<QQ")  # size, number under which its maker would use it again (0: it would not)
_BUFFER = struct.Struct("<IQQ")  # segment, offset, length


class Closed(Exception):  # noqa: N818  (the end of a stream)
    """The other side is gone."""


class Message(NamedTuple):
    """An encoded message. The segments' descriptors are the message's own unless ``borrowed``."""

    head: bytes
    fds: list[int]
    owned: list[int]
    keep: Any

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in self.owned:
            os.close(fd)
        self.owned.clear()


def encode(obj: Any, dump: Callable[[Any, Callable[[pickle.PickleBuffer], Any]], bytes]) -> Message:
    """Pickle ``obj`` with ``dump`` and put its large buffers into segments."""
    buffers: list[np.ndarray[Any, Any]] = []

    def take(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < INLINE:
            return True
        buffers.append(np.frombuffer(raw, np.uint8))
        return False

    body = dump(obj, take)
    inline = len(body) < INLINE
    if not inline:
        buffers.insert(0, np.frombuffer(body, np.uint8))
    sizes: list[tuple[int, int]] = []
    fds: list[int] = []
    owned: list[int] = []
    keep = []
    rows: list[tuple[int, int, int]] = []
    packed: list[tuple[int, np.ndarray[Any, Any]]] = []
    end = 0
    for buffer in buffers:
        segment = segment_of(buffer) if len(fds) < _MAX_SEGMENTS else None
        if segment is None:
            rows.append((-1, end, len(buffer)))
            packed.append((end, buffer))
            end += -(-len(buffer) // ALIGNMENT) * ALIGNMENT
        else:
            rows.append((len(fds), 0, len(buffer)))
            fds.append(segment.fd)  # type: ignore[arg-type]
            sizes.append((segment.size, POOL.keep(segment)))
            keep.append(segment)
    if packed:
        fd = make_segment(end)
        owned.append(fd)
        whole = map_segment(fd, end)
        for start, buffer in packed:
            whole[start : start + len(buffer)] = buffer
        rows = [(len(fds) if s < 0 else s, start, length) for s, start, length in rows]
        fds.append(fd)
        sizes.append((end, 0))
    head = _HEADER.pack(len(fds), len(rows), len(body) if inline else 0)
    head += b"".join(_SEGMENT.pack(*row) for row in sizes) + b"".join(_BUFFER.pack(*row) for row in rows)
    return Message(head + body if inline else head, fds, owned, keep)


class Channel:
    """One end of a connection.

    Attributes:
        freed: numbers of received segments whose last array has died: the other side may use them again.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.freed: collections.deque[int] = collections.deque()

    def take_freed(self) -> tuple[int, ...]:
        """The numbers in ``freed`` that have not been taken yet."""
        return tuple(self.freed.popleft() for _ in range(len(self.freed)))

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        """Close this end; the other one then sees :class:`Closed`."""
        self.socket.close()

    def send(self, message: Message) -> None:
        """Send an encoded message (which may be sent again elsewhere).

        Raises:
            Closed: nobody listens any more.
        """
        try:
            if message.fds:
                sent = socket.send_fds(self.socket, [message.head], message.fds)
            else:
                sent = self.socket.send(message.head)
            if sent < len(message.head):
                self.socket.sendall(memoryview(message.head)[sent:])
        except (BrokenPipeError, ConnectionError) as error:
            raise Closed from error

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = self.socket.recv(size)
            except ConnectionError as error:
                raise Closed from error
            if not part:
                raise Closed
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def receive(self, load: Callable[..., Any] = pickle.loads, private: bool = False) -> Any:
        """Wait for a message and unpickle it; its large buffers are the sender's memory.

        Args:
            load: unpickles: ``load(data, buffers=...)``.
            private: this process's writes to the memory stay its own.

        Raises:
            Closed: there is none, and nobody to send one.
        """
        body, buffers = self.receive_parts(private)
        return load(body, buffers=buffers)

    def receive_parts(self, private: bool = False) -> tuple[Any, Sequence[Any]]:
        """Wait for a message: its pickle and the buffers that belong to it."""
        try:
            head, fds, _, _ = socket.recv_fds(
                self.socket, _HEADER.size, _MAX_SEGMENTS + 1, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except ConnectionError as error:
            raise Closed from error
        try:
            if not head:
                raise Closed
            head += self._read(_HEADER.size - len(head))
            n_segments, n_rows, length = _HEADER.unpack(head)
            table = self._read(n_segments * _SEGMENT.size + n_rows * _BUFFER.size)
            body: Any = self._read(length)
            if len(fds) != n_segments:
                raise OSError(
                    f"{n_segments} pieces of shared memory were sent and {len(fds)} arrived: too many open files? Raise "
                    "the limit (ulimit -n)."
                )
            segments = []
            for i, fd in enumerate(fds):
                size, number = _SEGMENT.unpack_from(table, i * _SEGMENT.size)
                segments.append(map_segment(fd, size, private, number, self.freed))
        finally:
            for fd in fds:
                os.close(fd)
        buffers = []
        for i in range(n_rows):
            which, start, size = _BUFFER.unpack_from(table, n_segments * _SEGMENT.size + i * _BUFFER.size)
            buffers.append(segments[which][start : start + size])
        if not length:
            body = buffers.pop(0)
        return body, buffers
