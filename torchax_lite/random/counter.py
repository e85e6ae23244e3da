"""The accelerators' generator: a seed and an offset on the host, from which every draw gets a key of its own."""

import os
import threading

import numpy as np

from .mt19937 import check_seed

__all__ = ["CounterGenerator"]

_STEP = 4  # PyTorch's generators on accelerators advance in fours
_MASK = 2**64 - 1


def _mix(x: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, 2014): a bijection of 64 bits."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


class CounterGenerator:
    """Keys for a counter-based generator: ``key()`` is a function of (seed, offset) and advances the offset.

    The numbers themselves are made inside the compiled program, which takes the key as an input.
    """

    def __init__(self, seed: int) -> None:
        self.lock = threading.Lock()
        self._seed = check_seed(seed)
        self.offset = 0

    def manual_seed(self, seed: int) -> None:
        """Restart at offset 0 of ``seed``."""
        with self.lock:
            self._seed = check_seed(seed)
            self.offset = 0

    def seed(self) -> int:
        """Seed with 64 bits of the operating system's entropy and return them."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed of the current stream, in [0, 2**64)."""
        return self._seed

    def key(self) -> int:
        """The key of the next draw, as a signed 64-bit number."""
        with self.lock:
            key = _mix(_mix(self._seed) ^ self.offset)
            self.offset += _STEP
        return key - 2**64 if key >= 2**63 else key

    def set_offset(self, offset: int) -> None:
        """Continue at an offset, a multiple of 4."""
        if offset % _STEP:
            raise RuntimeError("offset must be a multiple of 4")
        with self.lock:
            self.offset = offset

    def get_state(self) -> np.ndarray:
        """Seed and offset as 16 bytes (uint8), little-endian."""
        with self.lock:
            return np.array([self._seed, self.offset], "<u8").view(np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Continue from a state that :meth:`get_state` has given; 8 bytes (a seed alone) start at offset 0."""
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size not in (8, 16):
            raise RuntimeError("RNG state is wrong size")
        words = np.frombuffer(state.tobytes(), "<u8")
        offset = int(words[1]) if len(words) == 2 else 0
        self.set_offset(offset)
        self._seed = int(words[0])
