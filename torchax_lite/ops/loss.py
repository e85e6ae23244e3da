"""Losses that PyTorch differentiates as one node: nll, squared and robust errors, binary cross entropy, margins, CTC.

Each takes ``reduction`` ("none", "mean" or "sum"); 16-bit floats are reduced in float32. The public functions, and the
losses composed of other ops, are in ``nn/functional.py``.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, display_name, quotient, rounded_to, sum_to
from .lowering import broadcast
from .registry import ALL, op
from .samples import Sample, T, array, cases


def _wide(x):
    return None if x is None else x.astype(accumulation_dtype(x.dtype))


def _reject(x, name: str, kinds: str = "biuc") -> None:
    if np.dtype(x.dtype).kind in kinds:
        raise NotImplementedError(f"\"{name}\" not implemented for '{display_name(x.dtype)}'")


def _reduce(loss, reduction: str):
    if reduction == "mean":
        return quotient(jnp.sum(loss), loss.size)
    if reduction == "sum":
        return jnp.sum(loss)
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def _spread(ct, shape, reduction: str):
    """Cotangent of the unreduced loss from the reduced one's."""
    if reduction == "mean":
        return quotient(ct, math.prod(shape)) if math.prod(shape) else jnp.zeros(shape, ct.dtype)
    return ct


# ---------------------------------------------------------------- negative log likelihood
def _nll_check(x, target, weight) -> None:
    if np.dtype(target.dtype) not in (np.dtype(np.int64), np.dtype(np.uint8)):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {display_name(target.dtype)}")
    classes = x.shape[1 if x.ndim > 1 else 0]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor "
            f"of shape: {list(weight.shape)}"
        )
    _reject(x, "nll_loss_out_frame")
    if weight is not None and weight.dtype != x.dtype:
        raise RuntimeError(f"expected scalar type {display_name(x.dtype)} but found {display_name(weight.dtype)}")


def _nll_weights(x, target, weight, ignore_index):
    """Weight of each target (0 where ignored), in the accumulation dtype."""
    kept = target != ignore_index
    one = jnp.ones((), accumulation_dtype(x.dtype))
    if weight is None:
        return jnp.where(kept, one, 0)
    return jnp.where(kept, jnp.take(_wide(weight), jnp.where(kept, target, 0), mode="fill", fill_value=0), 0)


def _nll_forward(x, target, weight, reduction, ignore_index):
    axis = 1 if x.ndim > 1 else 0
    target = target.astype(jnp.int64)
    w = _nll_weights(x, target, weight, ignore_index)
    at = jnp.expand_dims(jnp.where(target == ignore_index, 0, target), axis)
    picked = jnp.squeeze(jnp.take_along_axis(_wide(x), at, axis=axis, mode="fill"), axis)
    loss = jnp.where(target == ignore_index, 0, -picked * w)
    if reduction == "mean":
        return (jnp.sum(loss) / jnp.sum(w)).astype(x.dtype)
    return _reduce(loss, reduction).astype(x.dtype)


def _nll_backward(ct, x, target, weight, reduction, ignore_index):
    axis = 1 if x.ndim > 1 else 0
    target = target.astype(jnp.int64)
    w = _nll_weights(x, target, weight, ignore_index)
    scale = _wide(ct) * w
    if reduction == "mean":
        scale = quotient(scale, jnp.sum(w))
    hit = lax.broadcasted_iota(jnp.int64, x.shape, axis) == jnp.expand_dims(target, axis)
    return jnp.where(hit & jnp.expand_dims(target != ignore_index, axis), -jnp.expand_dims(scale, axis), 0).astype(
        x.dtype
    )


def _nll_samples(spatial: tuple[int, ...]) -> Any:
    def samples(rng, dtype):
        x = array(rng, (3, 4, *spatial), dtype)
        target = rng.integers(0, 4, (3, *spatial))
        weight = array(rng, (4,), dtype, 0.1, 2.0)
        for reduction in ("mean", "sum", "none"):
            yield Sample((x, target, None, reduction, -100))
            yield Sample((x, target, weight, reduction, 1))

    return samples


@op(
    "nll_loss(Tensor self, Tensor target, Tensor? weight=None, str reduction='mean', int ignore_index=-100) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",), samples=_nll_samples(()),
)  # fmt: skip
def nll_loss(self, target, weight, reduction, ignore_index):
    """``-weight[t] * x[n, t]`` for the target class ``t`` of each row; the mean is over the weights."""
    if self.ndim not in (1, 2):
        raise RuntimeError("input tensor should be 1D or 2D")
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if self.ndim == 1 and target.size != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.size}")
    if self.ndim == 1 and target.ndim and weight is not None:
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)}, target: {list(target.shape)})")
    if self.ndim == 2 and target.shape != self.shape[:1]:
        given = target.shape[0] if target.ndim else 1
        raise ValueError(f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({given}).")
    _nll_check(self, target, weight)
    if self.ndim == 1:
        target = target.reshape(())
    return _nll_forward(self, target, weight, reduction, ignore_index)


@nll_loss.vjp
def _(ct, self, target, weight, reduction, ignore_index):
    if self.ndim == 1:
        target = target.reshape(())
    return _nll_backward(ct, self, target, weight, reduction, ignore_index), None, None


@op(
    "nll_loss2d(Tensor self, Tensor target, Tensor? weight=None, str reduction='mean', int ignore_index=-100) "
    "-> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",), grad_name="NllLoss2DBackward0",
    samples=_nll_samples((2, 3)),
)  # fmt: skip
def nll_loss2d(self, target, weight, reduction, ignore_index):
    """``-weight[t] * x[n, t, i, j]`` for the target class ``t`` at each place of ``(N, C, H, W)``."""
    if target.ndim != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.ndim}"
        )
    if self.ndim != 4:
        raise RuntimeError(
            f"only batches of spatial inputs supported (4D tensors), but got input of dimension: {self.ndim}"
        )
    if (self.shape[0], *self.shape[2:]) != target.shape:
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)} , target: {list(target.shape)}")
    _nll_check(self, target, weight)
    return _nll_forward(self, target, weight, reduction, ignore_index)


@nll_loss2d.vjp
def _(ct, self, target, weight, reduction, ignore_index):
    return _nll_backward(ct, self, target, weight, reduction, ignore_index), None, None


# ---------------------------------------------------------------- elementwise errors
def _pair_samples(*extra: Any) -> Any:
    calls = []
    for reduction in ("mean", "sum", "none"):
        calls.append((T((3, 4)), T((3, 4)), reduction, *extra))
    calls.append((T(()), T(()), "mean", *extra))
    return cases(*calls)


def _difference_grads(ct, x, target, slope, reduction):
    """Cotangents of input and target for a loss of ``x - target`` with derivative ``slope``."""
    g = _spread(ct, slope.shape, reduction) * slope
    return sum_to(g, x.shape), sum_to(-g, target.shape)


@op(
    "mse_loss(Tensor self, Tensor target, str reduction='mean') -> Tensor",
    promote=ALL, method=False, out=False, namespaces=("_ops",), samples=_pair_samples(),
)  # fmt: skip
def mse_loss(self, target, reduction):
    """``(x - target)^2``, reduced."""
    broadcast([self.shape, target.shape])
    _reject(self, "mse_cpu")
    return _reduce(jnp.square(self - target), reduction)


@mse_loss.vjp
def _(ct, self, target, reduction):
    return _difference_grads(ct, self, target, 2 * (self - target), reduction)


@op(
    "smooth_l1_loss(Tensor self, Tensor target, str reduction='mean', float beta=1.0) -> Tensor",
    promote=ALL, method=False, out=False, namespaces=("_ops",), grad_name="SmoothL1LossBackward0",
    samples=_pair_samples(0.7),
)  # fmt: skip
def smooth_l1_loss(self, target, reduction, beta):
    """``d^2 / (2 beta)`` where ``d = |x - target| < beta``, else ``d - beta / 2``; reduced."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    broadcast([self.shape, target.shape])
    _reject(self, "smooth_l1_cpu", "bc")
    d = jnp.abs(self - target)
    if beta == 0:
        return _reduce(d, reduction)
    return _reduce(jnp.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


@smooth_l1_loss.vjp
def _(ct, self, target, reduction, beta):
    d = self - target
    slope = jnp.sign(d) if beta == 0 else jnp.clip(d / beta, -1, 1)
    return _difference_grads(ct, self, target, slope, reduction)


@op(
    "huber_loss(Tensor self, Tensor target, str reduction='mean', float delta=1.0) -> Tensor",
    promote=ALL, method=False, out=False, namespaces=("_ops",), samples=_pair_samples(0.7),
)  # fmt: skip
def huber_loss(self, target, reduction, delta):
    """``d^2 / 2`` where ``d = |x - target| <= delta``, else ``delta (d - delta / 2)``; reduced."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    broadcast([self.shape, target.shape])
    _reject(self, "huber_cpu")
    d = jnp.abs(self - target)
    return _reduce(jnp.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


@huber_loss.vjp
def _(ct, self, target, reduction, delta):
    return _difference_grads(ct, self, target, jnp.clip(self - target, -delta, delta), reduction)


def _soft_margin_power(x, target):
    """``exp(-target x)`` as the dtype holds it: infinite where that overflows, as in PyTorch."""
    dtype = x.dtype
    z = x.astype(accumulation_dtype(dtype)) * -target.astype(accumulation_dtype(dtype))
    return rounded_to(jnp.exp(rounded_to(z, dtype)), dtype)


@op(
    "soft_margin_loss(Tensor self, Tensor target, str reduction='mean') -> Tensor",
    promote=ALL, opmath=False, method=False, out=False, namespaces=("_ops",), samples=_pair_samples(),
)  # fmt: skip
def soft_margin_loss(self, target, reduction):
    """``log(1 + exp(-target x))``, reduced."""
    broadcast([self.shape, target.shape])
    return _reduce(jnp.log(1 + _soft_margin_power(self, target)).astype(self.dtype), reduction)


@soft_margin_loss.vjp
def _(ct, self, target, reduction):
    z = _soft_margin_power(self, target)
    g = _spread(ct, z.shape, reduction)
    slope = -rounded_to(target * z, self.dtype) / (1 + z)
    return sum_to(g * slope, self.shape), sum_to(-g * self * (z / (1 + z)), target.shape)


# ---------------------------------------------------------------- binary cross entropy
def _check_same_dtype(x, *others) -> None:
    for v in others:
        if v is not None and v.dtype != x.dtype:
            raise RuntimeError(f"Found dtype {display_name(v.dtype)} but expected {display_name(x.dtype)}")


@op(
    "binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, str reduction='mean') -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self", "target"),
    samples=cases(
        (T((3, 4), None, 0.1, 0.9), T((3, 4), None, 0.0, 1.0), None, "mean"),
        (T((3, 4), None, 0.1, 0.9), T((3, 4), None, 0.0, 1.0), T((4,), None, 0.1, 1.0), "sum"),
        (T((3, 4), None, 0.1, 0.9), T((3, 4), None, 0.0, 1.0), T((3, 4), None, 0.1, 1.0), "none"),
    ),
)  # fmt: skip
def binary_cross_entropy(self, target, weight, reduction):
    """``-weight (t log x + (1 - t) log(1 - x))`` with the logarithms kept above -100; reduced."""
    _check_same_dtype(self, target, weight)
    _reject(self, "binary_cross_entropy")
    x, t = _wide(self), _wide(target)
    loss = (t - 1) * jnp.maximum(jnp.log1p(-x), -100) - t * jnp.maximum(jnp.log(x), -100)
    if weight is not None:
        loss = loss * _wide(weight)
    return _reduce(loss, reduction).astype(self.dtype)


@binary_cross_entropy.vjp
def _(ct, self, target, weight, reduction):
    x, t, g = _wide(self), _wide(target), _spread(_wide(ct), self.shape, reduction)
    if weight is not None:
        g = g * _wide(weight)
    dx = g * (x - t) / jnp.maximum((1 - x) * x, 1e-12)
    dt = g * (jnp.maximum(jnp.log1p(-x), -100) - jnp.maximum(jnp.log(x), -100))
    return dx.astype(self.dtype), dt.astype(target.dtype), None


@op(
    "binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, "
    "str reduction='mean') -> Tensor",
    promote=ALL, method=False, out=False, namespaces=("_ops",), differentiable=("self", "target"),
    samples=cases(
        (T((3, 4)), T((3, 4), None, 0.0, 1.0), None, None, "mean"),
        (T((3, 4)), T((3, 4), None, 0.0, 1.0), T((4,), None, 0.1, 1.0), T((4,), None, 0.5, 3.0), "sum"),
        (T((3, 4)), T((3, 4), None, 0.0, 1.0), T((3, 4), None, 0.1, 1.0), None, "none"),
    ),
)  # fmt: skip
def binary_cross_entropy_with_logits(self, target, weight, pos_weight, reduction):
    """``weight ((1 - t) x + (1 + (p - 1) t) log(1 + exp(-x)))``, reduced."""
    broadcast([v.shape for v in (self, target, weight, pos_weight) if v is not None])
    if pos_weight is None:
        loss = jnp.maximum(self, 0) - self * target + jnp.log1p(jnp.exp(-jnp.abs(self)))
    else:
        tail = jnp.log1p(jnp.exp(-jnp.abs(self))) + jnp.maximum(-self, 0)
        loss = (1 - target) * self + ((pos_weight - 1) * target + 1) * tail
    if weight is not None:
        loss = loss * weight
    return _reduce(loss, reduction)


@binary_cross_entropy_with_logits.vjp
def _(ct, self, target, weight, pos_weight, reduction):
    shape = broadcast([v.shape for v in (self, target, weight, pos_weight) if v is not None])
    g = _spread(ct, shape, reduction)
    if weight is not None:
        g = g * weight
    s = jax.nn.sigmoid(self)
    if pos_weight is None:
        dx, dt = g * (s - target), -g * self
    else:
        t = pos_weight * target
        dx = g * ((t + 1 - target) * s - t)
        dt = -g * (self - (pos_weight - 1) * (jnp.log1p(jnp.exp(-jnp.abs(self))) + jnp.maximum(-self, 0)))
    return (
        sum_to(jnp.broadcast_to(dx, shape), self.shape),
        sum_to(jnp.broadcast_to(dt, shape), target.shape),
        None,
        None,
    )


# ---------------------------------------------------------------- multi-class margins
def _multi_margin_terms(x, target, p, margin, weight):
    """Loss of each row and its derivative by the margin violations ``(N, C)``."""
    rows, at = jnp.atleast_2d(x), target.reshape(-1).astype(jnp.int64)
    hit = lax.broadcasted_iota(jnp.int64, rows.shape, 1) == at[:, None]
    z = margin - jnp.take_along_axis(rows, at[:, None], 1) + rows
    z = jnp.where(hit, 0, jnp.maximum(z, 0))
    w = jnp.ones((rows.shape[0], 1), rows.dtype) if weight is None else jnp.take(weight, at)[:, None]
    loss = jnp.sum(w * (z if p == 1 else z * z), 1) / rows.shape[1]
    slope = w * ((z > 0).astype(rows.dtype) if p == 1 else 2 * z) / rows.shape[1]
    return loss, jnp.where(hit, -jnp.sum(slope, 1, keepdims=True), slope)


def _margin_samples(rng, dtype):
    x, target, weight = array(rng, (3, 4), dtype), rng.integers(0, 4, (3,)), array(rng, (4,), dtype, 0.1, 1.0)
    for reduction in ("mean", "sum", "none"):
        yield Sample((x, target, 1, 1.0, None, reduction))
        yield Sample((x, target, 2, 0.5, weight, reduction))


@op(
    "multi_margin_loss(Tensor self, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, "
    "str reduction='mean') -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",), samples=_margin_samples,
)  # fmt: skip
def multi_margin_loss(self, target, p, margin, weight, reduction):
    """``sum_{i != t} max(0, margin - x[t] + x[i])^p weight[t] / C`` for each row, reduced."""
    if self.ndim > 2 or self.size == 0:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}"
        )
    rows = self.shape[0] if self.ndim == 2 else 1
    if target.ndim > 1 or target.size != rows:
        raise RuntimeError(
            f"multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{rows}], but got {list(target.shape)}. Input has shape {list(self.shape)}."
        )
    if weight is not None and weight.size != (self.shape[-1] if self.ndim else 1):
        raise RuntimeError(f"inconsistent weight size, expected {self.shape[-1]} but got {list(weight.shape)}")
    if target.dtype != jnp.int64:
        raise RuntimeError(f"expected scalar type Long but found {display_name(target.dtype)}")
    _reject(self, "multi_margin_loss")
    loss, _ = _multi_margin_terms(_wide(self), target, p, margin, _wide(weight))
    reduced = _reduce(loss, reduction)
    return (reduced.reshape(()) if target.ndim == 0 else reduced).astype(self.dtype)


@multi_margin_loss.vjp
def _(ct, self, target, p, margin, weight, reduction):
    _, slope = _multi_margin_terms(_wide(self), target, p, margin, _wide(weight))
    g = _spread(_wide(ct), (slope.shape[0],), reduction)
    return (slope * g.reshape(-1, 1)).reshape(self.shape).astype(self.dtype), None, None


def _multilabel_terms(x, target):
    """Loss of each row and its derivative; a row's labels end at the first negative one."""
    rows = x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)
    labels = target.reshape(rows.shape)
    width = rows.shape[1]
    at = jnp.where(labels >= 0, labels, 0)
    counts = jnp.argmax(jnp.pad(labels, ((0, 0), (0, 1)), constant_values=-1) < 0, axis=1)
    listed = jnp.arange(width) < counts[:, None]
    each = jnp.arange(rows.shape[0])
    is_label = jnp.zeros(rows.shape, bool).at[each[:, None], jnp.where(listed, at, width)].set(True, mode="drop")

    def label(k, state):
        """One label of every row."""
        loss, slope = state
        mine = at[:, k]
        gap = 1 - rows[each, mine][:, None] + rows
        active = ~is_label & (k < counts)[:, None] & (gap > 0)
        one = active.astype(rows.dtype)
        return loss + jnp.sum(jnp.where(active, gap, 0), 1), (slope + one).at[each, mine].add(-jnp.sum(one, 1))

    start = jnp.zeros(rows.shape[0], rows.dtype), jnp.zeros_like(rows)
    loss, slope = lax.fori_loop(0, jnp.max(counts, initial=0), label, start)
    return loss / width, slope / width


def _multilabel_samples(rng, dtype):
    yield Sample((array(rng, (2, 4), dtype), np.array([[3, 0, -1, 1], [1, -1, 0, 0]]), "mean"))


@op(
    "multilabel_margin_loss(Tensor self, Tensor target, str reduction='mean') -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("self",),
    samples=_multilabel_samples,
)  # fmt: skip
def multilabel_margin_loss(self, target, reduction):
    """``sum_{labels j, others i} max(0, 1 - (x[j] - x[i])) / C`` for each row, reduced."""
    if self.ndim > 2 or 0 in self.shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}"
        )
    if target.shape != self.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(self.shape)}")
    if target.dtype != jnp.int64 and self.size:
        raise RuntimeError(f"expected scalar type Long but found {display_name(target.dtype)}")
    _reject(self, "multilabel_margin_loss")
    if not self.size:
        target = target.astype(jnp.int64)
    loss, _ = _multilabel_terms(_wide(self), target)
    reduced = _reduce(loss, reduction)
    return (reduced.reshape(()) if self.ndim < 2 else reduced).astype(self.dtype)


@multilabel_margin_loss.vjp
def _(ct, self, target, reduction):
    _, slope = _multilabel_terms(lax.stop_gradient(_wide(self)), target)  # it is constant between the kinks
    g = _spread(_wide(ct), (slope.shape[0],), reduction)
    return (slope * g.reshape(-1, 1)).reshape(self.shape).astype(self.dtype), None


# ---------------------------------------------------------------- CTC
def _ctc_labels(targets, target_lengths, blank, longest):
    """Labels with blanks between, ``(N, 2 longest + 1)``, and where a step may skip the blank before a label."""
    n = target_lengths.shape[0]
    if targets.ndim == 1:
        start = jnp.cumsum(target_lengths) - target_lengths
        at = start[:, None] + jnp.arange(longest)
        labels = (
            jnp.take(targets, jnp.minimum(at, max(targets.shape[0] - 1, 0)), mode="clip") if targets.size else at * 0
        )
    else:
        labels = targets[:, :longest]
    labels = jnp.where(jnp.arange(longest) < target_lengths[:, None], labels, blank).astype(jnp.int64)
    spread = jnp.full((n, 2 * longest + 1), blank, jnp.int64).at[:, 1::2].set(labels)
    before = jnp.pad(spread, ((0, 0), (2, 0)), constant_values=-1)[:, :-2]
    return spread, (spread != blank) & (spread != before)


def _log_add(*terms):
    """``log(sum(exp(terms)))`` that stays -inf (and not NaN) where every term is."""
    top = terms[0]
    for t in terms[1:]:
        top = jnp.maximum(top, t)
    safe = jnp.where(jnp.isneginf(top), 0, top)
    return jnp.log(sum(jnp.exp(t - safe) for t in terms)) + safe


def _shifted(a, by: int):
    return jnp.pad(a, ((0, 0), (by, 0)), constant_values=-jnp.inf)[:, : a.shape[1]]


def _ctc_alpha(emit, skip, input_lengths):
    """Forward log probabilities ``(T, N, S)``; frames past a sample's length repeat the last one."""
    first = jnp.where(jnp.arange(emit.shape[2]) < 2, emit[0], -jnp.inf)

    def step(alpha, frame):
        t, e = frame
        via = jnp.where(skip, _shifted(alpha, 2), -jnp.inf)
        new = _log_add(alpha, _shifted(alpha, 1), via) + e
        new = jnp.where((t < input_lengths)[:, None], new, alpha)
        return new, new

    frames = jnp.arange(1, emit.shape[0])
    _, rest = lax.scan(step, first, (frames, emit[1:]))
    return jnp.concatenate([first[None], rest])


def _ctc_end(alpha_last, target_lengths):
    """Log likelihood: the last label and the blank after it."""
    at = (2 * target_lengths)[:, None]
    end = jnp.take_along_axis(alpha_last, at, 1)[:, 0]
    label = jnp.take_along_axis(alpha_last, jnp.maximum(at - 1, 0), 1)[:, 0]
    return _log_add(end, jnp.where(target_lengths > 0, label, -jnp.inf))


def _ctc_setup(log_probs, targets, target_lengths, blank, longest):
    spread, skip = _ctc_labels(targets, target_lengths, blank, longest)
    at = jnp.broadcast_to(spread, (log_probs.shape[0], *spread.shape))
    return spread, skip, jnp.take_along_axis(log_probs, at, axis=2)


@op(
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank, int longest, "
    "bool zero_infinity=False) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("log_probs",),
    samples=lambda rng, dtype: iter(
        [Sample((array(rng, (6, 2, 4), dtype, -2.5, -0.1), np.array([[1, 1, 2], [3, 2, 0]]), np.array([6, 5]),
                 np.array([3, 2]), 0, 3, False))]
    ),
)  # fmt: skip
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, longest, zero_infinity):
    """``-log p(targets | log_probs)`` summed over all alignments, for each sample (Graves et al. 2006).

    ``log_probs`` is ``(T, N, C)``, ``targets`` ``(N, S)`` or the concatenation of all; ``longest`` is the largest
    target length.
    """
    if not 0 <= blank < log_probs.shape[2]:
        raise RuntimeError("blank must be in label range")
    _reject(log_probs, "ctc_loss_cpu")
    _, skip, emit = _ctc_setup(log_probs, targets, target_lengths, blank, longest)
    alpha = _ctc_alpha(emit, skip, input_lengths)[-1]
    likelihood = _ctc_end(alpha, target_lengths)
    empty = jnp.where(target_lengths == 0, 0.0, -jnp.inf).astype(likelihood.dtype)
    loss = -jnp.where(input_lengths > 0, likelihood, empty)
    return jnp.where(jnp.isposinf(loss), 0, loss) if zero_infinity else loss


@ctc_loss.vjp
def _(ct, log_probs, targets, input_lengths, target_lengths, blank, longest, zero_infinity):
    # d loss / d log_probs = exp(log_probs) - exp(alpha beta / likelihood): PyTorch's form, which assumes that
    # log_probs come out of a log_softmax (its derivative cancels the first term).
    spread, skip, emit = _ctc_setup(log_probs, targets, target_lengths, blank, longest)
    alpha = _ctc_alpha(emit, skip, input_lengths)
    likelihood = _ctc_end(alpha[-1], target_lengths)
    last = 2 * target_lengths[:, None]
    place = jnp.arange(emit.shape[2])
    is_end = (place == last) | ((place == last - 1) & (target_lengths[:, None] > 0))
    skip_from = jnp.pad(skip, ((0, 0), (0, 2)))[:, 2:]

    def back(a, by):
        return jnp.pad(a, ((0, 0), (0, by)), constant_values=-jnp.inf)[:, by:]

    def step(beta, frame):
        t, e = frame
        ends = jnp.where(is_end, e, -jnp.inf)
        on = _log_add(beta, back(beta, 1), jnp.where(skip_from, back(beta, 2), -jnp.inf)) + e
        new = jnp.where(
            (t == input_lengths - 1)[:, None], ends, jnp.where((t < input_lengths - 1)[:, None], on, -jnp.inf)
        )
        return new, new

    frames = jnp.arange(emit.shape[0])
    start = jnp.full(emit.shape[1:], -jnp.inf, emit.dtype)
    _, beta = lax.scan(step, start, (frames, emit), reverse=True)
    through = alpha + beta
    classes = lax.broadcasted_iota(jnp.int64, (1, log_probs.shape[2]), 1)
    one_hot = spread[:, :, None] == classes[None]
    top = jnp.max(through, axis=2, keepdims=True)
    safe = jnp.where(jnp.isneginf(top), 0, top)
    total = jnp.einsum("tns,nsc->tnc", jnp.exp(through - safe), one_hot.astype(through.dtype))
    log_total = jnp.log(total) + safe
    grad = (jnp.exp(log_probs) - jnp.exp(log_total - likelihood[None, :, None] - log_probs)) * ct[None, :, None]
    inside = frames[:, None, None] < input_lengths[None, :, None]
    if zero_infinity:
        inside = inside & ~jnp.isneginf(likelihood)[None, :, None]
    return jnp.where(inside, grad, 0).astype(log_probs.dtype), None, None, None
