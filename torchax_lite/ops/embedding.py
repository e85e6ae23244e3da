"""Row look-up: embedding, bags of embeddings, renormalised rows, one-hot."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .common import accumulation_dtype, display_name
from .registry import op
from .samples import Sample, array


def _check_indices(indices, name: str) -> None:
    if np.dtype(indices.dtype) not in (np.dtype(np.int64), np.dtype(np.int32)):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{display_name(indices.dtype)}Tensor instead (while checking arguments for {name})"
        )


def _embedding_samples(rng, dtype):
    weight = array(rng, (6, 4), dtype)
    yield Sample((weight, rng.integers(0, 6, (2, 3))))
    yield Sample((weight, rng.integers(0, 6, (5,)), 2))
    yield Sample((weight, np.array([1, 1, 2, 1]), -1, True))
    yield Sample((weight, np.array(3)))


@op(
    "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) "
    "-> Tensor",
    method=False, out=False, differentiable=("weight",), samples=_embedding_samples,
)  # fmt: skip
def embedding(weight, indices, padding_idx, scale_grad_by_freq, sparse):
    """``weight[indices]``; an index outside the table gives NaN."""
    if sparse:
        raise NotImplementedError("embedding: a sparse gradient is made above the op, by nn.functional.embedding")
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    _check_indices(indices, "embedding")
    return jnp.take(weight, indices, axis=0, mode="fill")


@embedding.vjp
def _(ct, weight_shape, indices, padding_idx, scale_grad_by_freq):
    rows = indices.reshape(-1)
    values = ct.reshape(-1, weight_shape[1]).astype(accumulation_dtype(ct.dtype))
    if scale_grad_by_freq:
        count = jnp.zeros(weight_shape[0], values.dtype).at[rows].add(1)
        values = values / count[rows][:, None]
    if padding_idx >= 0:
        values = jnp.where((rows == padding_idx)[:, None], 0, values)
    return jnp.zeros(weight_shape, values.dtype).at[rows].add(values).astype(ct.dtype), None


@op(
    "embedding_renorm(Tensor self, Tensor indices, float max_norm, float norm_type) -> Tensor",
    inplace="only", method=False, out=False, differentiable=False,
    samples=lambda rng, dtype: iter([Sample((array(rng, (5, 3), dtype), np.array([0, 2, 2]), 1.0, 2.0))]),
)  # fmt: skip
def embedding_renorm(self, indices, max_norm, norm_type):
    """The rows named by ``indices`` scaled down to norm ``max_norm`` where theirs is larger."""
    _check_indices(indices, "embedding_renorm_")
    used = jnp.zeros(self.shape[0], bool).at[indices.reshape(-1)].set(True)
    norm = jnp.linalg.norm(self.astype(accumulation_dtype(self.dtype)), ord=norm_type, axis=1)
    scale = jnp.where(used & (norm > max_norm), max_norm / (norm + 1e-7), 1)
    return (self * scale[:, None]).astype(self.dtype)


# ---------------------------------------------------------------- bags
def _bags(indices, offsets, include_last_offset: bool):
    """Flat indices, the bag of each, and the number of bags."""
    if indices.ndim == 2:
        bags, length = indices.shape
        return indices.reshape(-1), jnp.repeat(jnp.arange(bags), length), bags
    bags = offsets.shape[0] - int(include_last_offset)
    place = jnp.arange(indices.shape[0])
    owner = jnp.searchsorted(offsets[:bags], place, side="right") - 1
    if include_last_offset:
        owner = jnp.where(place < offsets[-1], owner, bags)
    return indices, owner, bags


def _bag_rows(weight, rows, kept, per_sample_weights):
    values = jnp.take(weight, rows, axis=0, mode="fill").astype(accumulation_dtype(weight.dtype))
    if per_sample_weights is not None:
        values = values * per_sample_weights.reshape(-1, 1).astype(values.dtype)
    return jnp.where(kept[:, None], values, 0)


def _bag_mean_scale(owner, kept, bags, dtype):
    count = jax.ops.segment_sum(kept.astype(dtype), owner, bags)
    return 1 / jnp.maximum(count, 1)


def _bag_first_max(values, owner, kept, bags):
    """Flat place of each bag's maximum in every column, the first on ties; the length where the bag is empty."""
    length = values.shape[0]
    masked = jnp.where(kept[:, None], values, -jnp.inf)
    top = jax.ops.segment_max(masked, owner, bags)
    hit = (masked == jnp.take(top, owner, axis=0)) & kept[:, None]
    place = jnp.where(hit, jnp.arange(length)[:, None], length)
    return jnp.minimum(jax.ops.segment_min(place, owner, bags), length)


def _bag_samples(rng, dtype):
    weight = array(rng, (6, 4), dtype)
    flat, offsets = rng.integers(0, 6, (7,)), np.array([0, 3, 3, 5])
    for mode in ("sum", "mean", "max"):
        yield Sample((weight, flat, offsets, mode))
        yield Sample((weight, rng.integers(0, 6, (2, 3)), None, mode))
    yield Sample((weight, flat, offsets, "sum", array(rng, (7,), dtype)))


@op(
    "embedding_bag_reduce(Tensor weight, Tensor indices, Tensor? offsets, str mode, Tensor? per_sample_weights=None, "
    "bool include_last_offset=False, int padding_idx=-1, bool scale_grad_by_freq=False) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("weight", "per_sample_weights"),
    grad_name="EmbeddingBagBackward0", samples=_bag_samples,
)  # fmt: skip
def embedding_bag_reduce(
    weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding_idx, scale_grad_by_freq
):
    """Sum, mean or maximum of ``weight[indices]`` over each bag (a row of indices, or from offset to offset)."""
    _check_indices(indices, "embedding_bag")
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows, owner, bags = _bags(indices, offsets, include_last_offset)
    kept = rows != padding_idx if padding_idx >= 0 else jnp.ones(rows.shape, bool)
    values = _bag_rows(weight, rows, kept, per_sample_weights)
    if mode == "max":
        at = _bag_first_max(values, owner, kept, bags)
        padded = jnp.concatenate([values, jnp.zeros((1, values.shape[1]), values.dtype)])
        return jnp.take_along_axis(padded, at, axis=0).astype(weight.dtype)
    if indices.ndim == 2:
        total = jnp.sum(values.reshape(*indices.shape, values.shape[1]), axis=1)
    else:
        total = jax.ops.segment_sum(values, owner, bags)
    if mode == "mean":
        total = total * _bag_mean_scale(owner, kept, bags, total.dtype)[:, None]
    return total.astype(weight.dtype)


@embedding_bag_reduce.vjp
def _(ct, weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding_idx, scale_grad_by_freq):
    rows, owner, bags = _bags(indices, offsets, include_last_offset)
    kept = rows != padding_idx if padding_idx >= 0 else jnp.ones(rows.shape, bool)
    wide = ct.astype(accumulation_dtype(ct.dtype))
    grad = jnp.zeros(weight.shape, wide.dtype)
    if mode == "max":
        values = _bag_rows(weight, rows, kept, None)
        at = _bag_first_max(values, owner, kept, bags)
        row = jnp.take(jnp.concatenate([rows, jnp.full(1, weight.shape[0], rows.dtype)]), at)
        columns = jnp.arange(weight.shape[1])
        return grad.at[row, columns].add(wide, mode="drop").astype(weight.dtype), None, None, None
    if mode == "mean":
        wide = wide * _bag_mean_scale(owner, kept, bags, wide.dtype)[:, None]
    each = jnp.where((kept & (owner < bags))[:, None], jnp.take(wide, owner, axis=0, mode="clip"), 0)
    dsample = None
    if per_sample_weights is not None:
        looked = jnp.take(weight, rows, axis=0, mode="fill").astype(wide.dtype)
        dsample = jnp.sum(each * looked, 1).reshape(per_sample_weights.shape).astype(per_sample_weights.dtype)
        each = each * per_sample_weights.reshape(-1, 1).astype(wide.dtype)
    if scale_grad_by_freq:
        count = jnp.zeros(weight.shape[0], wide.dtype).at[rows].add(1)
        each = each / count[rows][:, None]
    return grad.at[rows].add(each).astype(weight.dtype), None, None, dsample


@op(
    "one_hot(Tensor self, int num_classes) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=False,
    samples=lambda rng, dtype: iter([Sample((rng.integers(0, 4, (2, 3)), 5)), Sample((np.array(2), 3))]),
)  # fmt: skip
def one_hot(self, num_classes):
    """int64 array with a last dim of ``num_classes``: 1 at the index, else 0."""
    return (self[..., None] == jnp.arange(num_classes)).astype(jnp.int64)
