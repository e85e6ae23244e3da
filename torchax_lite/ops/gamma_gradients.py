"""Derivatives of gamma and Dirichlet samples by their concentrations (implicit reparameterisation).

``-(d cdf / d concentration) / pdf`` at the sample, by PyTorch's approximations: a series near the ends of the range, a
Rice saddle-point expansion for large concentrations, and between them a bivariate rational fit. In float64 throughout.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from .registry import op

_declare = functools.partial(op, function=False, method=False, out=False, namespaces=("_ops",))


def _horner(x, coefficients):
    return functools.reduce(lambda total, c: total * x + c, reversed(coefficients))


def _where(cases, otherwise):
    """The value of the first case that holds: ``[(condition, value), ...]``."""
    return functools.reduce(lambda rest, case: jnp.where(case[0], case[1], rest), reversed(cases), otherwise)


def _wide(*arrays):
    return tuple(a.astype(np.float64) for a in arrays)


def _number_or_zero(x):
    return jnp.where(jnp.isnan(x), 0.0, x)


# -- gamma -------------------------------------------------------------------------------------------------------------

_FIT = (
    (0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1.0, 0.32668115, 0.10406089, 0.0014179084),
    (0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623),
    (0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07),
)  # fmt: skip


def _gamma_near_zero(a, x):
    """Taylor series of the incomplete gamma function and of its derivative."""
    term = jnp.ones_like(x)
    first, second = 1 / a, 1 / (a * a)
    for i in range(1, 6):
        term = term * (-x / i)
        first = first + term / (a + i)
        second = second + term / ((a + i) * (a + i))
    power = jnp.power(x, a)
    density = jnp.power(x, a - 1) * jnp.exp(-x)
    slope = (jnp.log(x) - jax.lax.digamma(a)) * (power * first) - power * second
    return _number_or_zero(-slope / density)


def _gamma_at_mean(a, x):
    polynomial = 1440 * (a * a) + 6 * x * (53 - 120 * x) - 65 * x * x / a + a * (107 + 3600 * x)
    return (1 + 24 * a * (1 + 12 * a)) * polynomial / (1244160 * (a * a) * (a * a))


def _gamma_saddle(a, x):
    root = jnp.sqrt(8 * a)
    log_ratio = jnp.log(x / a)
    sharp = jnp.power(x - a - a * log_ratio, -1.5)
    both = root / (a - x) + jnp.where(x < a, -sharp, sharp)
    inner = log_ratio * both - jnp.sqrt(2 / a) * (a + x) / ((a - x) * (a - x))
    stirling = 1 + 1 / (12 * a) * (1 + 1 / (24 * a))
    return -stirling * x * inner / root


def _gamma_fit(a, x):
    u, v = jnp.log(x / a), jnp.log(a)
    by_v = [_horner(u, column) for column in zip(*_FIT, strict=True)]
    return jnp.exp(_horner(v, by_v[:4]) / _horner(v, by_v[4:]))


@op("_standard_gamma_grad(Tensor self, Tensor output) -> Tensor", differentiable=False, method=False, out=False)
def standard_gamma_grad(self, output):
    """``d sample / d concentration`` of standard gamma samples ``output`` at concentrations ``self``."""
    a, x = _wide(self, output)
    large = a > 8
    found = _where(
        [
            (x < np.float32(0.8), _gamma_near_zero(a, x)),
            (large & (np.float32(0.9) * a <= x) & (x <= np.float32(1.1) * a), _gamma_at_mean(a, x)),
            (large, _gamma_saddle(a, x)),
        ],
        _gamma_fit(a, x),
    )
    return found.astype(self.dtype)


@_declare(
    "_standard_gamma_sample(Tensor self, Tensor sample) -> Tensor", differentiable=("self",),
    grad_name="StandardGammaBackward0",
)  # fmt: skip
def standard_gamma_sample(self, sample):
    """The samples themselves, with their derivative by the concentrations ``self``."""
    return sample


@standard_gamma_sample.vjp
def _(ct, self, sample):
    return ct * standard_gamma_grad(self, sample), None


# -- Dirichlet ---------------------------------------------------------------------------------------------------------

_NUMERATOR = (
    (
        (1.003668233, -0.01061107488, -0.0657888334, 0.01201642863),
        (0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033),
        (-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013),
    ),
    (
        (0.221950385, -0.3187676331, 0.01799915743, 0.01074823814),
        (-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057),
        (0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05),
    ),
    (
        (-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565),
        (0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181),
        (0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05),
    ),
)
_DENOMINATOR = (
    (
        (1.0, -0.02924021934, -0.04438342661, 0.007285809825),
        (0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521),
        (-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149),
    ),
    (
        (0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273),
        (0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956),
        (-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05),
    ),
    (
        (0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05),
        (0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05),
        (-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06),
    ),
)


def _beta_first_near_zero(x, a, b):
    """By the first concentration, series at ``x`` near 0."""
    factor = jax.lax.digamma(a) - jax.lax.digamma(a + b) - jnp.log(x)
    term = jnp.ones_like(x)
    series = term / a * (factor + 1 / a)
    for i in range(1, 11):
        term = term * ((i - b) * x / i)
        series = series + term / (a + i) * (factor + 1 / (a + i))
    return _number_or_zero(x * jnp.power(1 - x, -b) * series)


def _beta_second_near_zero(x, a, b):
    """By the second concentration, series at ``x`` near 0."""
    factor = jax.lax.digamma(a + b) - jax.lax.digamma(b)
    term, product, slope = jnp.ones_like(x), jnp.ones_like(x), jnp.zeros_like(x)
    series = factor / a
    for i in range(1, 9):
        term = term * (-x / i)
        slope = slope * (b - i) + product
        product = product * (b - i)
        series = series + term / (a + i) * (slope + factor * product)
    return _number_or_zero(-jnp.power(1 - x, 1 - b) * series)


def _stirling(a):
    return 1 + 1 / (12 * a) + 1 / (288 * a * a)


def _beta_at_mean(x, a, b, total):
    in_a = (
        47 * x * (b * b) * (b * b),
        (43 + 20 * (16 + 27 * b) * x) * (b * b) * b,
        3 * (59 + 180 * b - 90 * x) * (b * b),
        (453 + 1620 * b * (1 - x) - 455 * x) * b,
        8 * (1 - x) * (135 * b - 11),
    )
    scale = (1 + 12 * a) * (1 + 12 * b) / (total * total) / (1 - x)
    return scale * _horner(a, in_a) / (12960 * a * a * a * b * b * (1 + 12 * total))


def _beta_saddle(x, a, b, total):
    mean = a / total
    away = a * (x - 1) + b * x
    smooth_top = 2 * (a * a) * (x - 1) + a * b * (x - 1) - x * (b * b)
    smooth = smooth_top / (jnp.sqrt(2 * a / b) * jnp.power(total, 1.5) * away * away)
    half_log = 0.5 * jnp.log(a / (total * x))
    pole = jnp.sqrt(8 * a * b / total) / away
    sharp = jnp.power(b * jnp.log(b / (total * (1 - x))) + a * jnp.log(a / (total * x)), -1.5)
    inner = smooth + half_log * (pole + jnp.where(x < mean, sharp, -sharp))
    scale = -x / jnp.sqrt(2 * a * b / total)
    return _stirling(a) * _stirling(b) / _stirling(total) * scale * inner


def _beta_large(x, a, b, total):
    mean = a / total
    spread = 0.1 * jnp.sqrt(a * b / (total + 1)) / total
    return jnp.where(jnp.abs(x - mean) <= spread, _beta_at_mean(x, a, b, total), _beta_saddle(x, a, b, total))


def _beta_fit(x, a, b, total):
    u = jnp.log(x)
    s = jnp.log(a) - u
    t = jnp.log(total) - s

    def fitted(table):
        return _horner(u, [_horner(s, [_horner(t, row) for row in block]) for block in table])

    simple = x * (jax.lax.digamma(total) - jax.lax.digamma(a)) / b
    return fitted(_NUMERATOR) / fitted(_DENOMINATOR) * simple


def _dirichlet_slope(x, alpha, total):
    dtype = x.dtype
    x, a, total = _wide(x, alpha, total)
    b = total - a
    boundary = total * x * (1 - x)
    found = _where(
        [
            ((x <= 0.5) & (boundary < 2.5), _beta_first_near_zero(x, a, b)),
            ((x >= 0.5) & (boundary < 0.75), -_beta_second_near_zero(1 - x, b, a)),
            ((a > 6) & (b > 6), _beta_large(x, a, b, total)),
        ],
        _beta_fit(x, a, b, total),
    )
    return found.astype(dtype)


@op("_dirichlet_grad(Tensor x, Tensor alpha, Tensor total) -> Tensor", differentiable=False, method=False, out=False)
def dirichlet_grad(x, alpha, total):
    """``d x / d alpha / (1 - x)`` of one share ``x`` of a Dirichlet sample with concentrations that sum to ``total``."""
    return _dirichlet_slope(x, alpha, total)


@_declare(
    "_dirichlet_sample(Tensor self, Tensor sample) -> Tensor", differentiable=("self",), grad_name="_DirichletBackward",
)  # fmt: skip
def dirichlet_sample(self, sample):
    """The samples themselves, with their derivative by the concentrations ``self``."""
    return sample


@dirichlet_sample.vjp
def _(ct, self, sample):
    total = jnp.broadcast_to(jnp.sum(self, -1, keepdims=True), self.shape)
    slope = _dirichlet_slope(sample, self, total)
    return slope * (ct - jnp.sum(sample * ct, -1, keepdims=True)), None
