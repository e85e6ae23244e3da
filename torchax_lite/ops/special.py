"""Elementwise special functions: error functions, gamma and zeta family, Bessel functions, entropy terms."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from .common import needs_tensor, refuse
from .registry import ALL, FLOAT, ArraySpec, op
from .samples import T, cases, unary

SPECIAL = ("special",)
_ROOT_PI = math.sqrt(math.pi)

# ---------------------------------------------------------------- error functions


@refuse("c", kernel="erf_vml_cpu")
@op("erf(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def erf(self):
    """``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``."""
    return jax.lax.erf(self)


@erf.vjp
def _(ct, self):
    return ct * (2 / _ROOT_PI) * jnp.exp(-self * self)


@refuse("c", kernel="erfc_vml_cpu")
@op("erfc(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def erfc(self):
    """``1 - erf(x)``, accurate for large ``x``."""
    return jax.lax.erfc(self)


@erfc.vjp
def _(ct, self):
    return ct * (-2 / _ROOT_PI) * jnp.exp(-self * self)


@refuse("c", kernel="erfinv_vml_cpu")
@op("erfinv(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(-0.9, 0.9))
def erfinv(self):
    """Inverse of erf on [-1, 1]; NaN outside."""
    return jax.lax.erf_inv(self)


@erfinv.vjp
def _(ct, result):
    return ct * (_ROOT_PI / 2) * jnp.exp(result * result)


def _faddeeva_coefficients(terms: int = 40) -> tuple[float, np.ndarray]:
    """Weideman's rational expansion of the Faddeeva function (SIAM J. Numer. Anal. 31, 1994): scale, coefficients."""
    points = 2 * terms
    angles = np.arange(-points + 1, points) * math.pi / points
    scale = math.sqrt(terms / math.sqrt(2))
    t = scale * np.tan(angles / 2)
    values = np.concatenate([[0.0], np.exp(-t * t) * (scale * scale + t * t)])
    spectrum = np.real(np.fft.fft(np.fft.fftshift(values))) / (2 * points)
    return scale, np.flipud(spectrum[1 : terms + 1])


def _erfcx(x: jax.Array) -> jax.Array:
    """``exp(x**2) * erfc(x)`` by Weideman's expansion for x >= 0, ``1 / (sqrt(pi) x)`` far out, reflection below."""
    scale, coefficients = _faddeeva_coefficients()
    size = jnp.abs(x)
    near = jnp.minimum(size, 1e3)
    z = (scale - near) / (scale + near)
    poly = jnp.polyval(jnp.asarray(coefficients, x.dtype), z)
    positive = 2 * poly / (scale + near) ** 2 + (1 / _ROOT_PI) / (scale + near)
    positive = jnp.where(size > 1e3, (1 / _ROOT_PI) / size * (1 - 0.5 / (size * size)), positive)
    return jnp.where(x < 0, 2 * jnp.exp(x * x) - positive, positive)


@refuse("c")
@op(
    "erfcx(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialErfcxBackward0", samples=unary(),
)  # fmt: skip
def erfcx(self):
    """``exp(x**2) * erfc(x)``."""
    return _erfcx(self)


@erfcx.vjp
def _(ct, self, result):
    return ct * (2 * self * result - 2 / _ROOT_PI)


@refuse("c")
@op(
    "ndtr(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="MulBackward1", samples=unary(),
)  # fmt: skip
def ndtr(self):
    """Distribution function of the standard normal."""
    return 0.5 * jax.lax.erfc(-self * math.sqrt(0.5))


@ndtr.vjp
def _(ct, self):
    return ct * jnp.exp(-0.5 * self * self) * (1 / math.sqrt(2 * math.pi))


@refuse("c")
@op(
    "ndtri(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialNdtriBackward0", samples=unary(0.05, 0.95),
)  # fmt: skip
def ndtri(self):
    """Quantile function of the standard normal."""
    return jsp.ndtri(self)


@ndtri.vjp
def _(ct, result):
    return ct * jnp.exp(0.5 * result * result) * math.sqrt(2 * math.pi)


@refuse("c")
@op(
    "log_ndtr(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialLogNdtrBackward0", samples=unary(),
)  # fmt: skip
def log_ndtr(self):
    """Logarithm of the distribution function of the standard normal."""
    t = self * math.sqrt(0.5)
    low = jnp.minimum(t, 0)
    return jnp.where(self < -1, jnp.log(_erfcx(-low) * 0.5) - t * t, jnp.log1p(-0.5 * jax.lax.erfc(t)))


@log_ndtr.vjp
def _(ct, self):
    return ct * (2 / math.sqrt(2 * math.pi)) / _erfcx(-self * math.sqrt(0.5))


# ---------------------------------------------------------------- gamma and zeta


def _lgamma(x: jax.Array) -> jax.Array:
    """XLA's in float64 for every dtype: its float32 form is up to 800 ulp off, and 5e-7 instead of 0 at 1."""
    return jax.lax.lgamma(x.astype(jnp.float64)).astype(x.dtype)


@refuse("c", kernel="lgamma_vml_cpu")
@op("lgamma(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.5, 4.0))
def lgamma(self):
    """``log |gamma(x)|``."""
    return _lgamma(self)


@lgamma.vjp
def _(ct, self):
    return ct * _digamma(self)


def _digamma(x: jax.Array) -> jax.Array:
    """psi(x): NaN at the negative integers, an infinity of the opposite sign at +-0."""
    return jnp.where(x == 0, jnp.copysign(jnp.inf, -x), jax.lax.digamma(jnp.where(x == 0, 1, x)))


@refuse("c")
@op("digamma(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary(0.5, 4.0))
def digamma(self):
    """Derivative of ``log gamma``."""
    return _digamma(self)


@digamma.vjp
def _(ct, self):
    return ct * _polygamma(1, self)


_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
)  # fmt: skip


def _hurwitz(order: int, x: jax.Array) -> jax.Array:
    """``sum over k >= 0 of (x + k) ** -order`` for order >= 2 and x > 0, by Euler-Maclaurin after 10 terms."""
    total = jnp.zeros_like(x)
    for k in range(10):
        total = total + (x + k) ** -order
    w = x + 10
    total = total + w ** (1 - order) / (order - 1) + 0.5 * w**-order
    rising = float(order)
    factorial = 2.0
    for i, b in enumerate(_BERNOULLI):
        total = total + (b * rising / factorial) * w ** (-order - 2 * i - 1)
        rising *= (order + 2 * i + 1) * (order + 2 * i + 2)
        factorial *= (2 * i + 3) * (2 * i + 4)
    return total


def _cotangent_derivatives(n: int) -> np.ndarray:
    """Polynomial p in c = cot(pi x) with ``d^n/dx^n (pi cot(pi x)) = pi**(n + 1) * p(c)``; lowest power first."""
    p = np.array([0.0, 1.0])
    for _ in range(n):
        slope = np.polynomial.polynomial.polyder(p)
        p = np.polynomial.polynomial.polymul(slope, [-1.0, 0.0, -1.0])
    return p


def _polygamma(n: int, x: jax.Array) -> jax.Array:
    """n-th derivative of digamma, n >= 1: a Hurwitz zeta sum, reflected for x < 0.

    psi_n(x) = (-1)^n psi_n(1 - x) - d^n/dx^n pi cot(pi x).
    """
    sign = 1.0 if n % 2 else -1.0
    scale = sign * math.factorial(n)
    reflected = x <= 0
    safe = jnp.where(reflected, 1 - x, x)
    right = scale * _hurwitz(n + 1, safe)
    # cot has period 1: reduce first, for accuracy.
    phase = x - jnp.round(x)
    cot = jnp.sin(math.pi * (0.5 - jnp.abs(phase))) / jnp.sin(math.pi * phase)  # exactly zero halfway between poles
    coefficients = _cotangent_derivatives(n)[::-1]
    bend = jnp.polyval(jnp.asarray(coefficients, x.dtype), cot) * math.pi ** (n + 1)
    if n == 1:  # as PyTorch computes it: large, not infinite, at the poles below zero
        bend = -jnp.square(math.pi / jnp.sin(jnp.asarray(math.pi, x.dtype) * x))
    left = (1.0 if n % 2 == 0 else -1.0) * right - bend
    result = jnp.where(reflected, left, right)
    pole = reflected & (x == jnp.floor(x)) if n > 1 else x == 0
    return jnp.where(pole, jnp.inf if n % 2 else -jnp.inf, result)


@refuse("c")
@op(
    "polygamma(int n, Tensor self) -> Tensor", promote=FLOAT, method=False, pointwise=True,
    samples=cases(
        (0, T((3,), low=0.5)), (1, T((2, 3), low=0.5)), (2, T((2, 3), low=0.5)), (3, T((2, 3), low=-0.9, high=-0.1)),
    ),
)  # fmt: skip
def polygamma(n, self):
    """``n``-th derivative of digamma."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return _digamma(self) if n == 0 else _polygamma(n, self)


@polygamma.vjp
def _(ct, n, self):
    return ct * _polygamma(n + 1, self)


@refuse("c")
@refuse("b", "The input tensor may not be a boolean tensor.", RuntimeError)
@op(
    "mvlgamma(Tensor self, int p) -> Tensor", promote=FLOAT, inplace=True, pointwise=True,
    samples=cases((T((2, 3), low=3.0, high=6.0), 1), (T((2, 3), low=3.0, high=6.0), 3)),
)  # fmt: skip
def mvlgamma(self, p):
    """Multivariate log-gamma: ``p (p - 1) / 4 log(pi) + sum of lgamma(x - i / 2) for i < p``."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = jnp.full_like(self, p * (p - 1) / 4 * math.log(math.pi))
    for i in range(p):
        total = total + _lgamma(self - i / 2)
    return total


@mvlgamma.vjp
def _(ct, self, p):
    total = jnp.zeros_like(self)
    for i in range(p):
        total = total + _digamma(self - i / 2)
    return ct * total


@refuse("c")
@refuse("biu")
@op(
    "igamma(Tensor self, Tensor other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    samples=cases((T((2, 3), low=0.5), T((3,), low=0.5)), (T(()), T((), low=0.5))),
)  # fmt: skip
def igamma(self, other):
    """Regularised lower incomplete gamma function P(self, other)."""
    return jsp.gammainc(self, other)


igamma.without_slope = {"self": "the derivative for 'igamma: input' is not implemented."}


@igamma.vjp
def _(ct, self, other):
    return None, ct * jnp.exp((self - 1) * jnp.log(other) - other - _lgamma(self))


@refuse("c")
@refuse("biu")
@op(
    "igammac(Tensor self, Tensor other) -> Tensor", promote=ALL, inplace=True, pointwise=True,
    samples=cases((T((2, 3), low=0.5), T((3,), low=0.5)), (T(()), T((), low=0.5))),
)  # fmt: skip
def igammac(self, other):
    """Regularised upper incomplete gamma function Q(self, other)."""
    return jsp.gammaincc(self, other)


igammac.without_slope = {"self": "the derivative for 'igammac: input' is not implemented."}


@igammac.vjp
def _(ct, self, other):
    return None, -ct * jnp.exp((self - 1) * jnp.log(other) - other - _lgamma(self))


@jax.custom_jvp
def _zeta(s: jax.Array, q: jax.Array) -> jax.Array:
    """Hurwitz zeta function of arrays; differentiable in ``q`` to any order."""
    return jax.lax.zeta(s, q)


@_zeta.defjvp
def _(primals: Any, tangents: Any) -> Any:
    s, q = primals
    return _zeta(s, q), tangents[1] * -s * _zeta(s + 1, q)


def _zeta_name(self: Any, other: Any) -> str:
    if not isinstance(self, ArraySpec):
        return "SpecialZetaBackward1"
    return "SpecialZetaBackward0" if isinstance(other, ArraySpec) else "SpecialZetaBackward2"


@needs_tensor("special_zeta")
@refuse("c")
@op(
    "zeta(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=FLOAT, pointwise=True, method=False,
    namespaces=SPECIAL, differentiable=("other",), grad_name=_zeta_name,
    samples=cases(
        (T((2, 3), low=1.5, high=4.0), T((3,), low=0.5)), (3, T((3,), low=0.5)), (T((3,), low=1.5, high=4.0), 2),
    ),
)  # fmt: skip
def zeta(self, other):
    """Hurwitz zeta function: ``sum over k >= 0 of (k + other) ** -self``."""
    self, other = jnp.broadcast_arrays(self, other)
    pole = (self > 1) & (other <= 0) & (other == jnp.floor(other))
    value = jnp.where(pole, jnp.inf, jax.lax.zeta(self, jnp.where(pole, 1, other)))
    return jnp.where(self == 1, jnp.inf, jnp.where(self < 1, jnp.nan, value))


@zeta.vjp
def _(ct, self, other):
    self, other = jnp.broadcast_arrays(self, other)
    return None, ct * -self * _zeta(self + 1, other)


# ---------------------------------------------------------------- Bessel functions


@refuse("c", kernel="i0_vml_cpu")
@op("i0(Tensor self) -> Tensor", promote=FLOAT, inplace=True, pointwise=True, samples=unary())
def i0(self):
    """Modified Bessel function of the first kind, order 0."""
    return jsp.i0(self)


@i0.vjp
def _(ct, self):
    return ct * jsp.i1(self)


@refuse("c")
@op(
    "i0e(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialI0EBackward0", samples=unary(),
)  # fmt: skip
def i0e(self):
    """``exp(-|x|) * i0(x)``."""
    return jsp.i0e(self)


@i0e.vjp
def _(ct, self, result):
    return ct * (jsp.i1e(self) - jnp.sign(self) * result)


def _i1_over_x(i1: jax.Array, x: jax.Array, limit: float) -> jax.Array:
    """``i1 / x`` with its limit at 0."""
    zero = jnp.abs(x) <= jnp.finfo(x.dtype).eps
    return jnp.where(zero, limit, i1 / jnp.where(zero, 1, x))


@refuse("c")
@op(
    "i1(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialI1Backward0", samples=unary(),
)  # fmt: skip
def i1(self):
    """Modified Bessel function of the first kind, order 1."""
    return jsp.i1(self)


@i1.vjp
def _(ct, self, result):
    return ct * (jsp.i0(self) - _i1_over_x(result, self, 0.5))


@refuse("c")
@op(
    "i1e(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialI1EBackward0", samples=unary(),
)  # fmt: skip
def i1e(self):
    """``exp(-|x|) * i1(x)``."""
    return jsp.i1e(self)


@i1e.vjp
def _(ct, self, result):
    return ct * (jsp.i0e(self) - jnp.sign(self) * result - _i1_over_x(result, self, 0.5))


@refuse("c")
@op(
    "spherical_bessel_j0(Tensor x) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    differentiable=False, samples=unary(),
)  # fmt: skip
def spherical_bessel_j0(x):
    """``sin(x) / x``, 1 at 0."""
    small = jnp.abs(x) < 0.5
    safe = jnp.where(small, 1, x)
    series = 1 - x * x / 6 * (1 - x * x / 20 * (1 - x * x / 42 * (1 - x * x / 72 * (1 - x * x / 110))))
    return jnp.where(jnp.isinf(x), 0, jnp.where(small, series, jnp.sin(safe) / safe))


# ---------------------------------------------------------------- entropy and logarithmic terms


@refuse("c")
@op(
    "entr(Tensor self) -> Tensor", promote=FLOAT, pointwise=True, method=False, namespaces=SPECIAL,
    grad_name="SpecialEntrBackward0", samples=unary(0.1, 2.0),
)  # fmt: skip
def entr(self):
    """``-x log(x)``; 0 at 0, -inf below."""
    positive = self > 0
    value = -self * jnp.log(jnp.where(positive, self, 1))
    return jnp.where(jnp.isnan(self), self, jnp.where(positive, value, jnp.where(self == 0, 0, -jnp.inf)))


@entr.vjp
def _(ct, self):
    return ct * (-jnp.log(self) - 1)


def _xlog1py_name(self: Any, other: Any) -> str:
    if not isinstance(self, ArraySpec):
        return "SpecialXlog1PyBackward1"
    return "SpecialXlog1PyBackward0" if isinstance(other, ArraySpec) else "SpecialXlog1PyBackward2"


@needs_tensor("special_xlog1py")
@refuse("c", "\"xlog1py_cpu\" not implemented for 'ComplexFloat'")
@op(
    "xlog1py(Tensor|Scalar self, Tensor|Scalar other) -> Tensor", promote=FLOAT, pointwise=True, method=False,
    namespaces=SPECIAL, grad_name=_xlog1py_name,
    samples=cases((T((2, 3)), T((3,), low=-0.5)), (2, T((3,), low=-0.5)), (T((3,)), 2)),
)  # fmt: skip
def xlog1py(self, other):
    """``self * log1p(other)``; 0 where ``self`` is 0, unless ``other`` is NaN."""
    return jnp.where(jnp.isnan(other), jnp.nan, jnp.where(self == 0, 0, self * jnp.log1p(other)))


@xlog1py.vjp
def _(ct, self, other):
    return jnp.where((self == 0) & (other <= -1), 0, ct * jnp.log1p(other)), ct * self / (other + 1)


ALIASES = {
    "special.erf": "erf", "special.erfc": "erfc", "special.erfinv": "erfinv", "special.digamma": "digamma",
    "special.psi": "digamma", "special.gammaln": "lgamma", "special.polygamma": "polygamma",
    "special.multigammaln": "mvlgamma", "special.i0": "i0", "special.gammainc": "igamma",
    "special.gammaincc": "igammac",
}  # fmt: skip
"""Other spellings: public name -> op."""
