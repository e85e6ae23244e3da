"""Batch, layer and group normalisation: one pass for the statistics, three reductions for the derivative.

16-bit floats are normalised in float32. The derivatives recompute the statistics from the input (in one program XLA
merges them with the forward's), so nothing but the input and the weight is saved.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import accumulation_dtype, display_name
from .memory import channels_last
from .registry import op
from .samples import T, cases

_SHIFT_ROWS = 4
"""Samples whose mean shifts the one-pass variance (a shift near the mean keeps it from cancelling)."""


def _reject(x, name: str) -> None:
    if np.dtype(x.dtype).kind in "biuc":
        raise NotImplementedError(f"\"{name}\" not implemented for '{display_name(x.dtype)}'")


def _wide(x):
    """``x`` in the dtype it is accumulated in."""
    return None if x is None else x.astype(accumulation_dtype(x.dtype))


def _per_channel(v, ndim: int):
    return v.reshape(1, -1, *(1,) * (ndim - 2))


def _batch_moments(x):
    """Centred input, mean and biased variance per channel of ``(N, C, ...)``, shaped for broadcasting.

    One pass over ``d = x - shift``, whose squares do not cancel because the shift lies near the mean.
    """
    axes = (0, *range(2, x.ndim))
    if x.size == 0:
        nothing = jnp.full((1, x.shape[1], *(1,) * (x.ndim - 2)), jnp.nan, x.dtype)
        return x, nothing, nothing
    shift = lax.stop_gradient(jnp.mean(x[:_SHIFT_ROWS], axis=axes, keepdims=True))
    d = x - shift
    mean = jnp.mean(d, axis=axes, keepdims=True)
    var = jnp.mean(d * d, axis=axes, keepdims=True) - mean * mean
    return d - mean, mean + shift, jnp.maximum(var, 0)


def _check_batch(x, weight, bias, running_mean, running_var) -> None:
    if x.ndim < 2:
        raise IndexError(f"Dimension out of range (expected to be in range of [-{max(x.ndim, 1)}, "
                         f"{max(x.ndim, 1) - 1}], but got 1)")  # fmt: skip
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, v in given.items():
        if v is not None and v.size != x.shape[1]:
            raise RuntimeError(f"{name} should contain {x.shape[1]} elements not {v.size}")
    _reject(x, "batch_norm")


@op(
    "native_batch_norm_train(Tensor input, Tensor? weight, Tensor? bias, float eps) "
    "-> (Tensor output, Tensor batch_mean, Tensor batch_var)",
    method=False, out=False, namespaces=("_ops",), grad_name="NativeBatchNormBackward0",
    samples=cases(
        (T((4, 3, 5)), T((3,)), T((3,)), 1e-5), (T((6, 2)), None, None, 1e-3), (T((2, 3, 4, 4)), T((3,)), None, 1e-5)
    ),
)  # fmt: skip
def native_batch_norm_train(input, weight, bias, eps):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel; also the mean and the unbiased variance."""
    _check_batch(input, weight, bias, None, None)
    x = _wide(input)
    centred, mean, var = _batch_moments(x)
    scale = lax.rsqrt(var + eps)
    if weight is not None:
        scale = scale * _per_channel(_wide(weight), x.ndim)
    y = centred * scale
    if bias is not None:
        y = y + _per_channel(_wide(bias), x.ndim)
    n = x.size // max(x.shape[1], 1)
    unbiased = var * (n / (n - 1)) if n > 1 else jnp.full_like(var, jnp.nan)
    return y.astype(input.dtype), mean.reshape(-1), unbiased.reshape(-1)


native_batch_norm_train.memory_rule(channels_last())


def _sums(ct, xhat, axes):
    return jnp.sum(ct, axis=axes, keepdims=True), jnp.sum(ct * xhat, axis=axes, keepdims=True)


def _like(v, ref):
    """A per-channel sum as the cotangent of ``ref`` (None where there is none)."""
    return None if ref is None else v.reshape(ref.shape).astype(ref.dtype)


@native_batch_norm_train.vjp
def _(ct, input, weight, eps):
    x, c = _wide(input), _wide(ct)
    axes = (0, *range(2, x.ndim))
    centred, _, var = _batch_moments(x)
    invstd = lax.rsqrt(var + eps)
    xhat = centred * invstd
    dbias, dweight = _sums(c, xhat, axes)
    n = x.size // max(x.shape[1], 1)
    scale = invstd if weight is None else invstd * _per_channel(_wide(weight), x.ndim)
    dx = scale * (c - dbias / n - xhat * (dweight / n))
    kind = input.dtype if weight is None else weight.dtype
    return dx.astype(input.dtype), _like(dweight, weight), dbias.reshape(-1).astype(kind)


@op(
    "native_batch_norm_eval(Tensor input, Tensor running_mean, Tensor running_var, Tensor? weight, Tensor? bias, "
    "float eps) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("input", "weight", "bias"),
    grad_name="NativeBatchNormBackward0",
    samples=cases((T((4, 3, 5)), T((3,)), T((3,), None, 0.5, 2.0), T((3,)), T((3,)), 1e-5)),
)  # fmt: skip
def native_batch_norm_eval(input, running_mean, running_var, weight, bias, eps):
    """``(x - running_mean) / sqrt(running_var + eps) * weight + bias`` per channel."""
    _check_batch(input, weight, bias, running_mean, running_var)
    x = _wide(input)
    scale = lax.rsqrt(_wide(running_var) + eps)
    if weight is not None:
        scale = scale * _wide(weight)
    y = (x - _per_channel(_wide(running_mean), x.ndim)) * _per_channel(scale, x.ndim)
    if bias is not None:
        y = y + _per_channel(_wide(bias), x.ndim)
    return y.astype(input.dtype)


native_batch_norm_eval.memory_rule(channels_last())


@native_batch_norm_eval.vjp
def _(ct, input, running_mean, running_var, weight, eps):
    x, c = _wide(input), _wide(ct)
    invstd = _per_channel(lax.rsqrt(_wide(running_var) + eps), x.ndim)
    xhat = (x - _per_channel(_wide(running_mean), x.ndim)) * invstd
    dbias, dweight = _sums(c, xhat, (0, *range(2, x.ndim)))
    scale = invstd if weight is None else invstd * _per_channel(_wide(weight), x.ndim)
    kind = input.dtype if weight is None else weight.dtype
    return (c * scale).astype(input.dtype), None, None, _like(dweight, weight), dbias.reshape(-1).astype(kind)


# ---------------------------------------------------------------- layer norm
def check_normalized_shape(x, shape: tuple[int, ...], gap: str = ", ") -> None:
    """``shape`` must be the last dims of ``x``."""
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            "but got normalized_shape = []"
        )
    if x.shape[max(x.ndim - len(shape), 0) :] != tuple(shape):
        listed = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape=[{listed}], expected input with shape [*{gap}{listed}], "
            f"but got input of size{list(x.shape)}"
        )


def _check_affine(shape, **given) -> None:
    for name, v in given.items():
        if v is not None and v.shape != tuple(shape):
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(v.shape)} "
                f"and normalized_shape = {list(shape)}"
            )


def _check_parameter_dtype(x, *parameters) -> None:
    for v in parameters:
        if v is not None and v.dtype not in (x.dtype, accumulation_dtype(x.dtype)):
            wanted = display_name(accumulation_dtype(x.dtype))
            raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {wanted}")


def _row_moments(x):
    """Mean and biased variance over the last dim (kept): rows are short, so two passes cost one read."""
    mean = jnp.mean(x, axis=-1, keepdims=True)
    return mean, jnp.mean(jnp.square(x - mean), axis=-1, keepdims=True)


@op(
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) "
    "-> Tensor",
    method=False, out=False, namespaces=("nn.functional",), grad_name="NativeLayerNormBackward0",
    samples=cases(
        (T((2, 3, 4)), (4,), T((4,)), T((4,))), (T((2, 3, 4)), (3, 4), T((3, 4)), None), (T((5, 8)), (8,)),
        (T((2, 3, 4)), (4,), None, T((4,)), 1e-3),
    ),
)  # fmt: skip
def layer_norm(input, normalized_shape, weight, bias, eps):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the trailing dims ``normalized_shape``."""
    check_normalized_shape(input, normalized_shape)
    _check_affine(normalized_shape, weight=weight, bias=bias)
    _reject(input, "LayerNormKernelImpl")
    _check_parameter_dtype(input, weight, bias)
    x = _wide(input).reshape(*input.shape[: input.ndim - len(normalized_shape)], math.prod(normalized_shape))
    mean, var = _row_moments(x)
    y = (x - mean) * lax.rsqrt(var + eps)
    if weight is not None:
        y = y * _wide(weight).reshape(-1)
    if bias is not None:
        y = y + _wide(bias).reshape(-1)
    return y.reshape(input.shape).astype(input.dtype)


@layer_norm.vjp
def _(ct, input, normalized_shape, weight, eps):
    width = math.prod(normalized_shape)
    lead = input.shape[: input.ndim - len(normalized_shape)]
    x, c = _wide(input).reshape(*lead, width), _wide(ct).reshape(*lead, width)
    mean, var = _row_moments(x)
    invstd = lax.rsqrt(var + eps)
    xhat = (x - mean) * invstd
    g = c if weight is None else c * _wide(weight).reshape(-1)
    inner = g - jnp.mean(g, axis=-1, keepdims=True) - xhat * jnp.mean(g * xhat, axis=-1, keepdims=True)
    rows = tuple(range(len(lead)))
    kind = input.dtype if weight is None else weight.dtype
    dbias = jnp.sum(c, axis=rows).reshape(normalized_shape).astype(kind)
    dweight = None if weight is None else jnp.sum(c * xhat, axis=rows).reshape(weight.shape).astype(kind)
    return (invstd * inner).reshape(input.shape).astype(input.dtype), dweight, dbias


@op(
    "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor",
    method=False, out=False, namespaces=("torch", "nn.functional"), grad_name="MulBackward0",
    samples=cases(
        (T((2, 3, 4)), (4,), T((4,))), (T((2, 3, 4)), (3, 4)), (T((5, 8)), (8,), T((8,)), 1e-3)
    ),
)  # fmt: skip
def rms_norm(input, normalized_shape, weight, eps):
    """``x / sqrt(mean(x^2) + eps) * weight`` over the trailing dims ``normalized_shape`` (eps: the dtype's)."""
    check_normalized_shape(input, normalized_shape, "")
    _check_affine(normalized_shape, weight=weight)
    x, scale = _rms_rows(input, normalized_shape, eps)
    y = x * scale
    if weight is not None:
        y = y * _wide(weight).reshape(-1)
    return y.reshape(input.shape).astype(input.dtype)


def _rms_rows(input, normalized_shape, eps):
    """Rows in the accumulation dtype and what they are multiplied by."""
    x = _wide(input).reshape(*input.shape[: input.ndim - len(normalized_shape)], math.prod(normalized_shape))
    small = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    return x, lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + small)


@rms_norm.vjp
def _(ct, input, normalized_shape, weight, eps):
    x, scale = _rms_rows(input, normalized_shape, eps)
    c = _wide(ct).reshape(x.shape)
    xhat = jnp.conj(x * scale)
    g = c if weight is None else c * jnp.conj(_wide(weight)).reshape(-1)
    dx = jnp.conj(scale) * (g - xhat * jnp.mean(g * xhat, axis=-1, keepdims=True))
    dweight = None
    if weight is not None:
        dweight = jnp.sum(c * xhat, axis=tuple(range(x.ndim - 1))).reshape(weight.shape).astype(weight.dtype)
    return dx.reshape(input.shape).astype(input.dtype), dweight


# ---------------------------------------------------------------- group norm
def _groups(x, num_groups: int) -> jax.Array:
    return x.reshape(x.shape[0], num_groups, -1)


@op(
    "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor",
    method=False, out=False, namespaces=("_ops",), grad_name="NativeGroupNormBackward0",
    samples=cases((T((2, 6, 5)), 3, T((6,)), T((6,))), (T((3, 4)), 2), (T((2, 4, 3, 3)), 4, T((4,)), None)),
)  # fmt: skip
def group_norm(input, num_groups, weight, bias, eps):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, statistics over each group of channels of a sample."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    channels = input.shape[1]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(v.shape)} and input of shape {list(input.shape)}"
            )
    _reject(input, "GroupNormKernelImpl")
    _check_parameter_dtype(input, weight, bias)
    if not input.size:
        return input
    x = _wide(input)
    mean, var = _row_moments(_groups(x, num_groups))
    y = ((_groups(x, num_groups) - mean) * lax.rsqrt(var + eps)).reshape(input.shape)
    if weight is not None:
        y = y * _per_channel(_wide(weight), input.ndim)
    if bias is not None:
        y = y + _per_channel(_wide(bias), input.ndim)
    return y.astype(input.dtype)


group_norm.memory_rule(channels_last())


@group_norm.vjp
def _(ct, input, num_groups, weight, eps):
    kind = input.dtype if weight is None else weight.dtype
    if not input.size:
        nothing = jnp.zeros((input.shape[1],), kind)
        return jnp.zeros_like(input), None if weight is None else nothing, nothing
    x, c = _wide(input), _wide(ct)
    mean, var = _row_moments(_groups(x, num_groups))
    invstd = lax.rsqrt(var + eps)
    xhat = (_groups(x, num_groups) - mean) * invstd
    g = _groups(c if weight is None else c * _per_channel(_wide(weight), x.ndim), num_groups)
    inner = g - jnp.mean(g, axis=-1, keepdims=True) - xhat * jnp.mean(g * xhat, axis=-1, keepdims=True)
    dbias, dweight = _sums(c, xhat.reshape(x.shape), (0, *range(2, x.ndim)))
    return (
        (invstd * inner).reshape(input.shape).astype(input.dtype),
        _like(dweight, weight),
        dbias.reshape(-1).astype(kind),
    )
