"""Reductions of runs of a tensor, and hashes of its bits."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import canonical_dims, display_name, reduced_shape
from .registry import op
from .samples import T, cases

_IDENTITY = {
    "sum": 0.0,
    "mean": 0.0,
    "prod": 1.0,
    "max": -math.inf,
    "amax": -math.inf,
    "min": math.inf,
    "amin": math.inf,
}


def _segment_ids(lengths: Any, size: int) -> Any:
    """Number of the run that each position belongs to; the number of runs for what lies behind them."""
    ends = jnp.minimum(jnp.cumsum(lengths, -1), size)

    def row(ends: Any) -> Any:
        return jnp.cumsum(jnp.zeros(size + 1, jnp.int64).at[ends].add(1)[:size])

    return _batched(row, lengths.ndim - 1)(ends)


def _by_segment(data: Any, ids: Any, count: int, kind: str) -> Any:
    """Reduction of (n, ...) by run."""
    fn = {
        "sum": jax.ops.segment_sum,
        "prod": jax.ops.segment_prod,
        "max": jax.ops.segment_max,
        "min": jax.ops.segment_min,
    }
    return fn[kind](data, ids, num_segments=count)


def _batched(fn: Any, times: int) -> Any:
    for _ in range(times):
        fn = jax.vmap(fn)
    return fn


@op(
    "_segment_reduce(Tensor data, Tensor lengths, *, str reduce, int axis=0, Scalar? initial=None) -> Tensor",
    method=False, namespaces=("_ops",), out=False, differentiable=("data",), grad_name="SegmentReduceBackward0",
    samples=cases(
        (T((6, 2)), np.array([2, 0, 4]), {"reduce": "sum"}), (T((6,)), np.array([2, 4]), {"reduce": "max"}),
        (T((2, 3)), np.array([[1, 2], [3, 0]]), {"reduce": "mean", "axis": 1, "initial": 1.0}),
        (T((6,)), np.array([2, 4]), {"reduce": "prod"}),
    ),
)  # fmt: skip
def segment_reduce(data, lengths, reduce, axis, initial):
    """Runs of ``lengths`` along ``axis`` reduced to one element each."""
    count = lengths.shape[-1]
    ids = _segment_ids(lengths, data.shape[axis])
    kind = {"mean": "sum", "amax": "max", "amin": "min"}.get(reduce, reduce)
    value = _batched(lambda d, i: _by_segment(d, i, count, kind), axis)(data, ids)
    sizes = lengths.reshape(*lengths.shape, *(1,) * (data.ndim - axis - 1))
    start = jnp.asarray(_IDENTITY[reduce], data.dtype) if initial is None else initial.astype(data.dtype)
    value = jnp.where(sizes == 0, start, _joined(value, start, kind))
    if reduce == "mean":
        value = jnp.where(
            sizes == 0, jnp.nan if initial is None else start, value / jnp.maximum(sizes, 1).astype(data.dtype)
        )
    return value.astype(data.dtype)


def _joined(value: Any, start: Any, kind: str) -> Any:
    return {"sum": jnp.add, "prod": jnp.multiply, "max": jnp.maximum, "min": jnp.minimum}[kind](value, start)


@segment_reduce.vjp
def _(ct, data, lengths, result, reduce, axis, initial):
    count = lengths.shape[-1]
    ids = _segment_ids(lengths, data.shape[axis])

    def one(g: Any, x: Any, i: Any, n: Any, r: Any) -> Any:
        inside = (i < count).reshape(-1, *(1,) * (x.ndim - 1))
        at = jnp.minimum(i, count - 1)
        spread = jnp.where(inside, g[at], 0)
        if reduce == "sum":
            return spread
        if reduce == "mean":
            return spread / jnp.maximum(n[at], 1).reshape(inside.shape).astype(x.dtype)
        if reduce == "prod":
            zero = x == 0
            zeros = jax.ops.segment_sum(zero.astype(jnp.int32), i, num_segments=count)[at]
            rest = jax.ops.segment_prod(jnp.where(zero, 1, x), i, num_segments=count)[at]
            rest = rest if initial is None else rest * initial.astype(x.dtype)
            others = jnp.where(
                zero, jnp.where(zeros == 1, rest, 0), jnp.where(zeros == 0, r[at] / jnp.where(zero, 1, x), 0)
            )
            return spread * others
        hit = inside & ((x == r[at]) | (jnp.isnan(x) & jnp.isnan(r[at])))
        ties = jax.ops.segment_sum(hit.astype(x.dtype), i, num_segments=count)[at]
        return jnp.where(hit, spread / jnp.maximum(ties, 1), 0)

    return _batched(one, axis)(ct, data, ids, lengths, result), None


@op(
    "hash_tensor(Tensor self, int[] dim=(), *, bool keepdim=False, int mode=0) -> Tensor",
    differentiable=False, samples=cases((T((2, 3)),), (T((2, 3)), 1), (T((2, 3, 4)), (0, 2), {"keepdim": True})),
)  # fmt: skip
def hash_tensor(self, dim, keepdim, mode):
    """Exclusive or of the bits of the elements, as 64-bit floats or integers, over ``dim`` (all)."""
    wide = self.astype(jnp.float64 if jnp.issubdtype(self.dtype, jnp.floating) else jnp.int64)
    bits = wide if self.dtype == jnp.uint64 else lax.bitcast_convert_type(wide, jnp.uint64)
    dims = canonical_dims(dim, self.ndim)
    out = lax.reduce(bits, np.uint64(0), lax.bitwise_xor, dims)
    return out.reshape(reduced_shape(self.shape, dims, keepdim))


@hash_tensor.check
def _(self, dim, keepdim, mode):
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    if np.dtype(self.dtype).kind == "c":
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{display_name(self.dtype)}'")
    if not self.size and not dim:
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        )
