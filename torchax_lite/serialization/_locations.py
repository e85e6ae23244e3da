"""Where storages lie: their tags in files, and the way from a tag to a device."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.avals import Place, accelerator_devices, aval, place
from ..engine.recorder import Node
from ..tensor.device import device as device_type
from ..tensor.rebuilding import fresh_storage
from ..tensor.storage_api import UntypedStorage, is_storage, root_of

Tagger = Callable[[Any], "str | None"]
Deserializer = Callable[[Any, str], Any]

_package_registry: list[tuple[int, Tagger, Deserializer]] = []


def register_package(priority: int, tagger: Tagger, deserializer: Deserializer) -> None:
    """Add a way of naming places: ``tagger(storage) -> tag or None``, ``deserializer(storage, tag) -> storage or None``.

    Args:
        priority: those with smaller numbers are asked first; ``cpu`` has 10, ``cuda`` 20, ``meta`` 22, ``xla`` 23.
    """
    _package_registry.append((priority, tagger, deserializer))
    _package_registry.sort(key=lambda entry: entry[0])


def location_tag(storage: Any) -> str:
    """Name of a storage's place in files: ``cpu``, ``cuda:0``, ``xla:0``, ``meta``."""
    for _, tagger, _ in _package_registry:
        tag = tagger(storage)
        if tag:
            return tag
    raise RuntimeError(f"don't know how to determine data location of {_typename(storage)}")


def default_restore_location(storage: Any, location: str) -> Any:
    """A storage that was just read, at the place that a tag names.

    Raises:
        RuntimeError: for an accelerator that is not there, or a tag that names nothing.
    """
    for _, _, deserializer in _package_registry:
        result = deserializer(storage, location)
        if result is not None:
            return result
    raise RuntimeError(f"don't know how to restore data location of {_typename(storage)} (tagged with {location})")


def _typename(storage: Any) -> str:
    return f"torch.storage.{type(storage).__name__}" if is_storage(storage) else type(storage).__name__


def _tag_of(kind: str) -> Tagger:
    def tag(storage: Any) -> str | None:
        found = storage.device
        if found.type != kind:
            return None
        return kind if kind in ("cpu", "meta", "mps") else f"{kind}:{found.index or 0}"

    return tag


def _device_index(location: str) -> int:
    _, _, index = location.partition(":")
    return int(index) if index.isdigit() else 0


def _validate(location: str, kind: str) -> device_type:
    """The device of a tag, after a look whether it is there."""
    name = kind.upper()
    try:
        module = importlib.import_module(f"{__name__.split('.')[0]}.{kind}")
    except ImportError:
        raise RuntimeError(
            f"The {name} device module is not registered. If you are running on a CPU-only machine, please use "
            "torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        ) from None
    count = sum(d.platform in ("gpu", "cuda", "rocm") for d in accelerator_devices()) if kind == "cuda" else None
    if not (module.is_available() if count is None else count):
        raise RuntimeError(
            f"Attempting to deserialize object on a {name} device but torch.{kind}.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    index = _device_index(str(location))
    if count is not None and index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on {name} device {index} but torch.{kind}.device_count() is {count}. "
            "Please use torch.load with map_location to map your storages to an existing device."
        )
    return device_type(kind, index)


def validate_cuda_device(location: Any) -> int:
    """Index of the GPU that a tag names; RuntimeError where it does not exist."""
    return int(_validate(str(location), "cuda").index or 0)


def validate_hpu_device(location: Any) -> int:
    """There is no HPU: raises RuntimeError."""
    return int(_validate(str(location), "hpu").index or 0)


def _named(kind: str, location: str) -> bool:
    return location == kind or re.match(rf"{kind}(:|[0-9]+)", location) is not None


def placed(holder: UntypedStorage, where: Place) -> UntypedStorage:
    """The same bytes for another place; they travel when they are used first."""
    values = None if where.kind == "meta" else root_of(holder._storage)._host_array().reshape(-1)
    made = fresh_storage(np.empty(0, np.uint8), where)
    made.aval = aval(holder._storage.aval.shape, holder._storage.aval.dtype, where)
    made.node = Node(made.aval, values)
    return UntypedStorage(made)


def _to_cpu(storage: Any, location: str) -> Any:
    if location != "cpu":
        return None
    return storage if storage.device.type == "cpu" else storage.cpu()


def _to_meta(storage: Any, location: str) -> Any:
    return placed(storage, place("meta", 0, "meta")) if location == "meta" else None


def _to_cuda(storage: Any, location: str) -> Any:
    if not _named("cuda", location):
        return None
    return placed(storage, place("cuda", validate_cuda_device(location)))


def _to_xla(storage: Any, location: str) -> Any:
    if not _named("xla", location):
        return None
    where = place("xla", _device_index(location))
    where.jax_device  # noqa: B018  (raises here where the device does not exist)
    return placed(storage, where)


def _to_mps(storage: Any, location: str) -> Any:
    return storage.mps() if location.startswith("mps") else None


def _to_missing(kind: str) -> Deserializer:
    def deserialize(storage: Any, location: str) -> Any:
        return storage.to(device=_validate(location, kind)) if _named(kind, location) else None

    return deserialize


for _priority, _kind, _deserialize in (
    (10, "cpu", _to_cpu), (20, "cuda", _to_cuda), (21, "mps", _to_mps), (22, "meta", _to_meta), (23, "xla", _to_xla),
    *((p, k, _to_missing(k)) for p, k in ((24, "hpu"), (25, "xpu"), (26, "mtia"))),
):  # fmt: skip
    register_package(_priority, _tag_of(_kind), _deserialize)


def restorer(map_location: Any) -> Callable[[Any, str], Any]:
    """``(storage, tag) -> storage`` for the argument ``map_location`` of :func:`load`."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, bytes, device_type)):
        name = map_location.decode() if isinstance(map_location, bytes) else str(map_location)
        return lambda storage, location: default_restore_location(storage, name)

    def restore(storage: Any, location: str) -> Any:
        result = map_location(storage, location)
        return default_restore_location(storage, location) if result is None else result

    return restore


def is_meta(map_location: Any) -> bool:
    """Whether everything goes to ``meta``, so that no values are needed."""
    if isinstance(map_location, device_type):
        return map_location.type == "meta"
    return isinstance(map_location, str) and map_location == "meta"


def mapped_device(device: Any, map_location: Any) -> Any:
    """The device of a tensor that is not rebuilt from a storage.

    Raises:
        RuntimeError: for a function, which needs a storage.
    """
    if map_location is None:
        return device
    if isinstance(map_location, dict):
        return map_location.get(device, device)
    if isinstance(map_location, (str, bytes)):
        return map_location
    if isinstance(map_location, device_type):
        return map_location
    raise RuntimeError(
        "Callable map_location not supported with _rebuild_wrapper_subclass or _rebuild_device_tensor_from_numpy"
    )


__all__ = [
    "default_restore_location", "is_meta", "location_tag", "mapped_device", "placed", "register_package", "restorer",
    "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip
