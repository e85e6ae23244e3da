"""Activation functions: rectifiers, sigmoid-like gates, shrinkages."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from .common import at_least, at_most, canonical_dim, display_name, refuse
from .memory import as_first, channels_last
from .registry import ALL, FLOAT, op
from .samples import T, cases, unary

F = ("nn.functional",)
BOTH = ("torch", "nn.functional")
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717

# ---------------------------------------------------------------- rectifiers


@refuse("b", "Boolean inputs not supported for relu", RuntimeError)
@refuse("c", "clamp is not supported for complex types")
@op(
    "relu(Tensor self) -> Tensor", promote=ALL, opmath=False, inplace=True, out=False, pointwise=True, namespaces=BOTH,
    samples=unary(),
)  # fmt: skip
def relu(self):
    """``max(x, 0)``."""
    return at_least(self, 0)


@relu.vjp
def _(ct, result):
    return jnp.where(result <= 0, 0, ct)


def _hardtanh(x: jax.Array, low: float, high: float) -> jax.Array:
    return at_most(at_least(x, jnp.asarray(low).astype(x.dtype)), jnp.asarray(high).astype(x.dtype))


@op(
    "hardtanh(Tensor input, float min_val=-1.0, float max_val=1.0) -> Tensor", promote=ALL, opmath=False,
    inplace=True, out=False, method=False, pointwise=True, namespaces=F,
    samples=cases((T((2, 3)),), (T((5,)), -0.5, 0.25), (T(()),), (T((0,)),)),
)  # fmt: skip
def hardtanh(input, min_val, max_val):
    """``x`` held between ``min_val`` and ``max_val``."""
    return _hardtanh(input, min_val, max_val)


@hardtanh.vjp
def _(ct, input, min_val, max_val):
    return jnp.where((input > min_val) & (input < max_val), ct, 0)


@hardtanh.check
def _(input, min_val, max_val):
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype == np.bool_:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if np.dtype(input.dtype).kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    if np.dtype(input.dtype).kind == "u" and (int(min_val) < 0 or int(max_val) < 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


@refuse("b", "Bool inputs not supported for hardtanh", RuntimeError)
@refuse("c", "clamp is not supported for complex types")
@op(
    "relu6(Tensor input) -> Tensor", promote=ALL, opmath=False, inplace=True, out=False, method=False, pointwise=True,
    namespaces=F, grad_name="HardtanhBackward0", samples=unary(-3.0, 9.0),
)  # fmt: skip
def relu6(input):
    """``min(max(x, 0), 6)``."""
    return _hardtanh(input, 0, 6)


@relu6.vjp
def _(ct, input):
    return jnp.where((input > 0) & (input < 6), ct, 0)


@refuse("biuc")
@op(
    "leaky_relu(Tensor input, float negative_slope=0.01) -> Tensor", promote=ALL, inplace=True, out=False,
    method=False, pointwise=True, namespaces=F, samples=cases((T((2, 3)),), (T((5,)), 0.3), (T(()),), (T((0,)),)),
)  # fmt: skip
def leaky_relu(input, negative_slope):
    """``x`` above 0, ``negative_slope * x`` below."""
    return jnp.where(input > 0, input, input * negative_slope)


@leaky_relu.vjp
def _(ct, input, negative_slope):
    return jnp.where(input > 0, ct, ct * negative_slope)


@refuse("biuc")
@op(
    "_rrelu(Tensor input, Tensor noise) -> Tensor", promote=ALL, inplace=True, out=False, method=False,
    pointwise=True, namespaces=("_ops",), grad_name="RreluWithNoiseBackward0", differentiable=("input",),
    samples=cases((T((2, 3)), T((2, 3), low=0.1, high=0.3))),
)  # fmt: skip
def rrelu(input, noise):
    """``x`` above 0, ``noise * x`` below: leaky_relu with a slope for each element."""
    return jnp.where(input > 0, input, input * noise)


@rrelu.vjp
def _(ct, input, noise):
    return jnp.where(input > 0, ct, ct * noise), None


@op(
    "prelu(Tensor self, Tensor weight) -> Tensor", promote=ALL, out=False, namespaces=BOTH,
    grad_name="PreluKernelBackward0",
    samples=cases(
        (T((2, 3)), T((1,))), (T((2, 3)), T((3,))), (T((2, 3, 4)), T((3,))), (T((5,)), T((1,))), (T((2, 3)), T(())),
    ),
)  # fmt: skip
def prelu(self, weight):
    """``x`` above 0, ``weight * x`` below, one weight for all or one for each channel (dim 1)."""
    return jnp.where(self > 0, self, _per_channel(weight, self.ndim) * self)


prelu.memory_rule(as_first)


def _per_channel(weight: jax.Array, ndim: int) -> jax.Array:
    if weight.size == 1:
        return weight.reshape(())
    return weight.reshape((1, -1) + (1,) * (ndim - 2)) if ndim >= 2 else weight


@prelu.vjp
def _(ct, self, weight):
    positive = self > 0
    slope = jnp.where(positive, 0, ct * self)
    kept = (1,) if weight.size > 1 and self.ndim >= 2 else ()
    flow = jnp.sum(slope, axis=tuple(i for i in range(self.ndim) if i not in kept))
    return jnp.where(positive, ct, _per_channel(weight, self.ndim) * ct), flow.reshape(weight.shape)


@prelu.check
def _(self, weight):
    if self.dtype != weight.dtype:
        names = display_name(self.dtype), display_name(weight.dtype)
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names[0]} and {names[1]}")
    if np.dtype(self.dtype).kind in "biuc":
        raise NotImplementedError(f"\"prelu_cpu\" not implemented for '{display_name(self.dtype)}'")
    if weight.size != 1:
        if self.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = self.shape[1] if self.ndim >= 2 else 1
        if weight.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.size} and channel size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")


@refuse("bc")
@op(
    "threshold(Tensor self, float threshold, float value) -> Tensor", promote=ALL, opmath=False, inplace=True,
    out=False, method=False, pointwise=True, namespaces=BOTH,
    samples=cases((T((2, 3)), 0.5, 7.0), (T(()), 0.0, 1.0), (T((0,)), 0.0, 1.0)),
)  # fmt: skip
def threshold(self, threshold, value):
    """``x`` above ``threshold``, else ``value``."""
    return jnp.where(self <= threshold, jnp.asarray(value).astype(self.dtype), self)


@threshold.vjp
def _(ct, self, threshold):
    return jnp.where(self <= threshold, 0, ct)


# ---------------------------------------------------------------- exponential units


def _elu(x: jax.Array, alpha: float, scale: float, input_scale: float) -> jax.Array:
    low = jnp.expm1(jnp.minimum(x, 0) * input_scale)
    return jnp.where(x <= 0, low * (alpha * scale), x * scale if scale != 1 else x)


def _elu_slope(ct: jax.Array, x: jax.Array, alpha: float, scale: float, input_scale: float) -> jax.Array:
    low = jnp.exp(jnp.minimum(x, 0) * input_scale) * (alpha * scale * input_scale)
    return jnp.where(x <= 0, ct * low, ct * scale if scale != 1 else ct)


@refuse("biuc")
@op(
    "elu(Tensor input, float alpha=1.0) -> Tensor", promote=ALL, inplace=True, out=False, method=False,
    pointwise=True, namespaces=F, samples=cases((T((2, 3)),), (T((5,)), 0.7), (T(()),), (T((0,)),)),
)  # fmt: skip
def elu(input, alpha):
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below."""
    return _elu(input, alpha, 1.0, 1.0)


@elu.vjp
def _(ct, input, alpha):
    return _elu_slope(ct, input, alpha, 1.0, 1.0)


@refuse("biuc", kernel="elu_cpu")
@op(
    "celu(Tensor input, float alpha=1.0) -> Tensor", promote=ALL, inplace=True, out=False, method=False,
    pointwise=True, namespaces=BOTH, samples=cases((T((2, 3)),), (T((5,)), 0.7), (T(()),), (T((0,)),)),
)  # fmt: skip
def celu(input, alpha):
    """``x`` above 0, ``alpha * (exp(x / alpha) - 1)`` below."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _elu(input, alpha, 1.0, 1 / alpha)


@celu.vjp
def _(ct, input, alpha):
    return _elu_slope(ct, input, alpha, 1.0, 1 / alpha)


@refuse("biuc", kernel="elu_cpu")
@op(
    "selu(Tensor input) -> Tensor", promote=ALL, inplace=True, out=False, method=False, pointwise=True,
    namespaces=BOTH, grad_name="EluBackward0", samples=unary(),
)  # fmt: skip
def selu(input):
    """``scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))`` with the self-normalising constants."""
    return _elu(input, _SELU_ALPHA, _SELU_SCALE, 1.0)


@selu.vjp
def _(ct, input):
    return _elu_slope(ct, input, _SELU_ALPHA, _SELU_SCALE, 1.0)


# ---------------------------------------------------------------- smooth gates

_GELU_C = math.sqrt(2 / math.pi)


def _gelu_tanh(x: jax.Array) -> jax.Array:
    return jnp.tanh(_GELU_C * (x + 0.044715 * x * x * x))


@op(
    "gelu(Tensor input, *, str approximate='none') -> Tensor", promote=ALL, method=False, pointwise=True,
    namespaces=F, samples=cases((T((2, 3)),), (T((5,)), {"approximate": "tanh"}), (T(()),), (T((0,)),)),
)  # fmt: skip
def gelu(input, approximate):
    """``x * Phi(x)`` with the normal distribution function, or its ``tanh`` approximation."""
    if approximate == "tanh":
        return 0.5 * input * (1 + _gelu_tanh(input))
    return 0.5 * input * (1 + jax.lax.erf(input * math.sqrt(0.5)))


@gelu.vjp
def _(ct, input, approximate):
    if approximate == "tanh":
        t = _gelu_tanh(input)
        inner = _GELU_C * (1 + 3 * 0.044715 * input * input)
        return ct * (0.5 * (1 + t) + 0.5 * input * (1 - t * t) * inner)
    cdf = 0.5 * (1 + jax.lax.erf(input * math.sqrt(0.5)))
    return ct * (cdf + input * jnp.exp(-0.5 * input * input) * (1 / math.sqrt(2 * math.pi)))


@gelu.check
def _(input, approximate):
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    if np.dtype(input.dtype).kind in "biuc":
        raise NotImplementedError(f"\"GeluKernelImpl\" not implemented for '{display_name(input.dtype)}'")


@refuse("biu")
@op(
    "silu(Tensor input) -> Tensor", promote=ALL, inplace=True, out=False, method=False, pointwise=True, namespaces=F,
    samples=unary(),
)  # fmt: skip
def silu(input):
    """``x * sigmoid(x)``."""
    return input * jax.nn.sigmoid(input)


@silu.vjp
def _(ct, input):
    s = jax.nn.sigmoid(input)
    return ct * jnp.conj(s * (1 + input * (1 - s)))


@refuse("biuc")
@op(
    "mish(Tensor input) -> Tensor", promote=ALL, inplace=True, out=False, method=False, pointwise=True, namespaces=F,
    samples=unary(),
)  # fmt: skip
def mish(input):
    """``x * tanh(log(1 + exp(x)))``."""
    return input * jnp.tanh(jax.nn.softplus(input))


@mish.vjp
def _(ct, input):
    t = jnp.tanh(jax.nn.softplus(input))
    return ct * (t + input * jax.nn.sigmoid(input) * (1 - t * t))


@refuse("biuc")
@op(
    "softplus(Tensor input, float beta=1.0, float threshold=20.0) -> Tensor", promote=ALL, method=False,
    pointwise=True, namespaces=F, samples=cases((T((2, 3)),), (T((5,)), 2.0, 1.0), (T(()),), (T((0,)),)),
)  # fmt: skip
def softplus(input, beta, threshold):
    """``log(1 + exp(beta x)) / beta``; ``x`` itself where ``beta x > threshold``."""
    z = input * beta
    return jnp.where(z > threshold, input, jnp.log1p(jnp.exp(jnp.minimum(z, threshold))) / beta)


@softplus.vjp
def _(ct, input, beta, threshold):
    z = input * beta
    return jnp.where(z > threshold, ct, ct * jax.nn.sigmoid(z))


@refuse("biuc", kernel="log_sigmoid_cpu")
@op(
    "logsigmoid(Tensor input) -> Tensor", promote=ALL, method=False, pointwise=True, namespaces=F,
    grad_name="LogSigmoidBackward0", samples=unary(),
)  # fmt: skip
def logsigmoid(input):
    """``log(sigmoid(x))``."""
    return jnp.minimum(input, 0) - jnp.log1p(jnp.exp(-jnp.abs(input)))


@logsigmoid.vjp
def _(ct, input):
    return ct * jax.nn.sigmoid(-input)


@refuse("b", kernel="abs_cpu")
@op(
    "softsign(Tensor input) -> Tensor", promote=FLOAT, out=False, method=False, pointwise=True, namespaces=F,
    grad_name="DivBackward0", samples=unary(),
)  # fmt: skip
def softsign(input):
    """``x / (1 + |x|)``."""
    return input / (1 + jnp.abs(input))


@softsign.vjp
def _(ct, input):
    size = 1 + jnp.abs(input)
    radial = jnp.real(ct * jnp.conj(input)) / (size * size)
    return ct / size - radial * jnp.sign(input)


@refuse("b", "Subtraction, the `-` operator, with a bool tensor is not supported.", RuntimeError)
@op(
    "tanhshrink(Tensor input) -> Tensor", promote=FLOAT, out=False, method=False, pointwise=True, namespaces=F,
    grad_name="SubBackward0", samples=unary(),
)  # fmt: skip
def tanhshrink(input):
    """``x - tanh(x)``."""
    return input - jnp.tanh(input)


@tanhshrink.vjp
def _(ct, input):
    t = jnp.tanh(input)
    return ct * jnp.conj(t * t)


# ---------------------------------------------------------------- hard gates and shrinkages


@refuse("biuc")
@op(
    "hardsigmoid(Tensor input) -> Tensor", promote=ALL, inplace=True, out=False, method=False, pointwise=True,
    namespaces=F, samples=unary(-4.0, 4.0),
)  # fmt: skip
def hardsigmoid(input):
    """``min(max(x + 3, 0), 6) / 6``."""
    return jnp.clip(input + 3, 0, 6) / 6


@hardsigmoid.vjp
def _(ct, input):
    return jnp.where((input > -3) & (input < 3), ct / 6, 0)


@refuse("biuc")
@op(
    "hardswish(Tensor input) -> Tensor", promote=ALL, inplace=True, out=False, method=False, pointwise=True,
    namespaces=F, samples=unary(-4.0, 4.0),
)  # fmt: skip
def hardswish(input):
    """``x * min(max(x + 3, 0), 6) / 6``."""
    return input * jnp.clip(input + 3, 0, 6) / 6


@hardswish.vjp
def _(ct, input):
    return jnp.where(input <= -3, 0, jnp.where(input < 3, ct * (input / 3 + 0.5), ct))


@refuse("biuc")
@op(
    "hardshrink(Tensor self, float lambd=0.5) -> Tensor", promote=ALL, opmath=False, pointwise=True,
    namespaces=BOTH, samples=cases((T((2, 3)),), (T((5,)), 1.0), (T(()),), (T((0,)),)),
)  # fmt: skip
def hardshrink(self, lambd):
    """0 where ``|x| <= lambd``, else ``x``."""
    return jnp.where((self >= -lambd) & (self <= lambd), 0, self)


@hardshrink.vjp
def _(ct, self, lambd):
    return jnp.where((self < -lambd) | (self > lambd), ct, 0)


@refuse("biuc", kernel="softshrink_check")
@op(
    "softshrink(Tensor input, float lambd=0.5) -> Tensor", promote=ALL, method=False, pointwise=True,
    namespaces=F, samples=cases((T((2, 3)),), (T((5,)), 1.0), (T(()),), (T((0,)),)),
)  # fmt: skip
def softshrink(input, lambd):
    """``x`` moved towards 0 by ``lambd``, not beyond."""
    if not 0 <= lambd <= float(jnp.finfo(input.dtype).max):
        raise RuntimeError(
            f"lambda must be in range [0, {float(jnp.finfo(input.dtype).max):g}] for input dtype "
            f"{display_name(input.dtype)}, but found {lambd:g}"
        )
    return jnp.where(input > lambd, input - lambd, jnp.where(input < -lambd, input + lambd, input * 0))


@softshrink.vjp
def _(ct, input, lambd):
    return jnp.where((input < -lambd) | (input > lambd), ct, 0)


# ---------------------------------------------------------------- gated halves


@refuse("biuc")
@op(
    "glu(Tensor input, int dim=-1) -> Tensor", promote=ALL, out=False, method=False, namespaces=F,
    samples=cases((T((2, 4)),), (T((4, 3)), 0), (T((2, 6, 3)), -2)),
)  # fmt: skip
def glu(input, dim):
    """``a * sigmoid(b)`` for the halves ``a``, ``b`` of a dim."""
    a, b = _halves(input, dim)
    return a * jax.nn.sigmoid(b)


glu.memory_rule(channels_last())


def _halves(x: jax.Array, dim: int) -> tuple[jax.Array, jax.Array]:
    if x.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    at = canonical_dim(dim, x.ndim)
    if x.shape[at] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {at} is size {x.shape[at]}")
    first, second = jnp.split(x, 2, axis=at)
    return first, second


@glu.vjp
def _(ct, input, dim):
    a, b = _halves(input, dim)
    gate = jax.nn.sigmoid(b)
    return jnp.concatenate([ct * gate, ct * a * gate * (1 - gate)], axis=canonical_dim(dim, input.ndim))


ALIASES: dict[str, str] = {}
"""Other spellings: public name -> op."""
