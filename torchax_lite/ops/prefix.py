"""Running combinations along a dim (sums, products, extrema): row by row on CPUs, as a tree elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Arrays = tuple[jax.Array, ...]

_LARGE = 1 << 14
"""Elements from which on the loop over rows pays for itself."""
_LANES = 64
"""Fewer neighbours than this are no row worth a step."""


def running(
    combine: Callable[[Arrays, Arrays], Arrays], identity: tuple[Any, ...], xs: Arrays, at: int, reverse: bool = False
) -> Arrays:
    """``combine`` (associative, the earlier operand first) of all elements up to each along a dim.

    ``identity`` has a number for each array. In reverse: of all elements from each on.
    """

    def tree(*xs: jax.Array) -> Arrays:
        return lax.associative_scan(combine, xs, axis=at, reverse=reverse)  # type: ignore[no-any-return]

    def rows(*xs: jax.Array) -> Arrays:
        moved = tuple(jnp.moveaxis(x, at, 0) for x in xs)
        moved = tuple(jnp.flip(x, 0) for x in moved) if reverse else moved
        done = _by_rows(combine, identity, tuple(x.reshape(x.shape[0], -1) for x in moved))
        back = tuple(d.reshape(x.shape) for d, x in zip(done, moved, strict=True))
        back = tuple(jnp.flip(x, 0) for x in back) if reverse else back
        return tuple(jnp.moveaxis(x, 0, at) for x in back)

    if xs[0].size < _LARGE or xs[0].shape[at] < _LANES:
        return tree(*xs)
    return lax.platform_dependent(*xs, cpu=rows, default=tree)  # type: ignore[no-any-return]


def _by_rows(combine: Callable[[Arrays, Arrays], Arrays], identity: tuple[Any, ...], xs: Arrays) -> Arrays:
    """Along dim 0 of matrices. Narrow ones are cut into blocks, whose rows are then wide."""
    n, lanes = xs[0].shape
    if lanes >= _LANES:
        first = tuple(jnp.full(lanes, i, x.dtype) for i, x in zip(identity, xs, strict=True))

        def step(total: Arrays, row: Arrays) -> tuple[Arrays, Arrays]:
            total = combine(total, row)
            return total, total

        return lax.scan(step, first, xs)[1]  # type: ignore[no-any-return]
    size = math.isqrt(n)
    blocks = -(-n // size)
    cut = []
    for i, x in zip(identity, xs, strict=True):
        padded = lax.pad(x, jnp.asarray(i, x.dtype), ((0, blocks * size - n, 0), (0, 0, 0)))
        cut.append(padded.reshape(blocks, size, lanes).swapaxes(0, 1).reshape(size, blocks * lanes))
    inside = _by_rows(combine, identity, tuple(cut))
    inside = tuple(x.reshape(size, blocks, lanes) for x in inside)
    totals = lax.associative_scan(combine, tuple(x[-1] for x in inside), axis=0)
    before = []
    for i, t in zip(identity, totals, strict=True):
        before.append(jnp.concatenate([jnp.full((1, lanes), i, t.dtype), t[:-1]]))
    whole = combine(tuple(jnp.broadcast_to(b, x.shape) for b, x in zip(before, inside, strict=True)), inside)
    return tuple(x.swapaxes(0, 1).reshape(blocks * size, lanes)[:n] for x in whole)
