"""What a computation is surrounded by, kept for its second run: random states, autocast."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torchax_lite as torch

from ..tensor import op_interception
from ..tensor.generator import _accelerators, default_generator_of, fork_rng
from ..tensor.tensor import Tensor
from ._selective import (
    tensors_in,
)


class DefaultDeviceType:
    """The device type whose random state checkpointing preserves where no argument lies on an accelerator."""

    _default_device_type: str | None = None

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Choose it."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """The chosen one, else the accelerator that there is, else ``cpu``."""
        if DefaultDeviceType._default_device_type is None:
            found = torch.accelerator.current_accelerator()
            DefaultDeviceType._default_device_type = "cpu" if found is None else found.type
        return DefaultDeviceType._default_device_type


def map_tensors(value: Any, fn: Callable[[Tensor], Any]) -> Any:
    if isinstance(value, Tensor):
        return fn(value)
    if isinstance(value, (list, tuple)):
        items = [map_tensors(v, fn) for v in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return type(value)((k, map_tensors(v, fn)) for k, v in value.items())
    return value


def _device_type(*args: Any) -> str:
    """The type of the accelerator that the arguments lie on; with several, the first, and a warning."""
    types = sorted({t.device.type for t in tensors_in(args) if t.device.type not in ("cpu", "meta")})
    if len(types) > 1:
        warnings.warn(
            "Tensor arguments, excluding CPU tensors, are detected on at least two types of devices. Device state will "
            f"only be saved for devices of a single device type, and the remaining devices will be ignored. Device types: {types}",
            stacklevel=3,
        )
    return types[0] if types else DefaultDeviceType.get_device_type()


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """Indices of the accelerators that the arguments lie on, and the states of their generators."""
    devices = sorted(
        {(t.device.type, t.get_device()) for t in tensors_in(args) if t.device.type not in ("cpu", "meta")}
    )
    states = [default_generator_of(torch.engine.avals.place(kind, index)).get_state() for kind, index in devices]
    return [index for _, index in devices], states


def set_device_states(devices: Sequence[int], states: Sequence[Tensor], *, device_type: str | None = None) -> None:
    """Continue the generators of accelerators from states."""
    kind = device_type or DefaultDeviceType.get_device_type()
    if kind in ("cpu", "meta"):
        return
    for index, state in zip(devices, states, strict=True):
        default_generator_of(torch.engine.avals.place(kind, index)).set_state(state)


class Surroundings:
    """Random and autocast states at the start of a region, to be had again by the recomputation."""

    def __init__(self, preserve_rng_state: bool, args: Any) -> None:
        self.preserve = preserve_rng_state
        self.device_type = _device_type(*tensors_in(args))
        if preserve_rng_state:
            self.cpu_state = torch.get_rng_state()
            self.used = bool(_accelerators)
            self.devices, self.states = get_device_states(*tensors_in(args))
        self.autocast = [
            {
                "device_type": kind, "enabled": torch.is_autocast_enabled(kind), "dtype": torch.get_autocast_dtype(kind),
                "cache_enabled": torch.is_autocast_cache_enabled(),
            }
            for kind in dict.fromkeys((self.device_type, "cpu"))
        ] if _mixed_precision_in_use() else []  # fmt: skip

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """The states of the forward inside the block; the present ones after it."""
        with contextlib.ExitStack() as stack:
            if self.preserve:
                stack.enter_context(fork_rng())
                torch.set_rng_state(self.cpu_state)
                set_device_states(self.devices, self.states, device_type=self.device_type)
            if self.autocast or _mixed_precision_in_use():
                now = self.autocast or [{"device_type": "cpu", "enabled": False}]
                for options in now:
                    stack.enter_context(torch.amp.autocast(**options))
            yield


def _mixed_precision_in_use() -> bool:
    return op_interception.local.cast is not None
