"""Elementwise functions of one tensor: signs, rounding, powers, exponentials, trigonometry."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from .arcs import arccos, arcsin, arctan
from .common import display_name, is_complex, is_integral, refuse
from .registry import ALL, FLOAT, NONE, op
from .samples import T, cases, unary

LN2 = math.log(2.0)


# ---------------------------------------------------------------- sign and magnitude


@refuse("b")
@op("abs(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def absolute(self):
    """``|x|``; real for complex input."""
    return jnp.abs(self)


@absolute.vjp
def _(ct, self):
    if is_complex(self):
        return ct * jnp.sign(self)
    return jnp.where(self > 0, ct, jnp.where(self < 0, -ct, 0))


@refuse(
    "b",
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` "
    "or `logical_not()` operator instead.",
    RuntimeError,
)
@op("neg(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def neg(self):
    """``-x``."""
    return -self


@neg.vjp
def _(ct):
    return -ct


@refuse(
    "c",
    "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
)
@op("sign(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def sign(self):
    """-1, 0 or 1; NaN gives 0."""
    if is_integral(self):
        return self if self.dtype == jnp.bool_ else jnp.sign(self)
    return (self > 0).astype(self.dtype) - (self < 0).astype(self.dtype)


@sign.vjp
def _(ct):
    return jnp.zeros_like(ct)


@op("sgn(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def sgn(self):
    """``x / |x|`` for complex input (0 at 0), else ``sign(x)``."""
    if not is_complex(self):
        return sign(self)
    size = jnp.abs(self)
    return jnp.where(size == 0, 0, self / jnp.where(size == 0, 1, size))


@sgn.vjp
def _(ct, self):
    if not is_complex(self):
        return jnp.zeros_like(ct)
    size = jnp.abs(self)
    safe = jnp.where(size == 0, 1, size)
    unit = self / safe
    return jnp.where(size == 0, 0, (ct - jnp.real(ct * jnp.conj(unit)) * unit) / safe)


@refuse("b", "The `+` operator, on a bool tensor is not supported.", RuntimeError)
@op("positive(Tensor self) -> Tensor", promote=NONE, out=False, pointwise=True, samples=unary())
def positive(self):
    """``x`` itself."""
    return self


@positive.vjp
def _(ct):
    return ct


@op("conj_physical(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def conj_physical(self):
    """Complex conjugate, as new values."""
    return jnp.conj(self) if is_complex(self) else self


@conj_physical.vjp
def _(ct):
    return jnp.conj(ct) if is_complex(ct) else ct


# ---------------------------------------------------------------- rounding


@refuse("b", kernel="ceil_vml_cpu")
@refuse("c", "ceil is not supported for complex inputs")
@op("ceil(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def ceil(self):
    """Smallest integer not below ``x``."""
    return self if is_integral(self) else jnp.ceil(self)


@refuse("b", kernel="floor_vml_cpu")
@refuse("c", "floor is not supported for complex inputs")
@op("floor(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def floor(self):
    """Largest integer not above ``x``."""
    return self if is_integral(self) else jnp.floor(self)


@refuse("b", kernel="trunc_vml_cpu")
@refuse("c", "trunc is not supported for complex inputs")
@op("trunc(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def trunc(self):
    """The integer part."""
    return self if is_integral(self) else jnp.trunc(self)


@refuse("bc", kernel="round_vml_cpu")
@op("round(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def round_(self):
    """Nearest integer, halves to even."""
    return self if is_integral(self) else jnp.round(self)


@refuse("bc")
@op(
    "round.decimals(Tensor self, *, int decimals) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    grad_name="RoundBackward1",
    samples=cases((T((4,)), {"decimals": 1}), (T((2, 3), high=2000.0), {"decimals": -2}), (T(()), {"decimals": 0})),
)  # fmt: skip
def round_decimals(self, decimals):
    """``x`` rounded at a decimal place: ``round(x * 10**d) / 10**d``."""
    if is_integral(self):
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{display_name(self.dtype)}'")
    if decimals == 0:
        return jnp.round(self)
    scale = 10.0 ** abs(decimals)
    return jnp.round(self * scale) / scale if decimals > 0 else jnp.round(self / scale) * scale


for _op in (ceil, floor, trunc, round_, round_decimals):

    @_op.vjp
    def _(ct):
        return jnp.zeros_like(ct)


@refuse("biuc")
@op("frac(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, samples=unary())
def frac(self):
    """The fractional part ``x - trunc(x)``, with the sign of ``x``."""
    return self - jnp.trunc(self)


@frac.vjp
def _(ct):
    return ct


# ---------------------------------------------------------------- powers and roots


@op("reciprocal(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.5, 2.0))
def reciprocal(self):
    """``1 / x``."""
    return 1 / self


@reciprocal.vjp
def _(ct, result):
    return -ct * jnp.conj(result * result)


@op(
    "square(Tensor self) -> Tensor", promote=NONE, inplace=True, pointwise=True, grad_name="PowBackward0",
    samples=unary(),
)  # fmt: skip
def square(self):
    """``x * x``."""
    if self.dtype == jnp.bool_:
        self = self.astype(jnp.int64)
    return self * self


@square.vjp
def _(ct, self):
    return ct * (2 * jnp.conj(self))


@op("sqrt(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.1, 4.0))
def sqrt(self):
    """Square root; NaN below 0 for real input."""
    return jnp.sqrt(self)


@sqrt.vjp
def _(ct, result):
    return ct / (2 * jnp.conj(result))


@op("rsqrt(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.1, 4.0))
def rsqrt(self):
    """``1 / sqrt(x)``."""
    return jax.lax.rsqrt(self)


@rsqrt.vjp
def _(ct, result):
    return -0.5 * ct * jnp.conj(result * result * result)


# ---------------------------------------------------------------- exponentials and logarithms


@op("exp(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def exp(self):
    """``e**x``."""
    return jnp.exp(self)


@exp.vjp
def _(ct, result):
    return ct * jnp.conj(result)


@op("exp2(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def exp2(self):
    """``2**x``."""
    return jnp.exp(self * LN2) if is_complex(self) else jnp.exp2(self)


@exp2.vjp
def _(ct, result):
    return ct * jnp.conj(result) * LN2


@op("expm1(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def expm1(self):
    """``e**x - 1``, accurate near 0."""
    return jnp.expm1(self)


@expm1.vjp
def _(ct, result):
    return ct * (jnp.conj(result) + 1)


@op("log(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.1, 4.0))
def log(self):
    """Natural logarithm."""
    return jnp.log(self)


@log.vjp
def _(ct, self):
    return ct / jnp.conj(self)


def _power_of_two(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The unbiased exponent of a float32/float64 array, and where the value is exactly that power of two."""
    info = jnp.finfo(x.dtype)
    bits = jax.lax.bitcast_convert_type(x, jnp.int32 if info.bits == 32 else jnp.int64)
    biased = bits >> info.nmant
    is_power = ((bits & ((1 << info.nmant) - 1)) == 0) & (biased > 0) & (biased < 2 * info.maxexp - 1)
    return (biased - (info.maxexp - 1)).astype(x.dtype), is_power


@op("log2(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.1, 4.0))
def log2(self):
    """Logarithm to base 2."""
    if is_complex(self):
        return jnp.log(self) / LN2
    # log(x) / log(2) misses whole numbers by a rounding error: read those of powers of two from the bits.
    exponent, is_power = _power_of_two(self)
    return jnp.where(is_power, exponent, jnp.log2(self))


@log2.vjp
def _(ct, self):
    return ct / (jnp.conj(self) * LN2)


@op("log10(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.1, 4.0))
def log10(self):
    """Logarithm to base 10."""
    return jnp.log10(self)


@log10.vjp
def _(ct, self):
    return ct / (jnp.conj(self) * math.log(10.0))


@op(
    "log1p(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, grad_name="Log1PBackward0",
    samples=unary(-0.9, 4.0),
)  # fmt: skip
def log1p(self):
    """``log(1 + x)``, accurate near 0."""
    return jnp.log1p(self)


@log1p.vjp
def _(ct, self):
    return ct / jnp.conj(self + 1)


@op("sigmoid(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-6.0, 6.0))
def sigmoid(self):
    """``1 / (1 + exp(-x))``."""
    return jax.nn.sigmoid(self)


@sigmoid.vjp
def _(ct, result):
    return ct * jnp.conj((1 - result) * result)


@refuse("c")
@op(
    "logit(Tensor self, float? eps=None) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    samples=cases(
        (T((4,), low=0.1, high=0.9),), (T((2, 3), low=-0.5, high=1.5), 0.2), (T((3,), low=0.1, high=0.9), {"eps": 0.3}),
    ),
)  # fmt: skip
def logit(self, eps):
    """``log(x / (1 - x))``, with ``x`` clamped to ``[eps, 1 - eps]`` when ``eps`` is given."""
    x = self if eps is None else jnp.clip(self, eps, 1 - eps)
    return jnp.log(x / (1 - x))


@logit.vjp
def _(ct, self, eps):
    slope = ct / (self * (1 - self))
    if eps is None:
        return jnp.where((self < 0) | (self > 1), jnp.nan, slope)
    return jnp.where((self < eps) | (self > 1 - eps), 0, slope)


# ---------------------------------------------------------------- trigonometry


@op("sin(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def sin(self):
    """Sine of ``x`` radians."""
    return jnp.sin(self)


@sin.vjp
def _(ct, self):
    return ct * jnp.conj(jnp.cos(self))


@op("cos(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def cos(self):
    """Cosine of ``x`` radians."""
    return jnp.cos(self)


@cos.vjp
def _(ct, self):
    return ct * -jnp.conj(jnp.sin(self))


@op("tan(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-1.4, 1.4))
def tan(self):
    """Tangent of ``x`` radians."""
    return jnp.tan(self)


@tan.vjp
def _(ct, result):
    return ct * jnp.conj(1 + result * result)


@op("asin(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-0.9, 0.9))
def asin(self):
    """Inverse sine, in radians."""
    return arcsin(self)


@asin.vjp
def _(ct, self):
    return ct * jnp.conj(jax.lax.rsqrt(1 - self * self))


@op("acos(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-0.9, 0.9))
def acos(self):
    """Inverse cosine, in radians."""
    return arccos(self)


@acos.vjp
def _(ct, self):
    return ct * -jnp.conj(jax.lax.rsqrt(1 - self * self))


@op("atan(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def atan(self):
    """Inverse tangent, in radians."""
    return arctan(self)


@atan.vjp
def _(ct, self):
    return ct / jnp.conj(1 + self * self)


@op("sinh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def sinh(self):
    """Hyperbolic sine."""
    return jnp.sinh(self)


@sinh.vjp
def _(ct, self):
    return ct * jnp.conj(jnp.cosh(self))


@op("cosh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def cosh(self):
    """Hyperbolic cosine."""
    return jnp.cosh(self)


@cosh.vjp
def _(ct, self):
    return ct * jnp.conj(jnp.sinh(self))


@op("tanh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def tanh(self):
    """Hyperbolic tangent."""
    return jnp.tanh(self)


@tanh.vjp
def _(ct, result):
    return ct * jnp.conj(1 - result * result)


@op("asinh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def asinh(self):
    """Inverse hyperbolic sine."""
    return jnp.arcsinh(self)


@asinh.vjp
def _(ct, self):
    return ct * jnp.conj(jax.lax.rsqrt(self * self + 1))


@op("acosh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(1.1, 4.0))
def acosh(self):
    """Inverse hyperbolic cosine."""
    return jnp.arccosh(self)


@acosh.vjp
def _(ct, self):
    # For complex values sqrt(x - 1) * sqrt(x + 1) lies on the right branch; sqrt(x*x - 1) does not.
    if is_complex(self):
        return ct * jnp.conj(jax.lax.rsqrt(self - 1) * jax.lax.rsqrt(self + 1))
    return ct * jax.lax.rsqrt(self * self - 1)


@op("atanh(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-0.9, 0.9))
def atanh(self):
    """Inverse hyperbolic tangent."""
    return jnp.arctanh(self)


@atanh.vjp
def _(ct, self):
    return ct / jnp.conj(1 - self * self)


@op("sinc(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def sinc(self):
    """``sin(pi x) / (pi x)``, 1 at 0."""
    safe = jnp.where(self == 0, 1, self) * math.pi
    return jnp.where(self == 0, 1, jnp.sin(safe) / safe)


@sinc.vjp
def _(ct, self):
    # (pi x cos(pi x) - sin(pi x)) / (pi x**2), 0 where the denominator is.
    angle = self * math.pi
    below = angle * self
    slope = (angle * jnp.cos(angle) - jnp.sin(angle)) / jnp.where(below == 0, 1, below)
    return ct * jnp.conj(jnp.where(below == 0, 0, slope))


@refuse("c", "deg2rad is not supported for complex tensors.", RuntimeError)
@op(
    "deg2rad(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, grad_name="Deg2RadBackward0",
    samples=unary(-180.0, 180.0),
)  # fmt: skip
def deg2rad(self):
    """Degrees to radians."""
    return self * (math.pi / 180)


@deg2rad.vjp
def _(ct):
    return ct * (math.pi / 180)


@refuse("c", "rad2deg is not supported for complex tensors.", RuntimeError)
@op(
    "rad2deg(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, grad_name="Rad2DegBackward0",
    samples=unary(),
)  # fmt: skip
def rad2deg(self):
    """Radians to degrees."""
    return self * (180 / math.pi)


@rad2deg.vjp
def _(ct):
    return ct * (180 / math.pi)


ALIASES = {
    "absolute": "abs", "negative": "neg", "fix": "trunc", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "special.exp2": "exp2", "special.expm1": "expm1",
    "special.log1p": "log1p", "special.expit": "sigmoid", "special.logit": "logit", "special.sinc": "sinc",
    "special.round": "round", "nn.functional.sigmoid": "sigmoid", "nn.functional.tanh": "tanh",
}  # fmt: skip
"""Other spellings: public name -> op."""
