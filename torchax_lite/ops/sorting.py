"""Order: sort, argsort, topk, searchsorted, bucketize, isin, histograms. NaN counts as larger than every number."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .common import canonical_dim, display_name, is_bool, number_kind, refuse
from .registry import ALL, ArraySpec, op
from .samples import T, cases


def sort_along(x: jax.Array, dim: int, descending: bool) -> tuple[jax.Array, jax.Array]:
    """Values in order along a dim, and where each came from; equal elements keep their order."""
    if x.ndim == 0:
        return x, jnp.zeros((), jnp.int64)
    at = canonical_dim(dim, x.ndim)
    order = jax.lax.broadcasted_iota(jnp.int64, x.shape, at)
    if not descending:
        values, indices = jax.lax.sort((x, order), dimension=at, num_keys=1, is_stable=True)
        return values, indices
    # Stable and descending: sort the reversed sequence ascending, then reverse the result.
    values, indices = jax.lax.sort((jnp.flip(x, at), jnp.flip(order, at)), dimension=at, num_keys=1, is_stable=True)
    return jnp.flip(values, at), jnp.flip(indices, at)


def scatter_flow(ct: jax.Array, indices: jax.Array, shape: tuple[int, ...], dim: int) -> jax.Array:
    """Zeros of ``shape`` with ``ct`` put at distinct ``indices`` along a dim."""
    if not shape:
        return ct.reshape(())
    return jnp.put_along_axis(
        jnp.zeros(shape, ct.dtype), indices, ct, axis=canonical_dim(dim, len(shape)), inplace=False,
        mode="promise_in_bounds",
    )  # fmt: skip


@op(
    "sort(Tensor self, int dim=-1, bool descending=False, *, bool? stable=None) -> (Tensor values, Tensor indices)",
    grad_name=lambda self, dim, descending, stable: f"SortBackward{0 if stable is None else 1}",
    samples=cases((T((2, 5)),), (T((5, 3)), 0, True), (T((4,)), {"stable": True}), (T(()),), (T((0,)),)),
)  # fmt: skip
def sort(self, dim, descending, stable):
    """Values in order along ``dim`` and their old positions (always stable)."""
    return sort_along(self, dim, descending)


@sort.vjp
def _(ct, results, dim):
    return scatter_flow(ct, results[1], ct.shape, dim)


@sort.check
def _(self, dim, descending, stable):
    _check_sortable(self, dim)


def _check_sortable(self: Any, dim: int) -> None:
    canonical_dim(dim, self.ndim)
    if np.dtype(self.dtype).kind == "c":
        raise RuntimeError(" Sort does not support complex dtypes on CPU")


@op(
    "argsort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> Tensor", differentiable=False,
    samples=cases((T((2, 5)),), (T((5, 3)), 0, True), (T((4,)), {"stable": True}), (T(()),)),
)  # fmt: skip
def argsort(self, dim, descending, stable):
    """Positions that put ``dim`` in order (always stable)."""
    return sort_along(self, dim, descending)[1]


@argsort.check
def _(self, dim, descending, stable):
    _check_sortable(self, dim)


@op("msort(Tensor self) -> Tensor", grad_name="SortBackward0", samples=cases((T((5, 2)),), (T((4,)),)))
def msort(self):
    """Values in order along dim 0."""
    return sort_along(self, 0, False)[0]


@msort.check
def _(self):
    _check_sortable(self, 0)


@msort.vjp
def _(ct, self):
    return scatter_flow(ct, sort_along(self, 0, False)[1], ct.shape, 0)


@op(
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)",
    samples=cases((T((2, 5)), 2), (T((5, 3)), 3, 0, False), (T((4,)), 4), (T(()), 1), (T((5,)), 0)),
)  # fmt: skip
def topk(self, k, dim, largest, sorted):
    """The ``k`` largest (smallest) elements along ``dim``, best first, and where they are."""
    if self.ndim == 0:
        return (self, jnp.zeros((), jnp.int64)) if k else (self.reshape(1)[:0], jnp.zeros(0, jnp.int64))
    at = canonical_dim(dim, self.ndim)
    if not largest or k > self.shape[at] // 2:
        values, indices = sort_along(self, at, largest)
        return jax.lax.slice_in_dim(values, 0, k, axis=at), jax.lax.slice_in_dim(indices, 0, k, axis=at)
    values, indices = jax.lax.top_k(jnp.moveaxis(self, at, -1), k)
    return jnp.moveaxis(values, -1, at), jnp.moveaxis(indices, -1, at).astype(jnp.int64)


@topk.vjp
def _(ct, results, dim, self_shape):
    return scatter_flow(ct, results[1], self_shape, dim)


@topk.check
def _(self, k, dim, largest, sorted):
    at = canonical_dim(dim, self.ndim)
    if not 0 <= k <= (self.shape[at] if self.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if is_bool(self):
        raise RuntimeError("topk does not support bool dtypes on CPU")
    if np.dtype(self.dtype).kind == "c":
        raise RuntimeError(" topk does not support complex dtypes on CPU")


# ---------------------------------------------------------------- search in sorted sequences


def _search(sorted_sequence: jax.Array, values: jax.Array, right: bool) -> jax.Array:
    """Insertion points, row by row where the sequences have leading dims."""
    side = "right" if right else "left"

    def row(sequence: jax.Array, queries: jax.Array) -> jax.Array:
        return jnp.searchsorted(sequence, queries, side=side)

    if sorted_sequence.ndim == 1:
        return row(sorted_sequence, values)
    lead = sorted_sequence.shape[:-1]
    if 0 in values.shape:
        return jnp.zeros(values.shape, jnp.int64)
    flat = jax.vmap(row)(
        sorted_sequence.reshape(-1, sorted_sequence.shape[-1]), values.reshape(int(np.prod(lead)), values.shape[-1])
    )
    return flat.reshape(values.shape)


@op(
    "searchsorted(Tensor sorted_sequence, Tensor|Scalar input, *, bool out_int32=False, bool right=False,"
    " str? side=None, Tensor? sorter=None) -> Tensor",
    method=False, differentiable=False,
    samples=cases((np.array([1.0, 2.0, 3.0], np.float32), T((2, 3), np.float32, low=0.0, high=4.0)),
                  (np.array([1, 2, 2, 3]), T((4,), np.int64, low=0, high=4), {"right": True}),
                  (np.array([[1, 2, 3], [2, 2, 4]]), T((2, 2), np.int64, low=0, high=4), {"side": "right"}),
                  (np.array([3, 1, 2]), 2, {"sorter": np.array([1, 2, 0]), "out_int32": True})),
)  # fmt: skip
def searchsorted(sorted_sequence, input, out_int32, right, side, sorter):
    """Where each value goes in the (last dim of the) sorted sequence: before equals, or after with ``right``."""
    if sorter is not None:
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, axis=-1)
    found = _search(sorted_sequence, jnp.asarray(input), side == "right" if side is not None else right)
    return found.astype(jnp.int32 if out_int32 else jnp.int64)


@searchsorted.check
def _(sorted_sequence, input, out_int32, right, side, sorter):
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    if sorter is not None and sorter.shape != sorted_sequence.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sorted_sequence.shape)} and got sorter tensor {list(sorter.shape)}"
        )
    if sorter is not None and sorter.dtype != np.int64:
        raise RuntimeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype " + display_name(sorter.dtype)
        )
    if isinstance(input, ArraySpec):
        if input.dtype != sorted_sequence.dtype:
            raise RuntimeError(
                "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, but got boundary "
                f"tensor dtype {display_name(sorted_sequence.dtype)} and input value tensor dtype "
                f"{display_name(input.dtype)}"
            )
        if sorted_sequence.ndim != 1 and sorted_sequence.shape[:-1] != input.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                "boundaries tensor and input value tensor must match, but we got boundaries tensor "
                f"{list(sorted_sequence.shape)} and input value tensor {list(input.shape)}"
            )
    elif sorted_sequence.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({sorted_sequence.ndim}) and input value's dim(0) numel(1)"
        )


@op(
    "bucketize(Tensor|Scalar input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
    method=False, differentiable=False,
    samples=cases(
        (T((2, 3), np.float32, low=0.0, high=4.0), np.array([1.0, 2.0, 3.0], np.float32)),
        (T((4,), np.int64, low=0, high=4), np.array([1, 2, 3]), {"right": True, "out_int32": True}),
        (2, np.array([1, 2, 3])),
    ),
)  # fmt: skip
def bucketize(input, boundaries, out_int32, right):
    """Index of the bucket between sorted ``boundaries`` of each value; ``right``: buckets are closed on the left."""
    return _search(boundaries, jnp.asarray(input), right).astype(jnp.int32 if out_int32 else jnp.int64)


@bucketize.check
def _(input, boundaries, out_int32, right):
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")


@op(
    "isin(Tensor|Scalar elements, Tensor|Scalar test_elements, *, bool assume_unique=False,"
    " bool invert=False) -> Tensor",
    promote=ALL, opmath=False, method=False, differentiable=False,
    samples=cases(
        (T((3, 4)), T((2, 2))), (T((5,)), T((3,)), {"invert": True}), (T((5,)), 1), (1, T((5,))), (T((40,)), T((60,))),
    ),
)  # fmt: skip
def isin(elements, test_elements, assume_unique, invert):
    """Whether each element occurs among ``test_elements``."""
    tests = test_elements.reshape(-1)
    if tests.size <= 16:
        found = jnp.any(elements[..., None] == tests, axis=-1)
    else:
        ordered = jnp.sort(tests)
        at = jnp.minimum(jnp.searchsorted(ordered, elements), tests.size - 1)
        found = ordered[at] == elements
    return ~found if invert else found


@isin.check
def _(elements, test_elements, assume_unique, invert):
    for x in (elements, test_elements):
        if number_kind(x) is None and np.dtype(x.dtype).kind in "cb":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {display_name(x.dtype)}")


# ---------------------------------------------------------------- histograms


@refuse("biuc", kernel="histogram_cpu")
@op(
    "histc(Tensor self, int bins=100, float min=0, float max=0) -> Tensor", differentiable=False,
    samples=cases((T((20,)), 4), (T((4, 5)), 4, -1.0, 1.0), (T((5,)), 3, 0.0, 2.0)),
)  # fmt: skip
def histc(self, bins, min, max):
    """Counts in ``bins`` equal intervals of [min, max] (of the data's range if both are equal)."""
    x = self.reshape(-1)
    low, high = jnp.asarray(min, x.dtype), jnp.asarray(max, x.dtype)
    if min == max and x.size:
        low, high = jnp.min(x), jnp.max(x)
    flat = low == high
    low, high = jnp.where(flat, low - 1, low), jnp.where(flat, high + 1, high)
    inside = (x >= low) & (x <= high)
    at = ((x - low) * jnp.asarray(bins, x.dtype) / (high - low)).astype(jnp.int64)
    at = jnp.where(inside, jnp.clip(at, 0, bins - 1), bins)
    return jnp.zeros(bins, x.dtype).at[at].add(1, mode="drop")


@histc.check
def _(self, bins, min, max):
    if np.dtype(self.dtype).kind in "biuc":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{display_name(self.dtype)}'")
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if min > max:
        raise RuntimeError("max must be larger than min")


@op(
    "_bincount(Tensor self, Tensor? weights, int size) -> Tensor", out=False, method=False, namespaces=("_ops",),
    differentiable=False, samples=cases((np.array([0, 2, 2, 3]), None, 5), (np.array([0, 2, 2]), T((3,)), 3)),
)  # fmt: skip
def bincount(self, weights, size):
    """How often each of 0..size-1 occurs, or the sum of the weights where it does; ``size`` must cover the input."""
    if weights is None:
        return jnp.zeros(size, jnp.int64).at[self].add(1)
    dtype = weights.dtype if weights.dtype == jnp.float32 else jnp.float64
    return jnp.zeros(size, dtype).at[self].add(weights.astype(dtype))


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
