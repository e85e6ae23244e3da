"""Seeds and states of the GPUs' default generators."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ..engine.avals import place
from ..random.mt19937 import check_seed
from ..tensor import generator as generators
from ..tensor.device import device as torch_device
from ..tensor.generator import Generator
from ..tensor.tensor import Tensor
from .devices import current_device, device_count, index_of, init, is_available


def _generator(device: Any) -> Generator:
    given = None if isinstance(device, (str, torch_device)) and torch_device(device).index is None else device
    return generators.default_generator_of(place("cuda", index_of(given)))


def default_generators() -> tuple[Generator, ...]:
    """The default generator of each GPU."""
    return tuple(_generator(i) for i in range(device_count()))


def manual_seed(seed: Any) -> None:
    """Restart the current GPU's default generator at ``int(seed)``; nothing happens without a GPU."""
    seed = check_seed(int(seed))
    if is_available():
        _generator(current_device()).manual_seed(seed)


def manual_seed_all(seed: Any) -> None:
    """Restart the default generators of all GPUs at ``int(seed)``; nothing happens without a GPU."""
    seed = check_seed(int(seed))
    for generator in default_generators():
        generator.manual_seed(seed)


def seed() -> None:
    """Seed the current GPU's default generator from the operating system's entropy."""
    if is_available():
        _generator(current_device()).seed()


def seed_all() -> None:
    """Seed the default generators of all GPUs with one number from the operating system's entropy."""
    manual_seed_all(int.from_bytes(os.urandom(8), "little"))


def initial_seed() -> int:
    """The seed of the current GPU's default generator."""
    init()
    return _generator(current_device()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """State of a GPU's default generator as a ByteTensor of 16 bytes: seed and offset."""
    init()
    return _generator(device).get_state()


def get_rng_state_all() -> list[Tensor]:
    """States of all GPUs' default generators."""
    return [g.get_state() for g in default_generators()]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Continue a GPU's default generator from a state; nothing happens without a GPU."""
    if is_available():
        _generator(device).set_state(new_state)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Continue all GPUs' default generators from states."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)
