"""Scaled dot-product attention: plain for short sequences, block by block of queries for long ones."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from .common import accumulation_dtype, display_name
from .lowering import broadcast
from .registry import op
from .samples import T, cases

BLOCK_ELEMENTS = 1 << 26
"""Attention matrices with more elements than this are made in blocks of queries and recomputed in the backward."""

_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int",
    "Int": "int", "Bool": "bool",
}  # fmt: skip


def _check(query, key, value, attn_mask, enable_gqa) -> None:
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    kinds = [_NAMES.get(display_name(a.dtype), str(a.dtype)) for a in (query, key, value)]
    if len(set(kinds)) != 1:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {kinds[0]} "
            f"key.dtype: {kinds[1]} and value.dtype: {kinds[2]} instead."
        )
    if attn_mask is not None and attn_mask.dtype not in (jnp.bool_, query.dtype, jnp.float32):
        given = _NAMES.get(display_name(attn_mask.dtype), str(attn_mask.dtype))
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {given} "
            f"and  query.dtype: {kinds[0]} instead."
        )
    if query.shape[-1] != key.shape[-1]:
        rows = math.prod(query.shape[:-2])
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{rows}, {query.shape[-1]}] "
            f"but got: [{rows}, {key.shape[-1]}]."
        )
    if key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{math.prod(key.shape[:-2])}, "
            f"{key.shape[-2]}] but got: [{math.prod(value.shape[:-2])}, {value.shape[-2]}]."
        )
    if attn_mask is not None:
        batch = jnp.broadcast_shapes(query.shape[:-2], key.shape[:-2]) if not enable_gqa else query.shape[:-2]
        broadcast([(*batch, query.shape[-2], key.shape[-2]), attn_mask.shape])
    if enable_gqa and (query.shape[-3] % key.shape[-3] or query.shape[-3] % value.shape[-3]):
        raise RuntimeError("Number of heads in key and value must divide the number of heads in query")


def masked_softmax(scores):
    """Softmax over the last dim; a row of -inf gives zeros."""
    top = lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    weights = jnp.exp(scores - jnp.where(jnp.isneginf(top), 0, top))
    total = jnp.sum(weights, axis=-1, keepdims=True)
    return weights / jnp.where(total == 0, 1, total)


def _attend(query, key, value, attn_mask, dropout_mask, first, is_causal, scale, keep):
    """Attention of some queries (the first of them number ``first``) over all keys."""
    wide = accumulation_dtype(query.dtype)
    scores = jnp.einsum("...le,...se->...ls", query, key, preferred_element_type=wide) * scale
    if attn_mask is not None:
        if attn_mask.dtype == jnp.bool_:
            scores = jnp.where(attn_mask, scores, -jnp.inf)
        else:
            scores = scores + attn_mask.astype(wide)
    if is_causal:
        rows = first + lax.broadcasted_iota(jnp.int32, scores.shape[-2:], 0)
        scores = jnp.where(rows >= lax.broadcasted_iota(jnp.int32, scores.shape[-2:], 1), scores, -jnp.inf)
    weights = masked_softmax(scores)
    if dropout_mask is not None:
        weights = weights * dropout_mask.astype(wide) / keep
    return jnp.einsum("...ls,...sv->...lv", weights.astype(value.dtype), value)


def _blocks(x, count: int, size: int):
    """``(..., L, d)`` as ``(count, ..., size, d)``."""
    return jnp.moveaxis(x.reshape(*x.shape[:-2], count, size, x.shape[-1]), -3, 0)


def _attend_in_blocks(query, key, value, attn_mask, dropout_mask, is_causal, scale, keep, size):
    count = -(-query.shape[-2] // size)
    pad = count * size - query.shape[-2]

    def split(x):
        if x is None or x.shape[-2] == 1:
            return None
        return _blocks(jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, pad), (0, 0)]), count, size)

    @jax.checkpoint
    def block(part):
        first, q, mask, dropped = part
        mask = attn_mask if mask is None else mask
        return _attend(q, key, value, mask, dropped, first, is_causal, scale, keep)

    parts = (jnp.arange(count, dtype=jnp.int32) * size, split(query), split(attn_mask), split(dropout_mask))
    out = jnp.moveaxis(lax.map(block, parts), 0, -3)
    return out.reshape(*out.shape[:-3], count * size, out.shape[-1])[..., : query.shape[-2], :]


def _node_name(query, key, value, attn_mask, dropout_mask, *_):
    fused = query.ndim == 4 and dropout_mask is None
    return "ScaledDotProductFlashAttentionForCpuBackward0" if fused else "UnsafeViewBackward0"


@op(
    "scaled_dot_product_attention_masked(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "Tensor? dropout_mask=None, bool is_causal=False, float? scale=None, bool enable_gqa=False, float keep=1.0) "
    "-> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name=_node_name,
    differentiable=("query", "key", "value", "attn_mask"),
    samples=cases(
        (T((2, 3, 5, 4)), T((2, 3, 6, 4)), T((2, 3, 6, 2))),
        (T((2, 4, 5, 4)), T((2, 2, 5, 4)), T((2, 2, 5, 4)), T((5, 5)), None, False, 0.3, True),
        (T((5, 4)), T((5, 4)), T((5, 4)), None, None, True),
    ),
)  # fmt: skip
def scaled_dot_product_attention_masked(query, key, value, attn_mask, dropout_mask, is_causal, scale, enable_gqa, keep):
    """``softmax(q k^T scale + mask) v``; a bool mask keeps True, ``dropout_mask`` keeps weights divided by ``keep``.

    A query that may look at no key gives zeros.
    """
    _check(query, key, value, attn_mask, enable_gqa)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    if enable_gqa:
        key, value = (
            x if x.shape[-3] == query.shape[-3] else jnp.repeat(x, query.shape[-3] // x.shape[-3], axis=-3)
            for x in (key, value)
        )
    length, total = query.shape[-2], key.shape[-2]
    batch = math.prod(jnp.broadcast_shapes(query.shape[:-2], key.shape[:-2]))
    if batch * length * total <= BLOCK_ELEMENTS or length < 256:
        return _attend(query, key, value, attn_mask, dropout_mask, 0, is_causal, scale, keep)
    size = max(128, min(length, BLOCK_ELEMENTS // (4 * batch * total) // 128 * 128))
    return _attend_in_blocks(query, key, value, attn_mask, dropout_mask, is_causal, scale, keep, size)
