"""``torch.device``: a device type and an optional index, mapped to the engine's places."""

from __future__ import annotations

import re
import threading
from typing import Any

from ..engine.avals import Place, place
from .public_type import PublicType

_TYPES = ("cpu", "cuda", "xla", "meta")
_KNOWN_ELSEWHERE = (
    "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "lazy", "vulkan", "mps", "hpu",
    "mtia", "privateuseone",
)  # fmt: skip
_NAME, _INDEX = re.compile("[a-zA-Z_]+"), re.compile("0|[1-9][0-9]*")


class device(metaclass=PublicType):
    """``torch.device("cuda:0")``, ``torch.device("cuda", 0)``, ``torch.device(0)``; a context manager too.

    Types: ``cpu``, ``cuda`` (JAX's GPU backend), ``xla`` (JAX's accelerator, TPU or GPU), ``meta``. PyTorch's others
    (``mps``, ``xpu`` …) can be named, not used.

    Raises:
        RuntimeError: for a string that names no device type, or a number where there is no accelerator.
    """

    __slots__ = ("_stack", "index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            self.type, self.index = type.type, type.index
        elif isinstance(type, bool) or not isinstance(type, (str, int)):
            raise TypeError(
                f"device(): argument 'type' must be torch.device, str or int, not {type.__class__.__name__}"
            )
        elif isinstance(type, int):
            self.type, self.index = _accelerator_type(), type
        else:
            name, sep, number = type.partition(":")
            if not _NAME.fullmatch(name) or (sep and not _INDEX.fullmatch(number)):
                raise RuntimeError(f"Invalid device string: '{type}'" if type else "Device string must not be empty")
            if name not in _TYPES and name not in _KNOWN_ELSEWHERE:
                expected = "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone"
                raise RuntimeError(f"Expected one of {expected} device type at start of device string: {type}")
            if sep:
                if index is not None:
                    raise RuntimeError(
                        f"type (string) must not include an index because index was passed explicitly: {type}"
                    )
                index = int(number)
            self.type, self.index = name, index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return other.__class__ is device and self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, ((self.type,) if self.index is None else (self.type, self.index))

    def __enter__(self) -> device:
        stack = _default_stack()
        stack.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _default_stack().pop()


def _accelerator_type() -> str:
    """The device type that a bare number means."""
    from ..engine.avals import accelerator_devices

    found = accelerator_devices()
    if not found:
        raise RuntimeError("Cannot access accelerator device when none is available.")
    return "cuda" if any(d.platform in ("gpu", "cuda", "rocm") for d in found) else "xla"


class _Local(threading.local):
    stack: list[device]

    def __init__(self) -> None:
        self.stack = []


_local = _Local()
_global_default: list[device] = []


def _default_stack() -> list[device]:
    return _local.stack


def _set_default_device(dev: Any) -> None:
    _global_default[:] = [] if dev is None else [device(dev)]


def set_default_device(device: Any) -> None:
    """Device of factory functions that name none; ``None`` restores ``cpu``."""
    _set_default_device(device)


def get_default_device() -> device:
    """The device that factory functions use when none is named."""
    if _local.stack:
        return _with_index(_local.stack[-1])
    return _with_index(_global_default[-1]) if _global_default else _CPU


def _with_index(d: device) -> device:
    return device(d.type, 0) if d.index is None and d.type in ("cuda", "xla") else d


def to_place(dev: Any) -> Place:
    """The engine's place for a device, string, index or None (the default device)."""
    if dev is None:
        if not _local.stack and not _global_default:
            return _CPU_PLACE
        dev = get_default_device()
    elif not isinstance(dev, device):
        dev = device(dev)
    if dev.type == "cpu":
        return _CPU_PLACE
    if dev.type == "meta":
        return _META_PLACE
    if dev.type in _KNOWN_ELSEWHERE:
        raise NotImplementedError(f"device type {dev.type!r} has no JAX backend; use one of {', '.join(_TYPES)}")
    index = dev.index
    if index is None:
        from .. import cuda

        index = cuda.current_device() if dev.type == "cuda" and cuda.is_available() else 0
    found = place(dev.type, index)
    found.jax_device  # noqa: B018  (raises here, at the user's call, where the device does not exist)
    return found


def from_place(p: Place) -> device:
    """``torch.device`` of a place."""
    if p.ext is None:
        p.ext = device(p.type) if p.type in ("cpu", "meta") else device(p.type, p.index)
    found: device = p.ext
    return found


_CPU = device("cpu")
_CPU_PLACE = place("cpu")
_META_PLACE = place("meta", 0, "meta")
