"""Places and abstract values: what the engine knows of an array before it exists. Both are interned."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from . import freed_memory

_lock = threading.RLock()
NO_CUDA = "Torch not compiled with CUDA enabled: JAX has no GPU here"
"""Error text of everything that needs a GPU where there is none."""


class Place:
    """Where arrays live: a device type as the user names it, and an index. Interned by :func:`place`.

    ``kind`` is ``device`` (a JAX device), ``meta`` (no values at all) or ``trace`` (values are JAX tracers).
    """

    __slots__ = ("_jax_device", "ext", "index", "kind", "recorder", "type")

    def __init__(self, type: str, index: int, kind: str) -> None:
        self.type = type
        self.index = index
        self.kind = kind
        self._jax_device: Any = None
        self.recorder: Any = None
        self.ext: Any = None

    def __repr__(self) -> str:
        return f"{self.type}:{self.index}" + ("" if self.kind == "device" else f"({self.kind})")

    @property
    def started(self) -> bool:
        """Whether anything has asked for the JAX device behind this place."""
        return self._jax_device is not None

    @property
    def jax_device(self) -> Any:
        """The JAX device behind this place; starts the backend on first use."""
        if self._jax_device is None:
            self._jax_device = find_jax_device(self.type, self.index)
        return self._jax_device


def _jax() -> Any:
    """JAX, about to start its backends if it has not.

    Left to itself it takes three quarters of a GPU's memory then; PyTorch takes what is needed, so that processes can
    share one. What XLA_PYTHON_CLIENT_PREALLOCATE says in the environment holds.
    """
    import jax

    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return jax


def accelerator_devices() -> list[Any]:
    """JAX's non-CPU devices, in JAX's order."""
    jax = _jax()
    return [d for d in jax.devices() if d.platform != "cpu"]


def find_jax_device(type: str, index: int) -> Any:
    """JAX device for a device type (``cpu``, ``cuda``, ``xla``) and index; an error where there is none."""
    jax = _jax()
    if type == "cpu":
        freed_memory.keep()
        return jax.local_devices(backend="cpu")[0]
    found = accelerator_devices()
    if type == "cuda":
        found = [d for d in found if d.platform in ("gpu", "cuda", "rocm")]
    elif not found:
        found = list(jax.devices())
    if index >= len(found):
        if type == "cuda" and not found:
            raise AssertionError(NO_CUDA)
        raise RuntimeError(f"{type} device {index} does not exist: JAX has {len(found)}")
    return found[index]


_places: dict[tuple[str, int, str], Place] = {}


def place(type: str, index: int = 0, kind: str = "device") -> Place:
    """The interned place of this type, index and kind."""
    key = (type, index, kind)
    found = _places.get(key)
    if found is None:
        with _lock:
            found = _places.setdefault(key, Place(type, index, kind))
    return found


CPU = place("cpu")


class Aval:
    """Shape, dtype and place of an array. Interned by :func:`aval`: equal means identical."""

    __slots__ = ("bytes", "dtype", "ext", "id", "ndim", "place", "recorder", "shape", "size")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], where: Place, id: int) -> None:
        self.shape = shape
        self.dtype = dtype
        self.place = where
        self.id = id
        self.ndim = len(shape)
        size = 1
        for s in shape:
            size *= s
        self.size = size
        self.bytes = size * dtype.itemsize
        self.recorder = where.recorder or make_recorder(where)
        self.ext: Any = annotate(self) if annotate is not None else None

    def __repr__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}@{self.place!r}"

    def __reduce__(self) -> Any:
        return aval, (self.shape, self.dtype, self.place)


def make_recorder(where: Place) -> Any:
    """The recorder of a place, made when its first aval is."""
    from . import recorder

    with _lock:
        if where.recorder is None:
            where.recorder = recorder.recorder_for(where)
        return where.recorder


annotate: Callable[[Aval], Any] | None = None
"""Hook of the layer above: fills ``Aval.ext`` when an aval is interned."""

_avals: dict[tuple[Any, ...], Aval] = {}
_by_id: list[Aval] = []


def aval(shape: tuple[int, ...], dtype: Any, where: Place) -> Aval:
    """The interned aval of this shape, dtype and place."""
    key = (shape, dtype, where)
    found = _avals.get(key)
    if found is None:
        shape = tuple(int(s) for s in shape)
        dtype = np.dtype(dtype)
        with _lock:
            found = _avals.get((shape, dtype, where))
            if found is None:
                found = Aval(shape, dtype, where, len(_by_id))
                _by_id.append(found)
                _avals[(shape, dtype, where)] = found
    return found


def aval_by_id(id: int) -> Aval:
    """The aval with this id."""
    return _by_id[id]
