"""The CPU generator: MT19937 words, the cached normal sample, and PyTorch's 5056-byte state."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["DEFAULT_SEED", "CPUGenerator", "check_seed"]

DEFAULT_SEED = 67280421310721
_BLOCK = 624  # words in one state of the engine
_FEW = 2048  # below this many words the call overhead decides

_STATE = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "words", "normal", "normal_valid"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _BLOCK), "<f8", "<i4"],
        # normal_x and normal_rho around the cached normal, and a float32 cache after it, are always zero
        "offsets": [0, 8, 12, 16, 24, 5024, 5040],
        "itemsize": 5056,
    }
)


def check_seed(seed: Any) -> int:
    """``seed`` modulo 2**64, for a Python integer in [-2**63, 2**64).

    Raises ``RuntimeError`` for any other type and ``ValueError`` outside that range.
    """
    if isinstance(seed, np.integer):
        raise TypeError("an integer is required")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
    if not -(2**63) <= seed < 2**64:
        raise ValueError("Overflow when unpacking long long")
    return seed & (2**64 - 1)


class CPUGenerator:
    """PyTorch's CPU random number generator: the same words for the same seed, in the same order.

    The engine is MT19937; only the low 32 bits of the seed enter it. ``next_normal`` holds the second sample of
    the last scalar Box-Muller pair until it is used; seeding clears it. A fill holds :attr:`lock` while it draws,
    so fills from several threads do not interleave.
    """

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.lock = threading.RLock()
        self.next_normal: float | None = None
        self._bits = np.random.MT19937(0)
        self._engine = np.random.RandomState(self._bits)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> "CPUGenerator":
        """Restart the stream of ``seed`` and return the generator."""
        seed = check_seed(seed)
        with self.lock:
            self._seed = seed
            self._engine.seed(seed & 0xFFFFFFFF)
            self._fresh = True
            self.next_normal = None
        return self

    def seed(self) -> int:
        """Seed with 64 bits of the operating system's entropy and return them."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed of the current stream, in [0, 2**64)."""
        return self._seed

    # Words

    def words32(self, n: int) -> np.ndarray:
        """The next ``n`` 32-bit words, as uint32."""
        if n == 0:
            return np.empty(0, np.uint32)
        with self.lock:
            self._fresh = False
            if n < _FEW:
                return self._bits.random_raw(n).astype(np.uint32)
            return self._engine.randint(0, 2**32, size=n, dtype=np.uint32)

    def words64(self, n: int) -> np.ndarray:
        """The next ``n`` 64-bit words, as uint64: each is two 32-bit words, the high half first."""
        pairs = self.words32(2 * n).astype("<u4", copy=False).view("<u8").astype(np.uint64, copy=False)
        swapped = pairs >> np.uint64(32)
        pairs <<= np.uint64(32)
        pairs |= swapped
        return pairs

    def doubles(self, n: int) -> np.ndarray:
        """The next ``n`` float64 uniforms in [0, 1), multiples of 2**-53: two words each."""
        words = self.words64(n)
        words &= np.uint64(2**53 - 1)
        return words * 2.0**-53

    @contextmanager
    def stream_of_doubles(self, expected: int) -> Iterator[Iterator[float]]:
        """An endless iterator of float64 uniforms for samplers that take a varying number of them.

        Words are drawn ahead in batches (the first for ``expected`` uniforms); on exit the generator stands right
        after the last uniform taken.
        """
        with self.lock:
            before, fresh = self._bits.state, self._fresh
            taken = 0

            def stream() -> Iterator[float]:
                nonlocal taken
                size = max(16, expected)
                while True:
                    for value in self.doubles(size).tolist():
                        taken += 1
                        yield value

            try:
                yield stream()
            finally:
                self._bits.state, self._fresh = before, fresh
                while taken:
                    part = min(taken, 2**20)
                    self.words32(2 * part)
                    taken -= part

    # State

    def get_state(self) -> np.ndarray:
        """The whole state as 5056 bytes (uint8), in PyTorch's layout."""
        blob = np.zeros((), _STATE)
        with self.lock:
            engine = self._bits.state["state"]
            position = int(engine["pos"])
            blob["seed"] = self._seed
            blob["seeded"] = 1
            blob["left"] = _BLOCK + 1 - position
            blob["next"] = 0 if self._fresh else position
            blob["words"] = engine["key"]
            if self.next_normal is not None:
                blob["normal"] = self.next_normal
                blob["normal_valid"] = 1
        return np.frombuffer(blob.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> "CPUGenerator":
        """Continue from a state that :meth:`get_state`, here or in PyTorch, has given; returns the generator."""
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if not state.flags.c_contiguous:
            raise RuntimeError("RNG state must be contiguous")
        if state.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} but found the input RNG state size "
                f"to be {state.size}"
            )
        blob = np.frombuffer(state.tobytes(), _STATE)[0]
        left, following = int(blob["left"]), int(blob["next"])
        # the last condition is ours: PyTorch would read beyond its block
        consistent = following == _BLOCK + 1 - left or left == 1
        if not blob["seeded"] or not 0 < left <= _BLOCK or following > _BLOCK or not consistent:
            raise RuntimeError("Invalid mt19937 state")
        with self.lock:
            self._bits.state = {
                "bit_generator": "MT19937",
                "state": {"key": blob["words"].astype(np.uint32), "pos": _BLOCK + 1 - left},
            }
            self._seed = int(blob["seed"])
            self._fresh = left == 1 and following == 0
            self.next_normal = float(blob["normal"]) if blob["normal_valid"] else None
        return self

    def clone_state(self) -> "CPUGenerator":
        """A new generator that continues with the same numbers."""
        return CPUGenerator().set_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.get_state().tobytes(),)


def _restore(state: bytes) -> CPUGenerator:
    return CPUGenerator().set_state(np.frombuffer(state, np.uint8))
