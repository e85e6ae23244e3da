"""The cross entropy of a linear layer's outputs, in pieces of the batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, display_name
from .registry import op
from .samples import Sample, array


def _samples(rng, dtype):
    x, w, target = array(rng, (5, 3), dtype), array(rng, (4, 3), dtype), rng.integers(0, 4, (5,))
    weight = array(rng, (4,), dtype, 0.1, 2.0)
    for reduction in ("mean", "sum", "none"):
        yield Sample((x, w, target, None, None, reduction, -100, 2))
        yield Sample((x, w, target, array(rng, (4,), dtype), weight, reduction, 1, 5))


def _check(x, target, weight, classes) -> None:
    if target.shape != x.shape[:1]:
        raise ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({target.shape[0]}).")
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor "
            f"of shape: {list(weight.shape)}"
        )
    if np.dtype(x.dtype).kind in "biu":
        raise RuntimeError(f"expected a floating point input but found {display_name(x.dtype)}")


@op(
    "linear_cross_entropy_chunked(Tensor self, Tensor linear_weight, Tensor target, Tensor? bias=None, "
    "Tensor? weight=None, str reduction='mean', int ignore_index=-100, int rows=1, ScalarType? acc_dtype=None) "
    "-> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self", "linear_weight", "bias"), samples=_samples,
)  # fmt: skip
def linear_cross_entropy_chunked(self, linear_weight, target, bias, weight, reduction, ignore_index, rows, acc_dtype):
    """``-weight[t] log softmax(W x + b)[t]`` of rows ``(N, E)``, ``rows`` of them at a time; reduced.

    The backward pass computes the logits of a piece again. Sums are in ``acc_dtype``, by default a wide one.
    """
    wide = acc_dtype if acc_dtype is not None else accumulation_dtype(self.dtype)
    classes = linear_weight.shape[0]
    _check(self, target, weight, classes)
    count = -(-self.shape[0] // rows) if self.shape[0] else 0
    pad = count * rows - self.shape[0]
    kept = target != ignore_index
    factors = (
        jnp.ones(target.shape, wide) if weight is None else jnp.take(weight.astype(wide), jnp.where(kept, target, 0))
    )
    factors = jnp.where(kept, factors, 0)

    @jax.checkpoint
    def piece(part):
        x, t, factor = part
        logits = jnp.matmul(x, linear_weight.T, preferred_element_type=wide)
        if bias is not None:
            logits = logits + bias.astype(wide)
        picked = jnp.take_along_axis(logits, t[:, None], axis=1, mode="fill")[:, 0]
        # a row without a factor counts nothing, whatever its logits are
        return jnp.where(factor == 0, 0, (jax.nn.logsumexp(logits, axis=1) - picked) * factor)

    def split(x, fill):
        x = jnp.pad(x, [(0, pad)] + [(0, 0)] * (x.ndim - 1), constant_values=fill)
        return x.reshape(count, rows, *x.shape[1:])

    parts = (split(self, 0), split(jnp.where(kept, target, 0), 0), split(factors, 0))
    losses = lax.map(piece, parts).reshape(count * rows)[: self.shape[0]]
    if reduction == "none":
        return losses.astype(self.dtype)
    total = jnp.sum(losses)
    return (total / jnp.sum(factors) if reduction == "mean" else total).astype(self.dtype)
