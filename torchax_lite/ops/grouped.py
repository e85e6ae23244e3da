"""Products of groups: stretches of one dim of a matrix, each with a matrix of its own."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .registry import op
from .samples import Sample, array


def _sizes(offs, length: int):
    """Lengths of the groups that end at ``offs``."""
    ends = jnp.minimum(offs, length)
    return jnp.diff(ends, prepend=jnp.zeros(1, ends.dtype)).astype(jnp.int32)


def _samples(rng, dtype):
    offs = np.array([2, 5], np.int32)
    yield Sample((array(rng, (5, 4), dtype), array(rng, (2, 4, 3), dtype), offs))
    yield Sample((array(rng, (2, 3, 4), dtype), array(rng, (4, 5), dtype), offs))
    yield Sample((array(rng, (3, 5), dtype), array(rng, (5, 2), dtype), offs))


@op(
    "grouped_mm(Tensor a, Tensor b, Tensor offs) -> Tensor", method=False, out=False, namespaces=("_ops",),
    differentiable=("a", "b"), grad_name="GroupedMmBackward0", samples=_samples,
)  # fmt: skip
def grouped_mm(a, b, offs):
    """``a[start:end] @ b[g]`` for each group of rows of ``a``, of columns of ``b``, or of the dim that is summed over.

    (m, k), (g, k, n) give (m, n); (g, m, k), (k, n) give (m, n); (m, k), (k, n) give (g, m, n).
    """
    if a.ndim == 2 and b.ndim == 3:
        return jax.lax.ragged_dot(a, b, _sizes(offs, a.shape[0])).astype(a.dtype)
    if a.ndim == 3:
        turned = jax.lax.ragged_dot(b.T, a.transpose(0, 2, 1), _sizes(offs, b.shape[1]))
        return turned.T.astype(a.dtype)
    return _inner_groups(a, b, offs)


@jax.custom_vjp
def _inner_groups(a, b, offs):
    """(m, k), (k, n) give (g, m, n): JAX's product has no transpose where the groups lie in the dim summed over."""
    inner = (((1,), (0,)), ((), ()))
    dims = jax.lax.RaggedDotDimensionNumbers(inner, lhs_ragged_dimensions=[1], rhs_group_dimensions=[])
    return jax.lax.ragged_dot_general(a, b, _sizes(offs, a.shape[1]), dims).astype(a.dtype)


def _cotangents(ct, a, b, offs):
    """Of ``a`` and ``b``: grouped products too."""
    return grouped_mm.body(ct, jnp.swapaxes(b, -1, -2), offs), grouped_mm.body(jnp.swapaxes(a, -1, -2), ct, offs), None


_inner_groups.defvjp(
    lambda a, b, offs: (_inner_groups(a, b, offs), (a, b, offs)), lambda kept, ct: _cotangents(ct, *kept)
)


@grouped_mm.vjp
def _(ct, a, b, offs):
    return _cotangents(ct, a, b, offs)
