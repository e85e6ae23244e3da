"""``torch.Generator``, the default generators, seeding, and the whole random state of the process."""

from __future__ import annotations

import contextlib
import operator
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..engine.avals import Place
from ..random import CPUGenerator
from ..random.counter import CounterGenerator
from ..random.mt19937 import check_seed
from . import device as devices
from . import dtypes
from .public_type import PublicType
from .tensor import Tensor


class Generator(metaclass=PublicType):
    """A stream of random numbers for one device.

    On ``cpu``: PyTorch's own stream, bit for bit. On accelerators a counter-based one, whose state is
    (seed, offset); it is reproducible, but its values are not PyTorch's.

    Raises:
        RuntimeError: for a device without a generator (``meta``), or one that JAX has not.
    """

    def __init__(self, device: Any = None) -> None:
        place = devices.to_place("cpu" if device is None else device)
        if place.kind == "meta":
            raise RuntimeError("META device type not an accelerator.")
        self._place = place
        self._host: CPUGenerator | CounterGenerator
        self._host = CPUGenerator() if place.type == "cpu" else CounterGenerator(_DEFAULT_SEED)

    @property
    def device(self) -> devices.device:
        """The device whose tensors this generator fills."""
        return devices.from_place(self._place)

    def manual_seed(self, seed: int, /) -> Generator:
        """Restart the stream of ``seed``, an integer in [-2**63, 2**64); returns the generator."""
        self._host.manual_seed(check_seed(seed))
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy; returns the seed."""
        return self._host.seed()

    def initial_seed(self) -> int:
        """The seed of the current stream, in [0, 2**64)."""
        return self._host.initial_seed()

    def get_state(self) -> Tensor:
        """The state as a ByteTensor: 5056 bytes on the CPU (PyTorch's layout), 16 on accelerators."""
        return _bytes(self._host.get_state())

    def set_state(self, new_state: Tensor, /) -> Generator:
        """Continue from a state that :meth:`get_state` has given; returns the generator."""
        self._host.set_state(_state_array(new_state))
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues with the same numbers."""
        return Generator(self.device).set_state(self.get_state())

    def get_offset(self) -> int:
        """Position in the stream of an accelerator's generator."""
        return self._counter().offset

    def set_offset(self, offset: int, /) -> None:
        """Move to a position (a multiple of 4) in the stream of an accelerator's generator."""
        self._counter().set_offset(operator.index(offset))

    def graphsafe_get_state(self) -> Generator:
        """A generator that shares this one's state: numbers drawn by one move both on. Of accelerators only."""
        if not isinstance(self._host, CounterGenerator):
            raise NotImplementedError("graphsafe_get_state is not supported in this Generator")
        made = Generator(self.device)
        made._host = self._host
        return made

    def graphsafe_set_state(self, state: Generator) -> None:
        """Share another generator's state from now on. Of accelerators only."""
        if not isinstance(self._host, CounterGenerator) or not isinstance(state._host, CounterGenerator):
            raise NotImplementedError("graphsafe_set_state is not supported in this Generator")
        self._host = state._host

    def _counter(self) -> CounterGenerator:
        if not isinstance(self._host, CounterGenerator):
            raise RuntimeError("CPU Generator does not use offset")
        return self._host

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    def __reduce__(self) -> Any:
        offset = self._host.offset if isinstance(self._host, CounterGenerator) else None
        return Generator, (self.device,), (self.initial_seed(), offset, self.get_state())

    def __setstate__(self, state: tuple[int, int | None, Tensor]) -> None:
        self.set_state(state[2])


_DEFAULT_SEED = 67280421310721


def _bytes(array: np.ndarray[Any, Any]) -> Tensor:
    from .creation import on_place

    return on_place(array, devices.to_place("cpu"))


def _state_array(state: Any) -> np.ndarray[Any, Any]:
    if not isinstance(state, Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")
    if state.dtype is not dtypes.uint8:
        raise TypeError("RNG state must be a torch.ByteTensor")
    if not state.is_contiguous():
        raise RuntimeError("RNG state must be contiguous")
    return state._host_array()


# -- default generators ------------------------------------------------------------------------------------------------

default_generator = Generator()
"""The generator of every CPU draw that names none."""
default_generator.seed()

_lock = threading.Lock()
_accelerators: dict[Place, Generator] = {}
_accelerator_seed: int | None = None
"""Seed of the accelerators' generators that do not exist yet; None: from entropy."""


def default_generator_of(place: Place) -> Generator:
    """The default generator of a place."""
    if place.type == "cpu":
        return default_generator
    with _lock:
        found = _accelerators.get(place)
        if found is None:
            found = Generator(devices.from_place(place))
            if _accelerator_seed is None:
                found.seed()
            else:
                found.manual_seed(_accelerator_seed)
            _accelerators[place] = found
        return found


def seed_accelerators(seed: int, type: str | None = None) -> None:
    """Restart the default generators of all accelerators (of one device type)."""
    global _accelerator_seed
    seed = check_seed(seed)
    with _lock:
        if type is None:
            _accelerator_seed = seed
        for place, generator in _accelerators.items():
            if type is None or place.type == type:
                generator.manual_seed(seed)


def generator_for(given: Any, place: Place, function: str) -> Generator:
    """The generator a draw on ``place`` uses: the given one, checked, or the default.

    Raises:
        TypeError: for anything that is no generator. RuntimeError: for one of another device.
    """
    if given is None:
        return default_generator_of(place)
    if not isinstance(given, Generator):
        raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type(given).__name__}")
    if given._place.type != place.type:
        raise RuntimeError(f"Expected a '{place.type}' device type for generator but found '{given._place.type}'")
    return given


# -- torch.random ------------------------------------------------------------------------------------------------------


def manual_seed(seed: Any) -> Generator:
    """Restart the default generators of all devices at ``int(seed)``; returns the CPU's.

    Raises:
        ValueError: outside [-2**63, 2**64); negative seeds count from 2**64 downwards.
    """
    seed = check_seed(int(seed))
    seed_accelerators(seed)
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generators of all devices from the operating system's entropy; returns the seed."""
    chosen = default_generator.seed()
    seed_accelerators(chosen)
    return chosen


def initial_seed() -> int:
    """The seed of the CPU's default generator, in [0, 2**64)."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the CPU's default generator as a ByteTensor of 5056 bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the CPU's default generator from a state."""
    default_generator.set_state(new_state)


def thread_safe_generator() -> Generator | None:
    """The generator of the current data loading thread; None: loaders here have no such threads."""
    return None


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, _caller: str = "fork_rng", _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:  # fmt: skip
    """Restore the default generators of the CPU and of accelerators at the end of the block.

    Args:
        devices: accelerators (devices or indices) to restore; by default every one that has drawn numbers.
        enabled: False makes the block an ordinary one.
        device_type: device type of bare indices in ``devices``; by default ``cuda``.
    """
    from .device import device, to_place

    kind = device("cuda" if device_type is None else device_type).type
    if not enabled:
        yield
        return
    if devices is None:
        places = [p for p in _accelerators if device_type is None or p.type == kind]
    else:
        places = [to_place(device(kind, d) if isinstance(d, int) else device(d)) for d in devices]
    host = default_generator.get_state()
    held = [(generator, generator.get_state()) for generator in map(default_generator_of, places)]
    try:
        yield
    finally:
        default_generator.set_state(host)
        for generator, state in held:
            generator.set_state(state)


FUNCTIONS: dict[str, Any] = {
    "Generator": Generator, "default_generator": default_generator, "manual_seed": manual_seed, "seed": seed,
    "initial_seed": initial_seed, "get_rng_state": get_rng_state, "set_rng_state": set_rng_state,
}  # fmt: skip
"""What the ``torch`` namespace takes from here."""
