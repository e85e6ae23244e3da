"""Merging two lists of coordinates that need not be sorted, as the sum of two uncoalesced tensors does."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Keys = np.ndarray[Any, Any]

_SHORT = 4096
"""Lists of fewer keys are merged in Python, without a compiled program."""


def merge_lists(x: Keys, y: Keys) -> tuple[Keys, Keys, int]:
    """Places of two lists of keys in what merging them gives, and its length.

    Always the smaller head goes on, equal heads together into one place.
    """
    if len(x) + len(y) < _SHORT:
        return _in_python(x.tolist(), y.tolist())
    ranks = np.unique(np.concatenate([x, y]), return_inverse=True)[1].reshape(-1)
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        slots = _compiled(_padded(ranks[: len(x)]), _padded(ranks[len(x) :]), np.int32(len(x)), np.int32(len(y)))
    slot_x, slot_y, n = (np.asarray(s).astype(np.int64) for s in slots)
    return slot_x[: len(x)], slot_y[: len(y)], int(n)


def _padded(ranks: Keys) -> Keys:
    """As int32, with one place or more to spare, of a length that few programs are compiled for."""
    wide = np.zeros(1 << int(len(ranks)).bit_length(), np.int32)
    wide[: len(ranks)] = ranks
    return wide


@jax.jit
def _compiled(x: jax.Array, y: jax.Array, count_x: jax.Array, count_y: jax.Array) -> tuple[jax.Array, ...]:
    """:func:`merge_lists` of the first ``count_x`` and ``count_y`` keys; what is not taken is written to the last place."""

    def take(state: Any) -> Any:
        i, j, n, slot_x, slot_y = state
        a, b = x[i], y[j]
        take_x = (i < count_x) & ((j >= count_y) | (a <= b))
        take_y = (j < count_y) & ((i >= count_x) | (b <= a))
        slot_x = slot_x.at[jnp.where(take_x, i, x.shape[0] - 1)].set(n)
        slot_y = slot_y.at[jnp.where(take_y, j, y.shape[0] - 1)].set(n)
        return i + take_x, j + take_y, n + 1, slot_x, slot_y

    zero = jnp.int32(0)
    start = (zero, zero, zero, jnp.zeros(x.shape, jnp.int32), jnp.zeros(y.shape, jnp.int32))
    _, _, n, slot_x, slot_y = lax.while_loop(lambda s: (s[0] < count_x) | (s[1] < count_y), take, start)
    return slot_x, slot_y, n


def _in_python(x: list[int], y: list[int]) -> tuple[Keys, Keys, int]:
    """:func:`merge_lists`, one place after the other."""
    slot_x, slot_y = np.zeros(len(x), np.int64), np.zeros(len(y), np.int64)
    i = j = n = 0
    while i < len(x) or j < len(y):
        take_x = j == len(y) or (i < len(x) and x[i] <= y[j])
        take_y = i == len(x) or (j < len(y) and y[j] <= x[i])
        if take_x:
            slot_x[i], i = n, i + 1
        if take_y:
            slot_y[j], j = n, j + 1
        n += 1
    return slot_x, slot_y, n
