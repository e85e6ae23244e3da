"""What sparse tensors need of arrays: values looked up by key."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .registry import op
from .samples import Sample, array


def _distinct(keys, values):
    """The distinct keys in order, padded to the given length by the largest number; the sums of their values."""
    n = keys.shape[0]
    order = jnp.argsort(keys, stable=True)
    keys = keys[order]
    first = jnp.concatenate([jnp.zeros(min(n, 1), jnp.int64), (keys[1:] != keys[:-1]).astype(jnp.int64)])
    slot = jnp.cumsum(first)
    sums = jax.ops.segment_sum(values[order], slot, n, indices_are_sorted=True)
    top = np.iinfo(np.dtype(keys.dtype)).max
    return jnp.full(n, top, keys.dtype).at[slot].set(keys), sums


def _lookup_samples(rng, dtype):
    keys = np.array([4, 1, 4, 0])
    yield Sample((keys, array(rng, (4,), dtype), np.array([0, 4, 3])))
    yield Sample((keys, array(rng, (4, 2), dtype), np.array([1, 1])))


@op(
    "sparse_lookup(Tensor keys, Tensor values, Tensor wanted) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("values",), samples=_lookup_samples,
)  # fmt: skip
def sparse_lookup(keys, values, wanted):
    """For each wanted key the sum of the values that have it, 0 where none has; (n), (n, ...), (m) give (m, ...)."""
    if keys.shape[0] == 0:
        return jnp.zeros((*wanted.shape, *values.shape[1:]), values.dtype)
    known, sums = _distinct(keys, values)
    at = jnp.minimum(jnp.searchsorted(known, wanted), keys.shape[0] - 1)
    hit = (known[at] == wanted).reshape(wanted.shape + (1,) * (values.ndim - 1))
    return jnp.where(hit, sums[at], 0).astype(values.dtype)
