"""``torch.quasirandom``: Sobol' sequences, scrambled ones with PyTorch's random numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

import torchax_lite as torch

__all__ = ["SobolEngine"]

_BITS = 30


@lru_cache(maxsize=1)
def _table() -> tuple[Any, Any]:
    """Joe and Kuo's primitive polynomials and initial direction numbers, as SciPy (that JAX brings along) ships them."""
    from importlib.resources import files

    with files("scipy.stats").joinpath("_sobol_direction_numbers.npz").open("rb") as f, np.load(f) as stored:
        return stored["poly"].astype(np.int64), stored["vinit"].astype(np.int64)


def _directions(dimension: int) -> np.ndarray[Any, Any]:
    """Direction numbers (dimension, 30), scaled to 30 bits."""
    polynomials, initial = (x[:dimension] for x in _table())
    v = np.zeros((dimension, _BITS), np.int64)
    v[0] = 1
    degrees = np.array([int(p).bit_length() - 1 for p in polynomials])
    for degree in sorted(set(degrees[1:].tolist())):
        at = np.flatnonzero(degrees == degree)
        at = at[at > 0]
        v[at, :degree] = initial[at, :degree]
        for j in range(degree, _BITS):
            new = v[at, j - degree].copy()
            for k in range(degree):
                tap = (polynomials[at] >> (degree - 1 - k)) & 1
                new ^= tap * (v[at, j - k - 1] << (k + 1))
            v[at, j] = new
    return v << np.arange(_BITS - 1, -1, -1)


class SobolEngine:
    """A sequence of points that fill the unit cube evenly, one after another, in up to 21,201 dimensions.

    Args:
        dimension: of the points.
        scramble: apply a random linear scramble and digital shift.
        seed: of the scramble; the global generator's state where not given.

    Raises:
        ValueError: a dimension out of range.
    """

    MAXBIT = _BITS
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.seed = seed
        self.scramble = scramble
        self.dimension = dimension
        self._state = _directions(dimension)
        self.sobolstate = torch.from_numpy(self._state)
        self.shift = torch.zeros(dimension, dtype=torch.long)
        if scramble:
            self._scramble()
        self.quasi = self.shift.clone()
        self._first_point = (self.quasi / 2**_BITS).reshape(1, -1)
        self.num_generated = 0

    def _scramble(self) -> None:
        generator: Any = None
        if self.seed is not None:
            generator = torch.Generator()
            generator.manual_seed(self.seed)
        shift = torch.randint(2, (self.dimension, _BITS), generator=generator)
        self.shift = torch.mv(shift, torch.pow(2, torch.arange(0, _BITS)))
        lower = torch.randint(2, (self.dimension, _BITS, _BITS), generator=generator).tril().numpy().astype(np.int64)
        lower[:, np.arange(_BITS), np.arange(_BITS)] = 1
        rows = lower @ (1 << np.arange(_BITS - 1, -1, -1, dtype=np.int64))
        scrambled = np.zeros_like(self._state)
        for p in range(_BITS):
            common = rows[:, p, None] & self._state
            for half in (16, 8, 4, 2, 1):
                common ^= common >> half
            scrambled |= (common & 1) << (_BITS - 1 - p)
        self._state = scrambled
        self.sobolstate = torch.from_numpy(self._state)

    def _advance(self, start: int, n: int) -> np.ndarray[Any, Any]:
        """The n states that follow (n, dimension), from the change number ``start`` on."""
        counts = np.arange(start, start + n, dtype=np.int64)
        changed = np.log2(~counts & (counts + 1)).astype(np.int64)
        steps = self._state.T[changed]
        steps[0] ^= self.quasi.numpy()
        return np.bitwise_xor.accumulate(steps, axis=0)

    def draw(self, n: int = 1, out: torch.Tensor | None = None, dtype: torch.dtype | None = None) -> torch.Tensor:
        """The next n points, (n, dimension)."""
        dtype = torch.get_default_dtype() if dtype is None else dtype
        parts = []
        if self.num_generated == 0 and n > 0:
            parts.append(self._first_point.to(dtype))
        more = n - len(parts)
        if more > 0:
            states = self._advance(max(self.num_generated - 1, 0), more)
            parts.append(torch.from_numpy(states).to(dtype) * 2.0**-_BITS)
            self.quasi = torch.from_numpy(states[-1].copy())
        self.num_generated += n
        result = torch.cat(parts) if parts else torch.empty(0, self.dimension, dtype=dtype)
        if out is not None:
            out.resize_(result.shape).copy_(result)
            return out
        return result

    def draw_base2(self, m: int, out: torch.Tensor | None = None, dtype: torch.dtype | None = None) -> torch.Tensor:
        """The next ``2**m`` points; the number of all points drawn must stay a power of 2.

        Raises:
            ValueError: it does not.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}={total}. "
                "If you still want to do this, please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n=n, out=out, dtype=dtype)

    def reset(self) -> SobolEngine:
        """Begin again with the first point."""
        self.quasi = self.shift.clone()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out n points."""
        start = max(self.num_generated - 1, 0)
        steps = n - 1 if self.num_generated == 0 else n
        if steps > 0:
            before, after = start ^ (start >> 1), (start + steps) ^ ((start + steps) >> 1)
            change = before ^ after
            state = self.quasi.numpy().copy()
            for bit in range(_BITS):
                if change >> bit & 1:
                    state ^= self._state[:, bit]
            self.quasi = torch.from_numpy(state)
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        parts = [f"dimension={self.dimension}"]
        if self.scramble:
            parts.append("scramble=True")
        if self.seed is not None:
            parts.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(parts)})"
