"""Test inputs for declared ops: generators of (args, kwargs) made of NumPy arrays, numbers and static values.

Every factory returns a function ``samples(rng, dtype) -> iterator`` of :class:`Sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (5,), (2, 3), (2, 1, 4))


@dataclass
class Sample:
    """One call: positional and keyword arguments (NumPy arrays stand for tensors)."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


Samples = Callable[[np.random.Generator, Any], Iterator[Sample]]


def array(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, low: float = -2.0, high: float = 2.0) -> Any:
    """Random array of a dtype; integers from the whole numbers in [low, high]."""
    dtype = np.dtype(dtype)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        low = max(low, 0) if dtype.kind == "u" else low
        first = int(np.ceil(low))
        return rng.integers(first, max(int(np.floor(high)), first) + 1, shape).astype(dtype)
    values = rng.uniform(low, high, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.uniform(low, high, shape)
    return np.asarray(values).astype(dtype)


def unary(low: float = -2.0, high: float = 2.0, **kwargs: Any) -> Samples:
    """One tensor with values in [low, high], several shapes."""

    def samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        for shape in SHAPES:
            yield Sample((array(rng, shape, dtype, low, high),), dict(kwargs))

    return samples


def binary(low: float = -2.0, high: float = 2.0, *, scalar: bool = True, **kwargs: Any) -> Samples:
    """Two tensors: same shape, broadcast both ways, 0-dim, and a Python number on the right (``scalar``)."""
    pairs = [((), ()), ((3,), ()), ((2, 3), (2, 3)), ((2, 1), (3,)), ((0,), (0,)), ((4, 1, 2), (3, 1))]

    def samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        for a, b in pairs:
            yield Sample((array(rng, a, dtype, low, high), array(rng, b, dtype, low, high)), dict(kwargs))
        if scalar:
            yield Sample((array(rng, (3,), dtype, low, high), array(rng, (), dtype, low, high).item()), dict(kwargs))

    return samples


def ternary(low: float = -2.0, high: float = 2.0, **kwargs: Any) -> Samples:
    """Three broadcasting tensors."""
    triples = [((), (), ()), ((2, 3), (2, 3), (2, 3)), ((2, 1), (3,), ()), ((3,), (2, 1), (1, 3))]

    def samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        for shapes in triples:
            yield Sample(tuple(array(rng, s, dtype, low, high) for s in shapes), dict(kwargs))

    return samples


def reduction(low: float = -2.0, high: float = 2.0, *, dims: bool = True, multi: bool = True) -> Samples:
    """One tensor reduced over everything, one dim, negative dims, several dims, with and without keepdim."""

    def samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        yield Sample((array(rng, (2, 3, 4), dtype, low, high),))
        yield Sample((array(rng, (), dtype, low, high),))
        if dims:
            for dim in (0, -1, 1):
                for keepdim in (False, True):
                    yield Sample((array(rng, (2, 3, 4), dtype, low, high), dim), {"keepdim": keepdim})
        if multi:
            yield Sample((array(rng, (2, 3, 4), dtype, low, high), (0, 2)))

    return samples


def cases(*shapes_and_args: tuple[Any, ...]) -> Samples:
    """Explicit calls: a tuple of ints stands for a random tensor of that shape when wrapped in :class:`T`."""

    def samples(rng: np.random.Generator, dtype: Any) -> Iterator[Sample]:
        for entry in shapes_and_args:
            kwargs = entry[-1] if entry and isinstance(entry[-1], dict) else {}
            args = entry[:-1] if kwargs is entry[-1] else entry

            def make(a: Any) -> Any:
                if isinstance(a, T):
                    return array(rng, a.shape, a.dtype or dtype, a.low, a.high)
                if isinstance(a, list):
                    return [make(x) for x in a]
                return a

            yield Sample(tuple(make(a) for a in args), {k: make(v) for k, v in kwargs.items()})

    return samples


@dataclass
class T:
    """A random tensor argument in :func:`cases`."""

    shape: tuple[int, ...]
    dtype: Any = None
    low: float = -2.0
    high: float = 2.0
