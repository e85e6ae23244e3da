"""Pinning of every tensor in a batch."""

from __future__ import annotations

import collections.abc
import copy
import queue
from typing import Any

import torchax_lite as torch
from torchax_lite._utils import ExceptionWrapper

_INTERVAL = 5.0
"""Seconds after which the pinning thread looks whether it should end."""


def pin_memory(data: Any, device: str | None = None) -> Any:
    """Return ``data`` with each tensor in it pinned; containers keep their kind, other objects may have a method.

    Args:
        data: a tensor, a mapping, a (named) tuple, a sequence, or an object with ``pin_memory()``.
        device: passed on to the tensors' ``pin_memory``.
    """
    if isinstance(data, torch.Tensor):
        return data.pin_memory() if device is None else data.pin_memory(device)
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, str | bytes):
        return data
    if isinstance(data, collections.abc.Mapping):
        return _same_kind(data, {key: pin_memory(value, device) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(value, device) for value in data))
    if isinstance(data, tuple):
        return [pin_memory(value, device) for value in data]
    if isinstance(data, collections.abc.Sequence):
        return _same_kind(data, [pin_memory(value, device) for value in data])
    return data


def _pin_memory_loop(in_queue: Any, out_queue: Any, device_id: Any, done_event: Any, device: Any) -> None:
    """Take ``(index, data)`` from a queue of a loader's workers, pin the data, and pass both on, until the event is set.

    Args:
        device_id: the number of the device.
        device: what ``pin_memory`` is told; None for the accelerator.
    """
    torch.set_num_threads(1)
    while not done_event.is_set():
        try:
            answer = in_queue.get(timeout=_INTERVAL)
        except queue.Empty:
            continue
        index, data = answer
        if not isinstance(data, ExceptionWrapper):
            try:
                data = pin_memory(data, device)
            except Exception:
                data = ExceptionWrapper(where=f"in pin memory thread for device {device_id}")
        while not done_event.is_set():
            try:
                out_queue.put((index, data), timeout=_INTERVAL)
                break
            except queue.Full:
                continue
        del answer, data


def _same_kind(container: Any, items: Any) -> Any:
    """Return ``items`` (a dict or a list) in a container like ``container``, as they are where that fails.

    A mutable container is copied, so that attributes of its own stay; others are built by their class.
    """
    try:
        if isinstance(container, collections.abc.MutableMapping):
            clone = copy.copy(container)
            clone.update(items)
            return clone
        if isinstance(container, collections.abc.MutableSequence):
            clone = copy.copy(container)  # type: ignore[assignment]
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(container)(items)
    except TypeError:
        return items
