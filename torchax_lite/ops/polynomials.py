"""Orthogonal polynomials of any degree, elementwise in argument and degree.

Degrees are truncated to whole numbers; a negative one gives 0. Values come from the three-term recurrences, one step
for all elements at once; Chebyshev polynomials of higher degree inside (-1, 1) from their trigonometric forms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .arcs import arccos
from .common import display_name, needs_tensor, refuse
from .registry import FLOAT, op
from .samples import T, cases

_LOW_DEGREE = 6
"""Up to this degree Chebyshev polynomials come from the recurrence everywhere."""


def _recurrence(x: Any, n: Any, first: Any, step: Callable[[Any, Any, Any], Any], wanted: Any) -> Any:
    """p_n(x) from p_0 = 1, p_1 = ``first`` and ``step(k, p_k, p_(k-1)) = p_(k+1)`` where ``wanted``."""

    n = jnp.clip(n, -1, 2**31 - 1).astype(jnp.int32)

    def left(state: tuple[Any, Any, Any]) -> Any:
        k, _, now = state
        return jnp.max(jnp.where(wanted & ~jnp.isnan(now), n, 0), initial=0) > k

    def advance(state: tuple[Any, Any, Any]) -> Any:
        k, before, now = state
        going = n > k
        return k + 1, jnp.where(going, now, before), jnp.where(going, step(k.astype(x.dtype), now, before), now)

    _, _, value = lax.while_loop(left, advance, (jnp.ones((), n.dtype), jnp.ones_like(x), first))
    return jnp.where(n < 0, 0, jnp.where(n == 0, 1, value)).astype(x.dtype)


def _twice(x: Any) -> Callable[[Any, Any, Any], Any]:
    return lambda k, now, before: 2 * x * now - before


def _ratio(above: Any, below: Any, limit: Any) -> Any:
    """``above / below``, ``limit`` where that is 0 / 0."""
    zero = below == 0
    return jnp.where(zero, limit, above / jnp.where(zero, 1, below))


def _chebyshev(kind: str) -> Callable[[Any, Any], Any]:
    """The polynomials T, U, V or W: the recurrence ``2 x p - q`` from different first degrees."""

    def first(x: Any) -> Any:
        return {"t": x, "u": 2 * x, "v": 2 * x - 1, "w": 2 * x + 1}[kind]

    def wave(x: Any, n: Any) -> Any:
        angle = arccos(x)
        if kind == "t":
            return jnp.cos(n * angle)
        if kind == "u":
            return _ratio(
                jnp.sin((n + 1) * angle), jnp.sin(angle), (n + 1) * jnp.cos((n + 1) * angle) / jnp.where(x == 0, 1, x)
            )
        if kind == "v":
            return jnp.cos((n + 0.5) * angle) / jnp.cos(angle * 0.5)
        return jnp.sin((n + 0.5) * angle) / jnp.sin(angle * 0.5)

    def edge(x: Any, n: Any) -> Any:
        even = jnp.where(n % 2 == 0, 1, -1)
        sign = jnp.where(x > 0, 1, even)
        size = {
            "t": jnp.ones_like(n),
            "u": n + 1,
            "v": jnp.where(x > 0, 1, 2 * n + 1),
            "w": jnp.where(x > 0, 2 * n + 1, 1),
        }
        return (sign * size[kind]).astype(x.dtype)

    def value(x: Any, n: Any) -> Any:
        at_edge = (jnp.abs(x) == 1) & (n >= 0)
        waving = (jnp.abs(x) < 1) & (n > _LOW_DEGREE)
        safe = jnp.where(waving, x, 0.5).astype(x.dtype)
        waves = lax.cond(jnp.any(waving), wave, lambda x, n: x, safe, n.astype(x.dtype))
        slow = _recurrence(x, n, first(x), _twice(x), ~(at_edge | waving))
        return jnp.where(at_edge, edge(x, n), jnp.where(waving, waves, slow))

    return value


def _shifted(kind: str) -> Callable[[Any, Any], Any]:
    """The same of ``2 x - 1``."""
    plain = _chebyshev(kind)
    return lambda x, n: plain(2 * x - 1, n)


def _everywhere(x: Any) -> Any:
    return jnp.ones(x.shape, bool)


def _hermite_h(x: Any, n: Any) -> Any:
    return _recurrence(x, n, 2 * x, lambda k, now, before: 2 * (x * now - k * before), _everywhere(x))


def _hermite_he(x: Any, n: Any) -> Any:
    return _recurrence(x, n, x, lambda k, now, before: x * now - k * before, _everywhere(x))


def _laguerre(x: Any, n: Any) -> Any:
    def step(k: Any, now: Any, before: Any) -> Any:
        return ((2 * k + (1 - x)) * now - k * before) / (k + 1)

    value = _recurrence(x, n, 1 - x, step, x != 0)
    return jnp.where((x == 0) & (n >= 0), 1, value).astype(x.dtype)


def _legendre(x: Any, n: Any) -> Any:
    def step(k: Any, now: Any, before: Any) -> Any:
        return ((2 * k + 1) * x * now - k * before) / (k + 1)

    at_edge = (jnp.abs(x) == 1) & (n >= 0)
    value = _recurrence(x, n, x, step, ~at_edge)
    return jnp.where(at_edge, jnp.where((x > 0) | (n % 2 == 0), 1, -1), value).astype(x.dtype)


def _declare(name: str, value: Callable[[Any, Any], Any], doc: str) -> None:
    @needs_tensor(f"special_{name}", "x", "n")
    @refuse("c")
    @op(
        f"{name}(Tensor|Scalar x, Tensor|Scalar n) -> Tensor", promote=FLOAT, opmath=False, pointwise=True,
        method=False, namespaces=("special",), differentiable=False,
        samples=cases((T((2, 3)), np.array([0, 1, 4])), (T((4,)), 3), (2, np.array([1, 2, 9])), (T((3,), low=-0.9, high=0.9), 12)),
    )  # fmt: skip
    def body(x, n):
        if jnp.finfo(x.dtype).bits < 32:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{display_name(x.dtype)}'")
        x, n = jnp.broadcast_arrays(x, n)
        return value(x, jnp.where(jnp.isnan(n), 0, n).astype(jnp.int64))

    body.__doc__ = doc


for _name, _value, _doc in (
    ("chebyshev_polynomial_t", _chebyshev("t"), "Chebyshev polynomial of the first kind of degree ``n``."),
    ("chebyshev_polynomial_u", _chebyshev("u"), "Chebyshev polynomial of the second kind of degree ``n``."),
    ("chebyshev_polynomial_v", _chebyshev("v"), "Chebyshev polynomial of the third kind of degree ``n``."),
    ("chebyshev_polynomial_w", _chebyshev("w"), "Chebyshev polynomial of the fourth kind of degree ``n``."),
    ("shifted_chebyshev_polynomial_t", _shifted("t"), "Chebyshev polynomial of the first kind of ``2 x - 1``."),
    ("shifted_chebyshev_polynomial_u", _shifted("u"), "Chebyshev polynomial of the second kind of ``2 x - 1``."),
    ("shifted_chebyshev_polynomial_v", _shifted("v"), "Chebyshev polynomial of the third kind of ``2 x - 1``."),
    ("shifted_chebyshev_polynomial_w", _shifted("w"), "Chebyshev polynomial of the fourth kind of ``2 x - 1``."),
    ("hermite_polynomial_h", _hermite_h, "Physicists' Hermite polynomial of degree ``n``."),
    ("hermite_polynomial_he", _hermite_he, "Probabilists' Hermite polynomial of degree ``n``."),
    ("laguerre_polynomial_l", _laguerre, "Laguerre polynomial of degree ``n``."),
    ("legendre_polynomial_p", _legendre, "Legendre polynomial of degree ``n``."),
):
    _declare(_name, _value, _doc)
