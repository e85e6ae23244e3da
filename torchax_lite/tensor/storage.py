"""``Storage``: what several tensors share: the base array's current node, versions, and a tied NumPy array."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.avals import Aval
from ..engine.recorder import Node
from ..engine.snapshots import snapshot

_addresses = itertools.count(1 << 32, 4096)


class Storage:
    """The base array of a tensor and of all its views.

    Attributes:
        node: current value of the base array, in the base's logical shape; None while ``host`` is set.
        aval: aval of the base array.
        strides: element strides of the base array in memory; None for contiguous.
        version: counts every change of the values (views compare it).
        counter: counts the changes that autograd must see (``Tensor._version``).
        gversion: counts changes of the base's place in the autograd graph.
        host: NumPy array that is the truth while somebody else can see it.
        resizable: False for good once the memory came from NumPy, or was handed to it.
        raw: the bytes come from a mapped file, and as yet at most one 1-D tensor shows them; see ``rebuilding.raw_view``.
    """

    strides: tuple[int, ...] | None = None
    version = 0
    counter = 0
    gversion = 0
    host: np.ndarray[Any, Any] | None = None
    resizable = True
    raw: Any = False
    _address: int | None = None
    _uploaded: Any = None
    _memory: np.ndarray[Any, Any] | None = None
    _published: Any = None

    def __init__(self, node: Node | None, aval: Aval) -> None:
        self.node = node
        self.aval = aval

    @property
    def address(self) -> int:
        """Where the memory of the first element is (``data_ptr``), for as long as the storage lives and is not resized.

        Values that no NumPy array is tied to lie elsewhere: on the CPU this is memory set aside for them, which
        :meth:`publish` writes; on other devices a number that tells storages apart.
        """
        if self.host is not None:
            return int(self.host.__array_interface__["data"][0])
        if self.aval.place.type == "cpu" and self.aval.place.kind == "device":
            size = self.aval.bytes
            if self._memory is None or self._memory.nbytes < size:
                whole = np.empty(size + 64, np.uint8)  # untouched, so it takes no room yet
                begin = -int(whole.__array_interface__["data"][0]) % 64
                self._memory = whole[begin : begin + size]
                self._published = None
            return int(self._memory.__array_interface__["data"][0])
        if self._address is None:
            self._address = next(_addresses)
        return self._address

    def publish(self, read: Callable[[Storage], np.ndarray[Any, Any]]) -> None:
        """Write the present values to the memory at :attr:`address`; ``read`` gives them as a flat array."""
        if self.host is not None or self.aval.place.type != "cpu" or self.aval.place.kind != "device":
            return
        _ = self.address
        if self._published != (self.version, id(self.node)) and self._memory is not None:
            flat = read(self).view(np.uint8)
            self._memory[: flat.nbytes] = flat
            self._published = (self.version, id(self.node))

    def tie(self, array: np.ndarray[Any, Any]) -> None:
        """From now on ``array`` (base shape) is the truth."""
        self.host = array
        self.resizable = False
        self.node = None

    def read_host(self) -> Node:
        """Node with the tied array's present values; unties it when nobody else holds the array any more."""
        host = self.host
        assert host is not None
        owner = host if host.base is None else host.base
        if (
            sys.getrefcount(host) <= (3 if owner is not host else 4)
            and (owner is host or (type(owner) is np.ndarray and owner.base is None and sys.getrefcount(owner) <= 3))
            and owner.flags.owndata
            and host.flags.writeable
        ):
            del owner
            self.host = None
            self.node = Node(self.aval, np.asarray(host, order="C"))
            self.version += 1
            return self.node
        self.version += 1
        return Node(self.aval, snapshot(host))

    def write_host(self, node: Node) -> None:
        """Store a node's values into the tied array."""
        host = self.host
        assert host is not None
        if node.value is None:
            node.aval.recorder.flush("write to a shared NumPy array")
        np.copyto(host, np.asarray(node.value))
