"""Products scattered into an array, with a derivative of any order that holds at zeros too."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

_WHERE = {"mode": "promise_in_bounds", "wrap_negative_indices": False}


def multiply_at(x: jax.Array, places: tuple[Any, ...], src: jax.Array) -> jax.Array:
    """``x.at[places].multiply(src)``: repeated places multiply several times."""
    arrays = tuple(p for p in places if not isinstance(p, slice))
    lead = tuple(slice(None) if isinstance(p, slice) else None for p in places)
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return x.at[places].multiply(src, **_WHERE)
    shape = jax.eval_shape(lambda x, *a: x[_filled(lead, a)], x, *arrays).shape
    return _multiply(lead, x, arrays, jnp.broadcast_to(src, shape).astype(x.dtype))


def _filled(lead: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(arrays)
    return tuple(next(rest) if p is None else p for p in lead)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _multiply(lead, x, arrays, src):
    return x.at[_filled(lead, arrays)].multiply(src, **_WHERE)


@_multiply.defjvp
def _(lead, primals, tangents):
    """Each factor's tangent times the product of all others; a single zero leaves the product of the rest."""
    x, arrays, src = primals
    dx, _, dsrc = tangents
    places = _filled(lead, arrays)
    zero = src == 0
    filled = jnp.where(zero, jnp.ones((), src.dtype), src)
    zeros = jnp.zeros(x.shape, jnp.int32).at[places].add(zero.astype(jnp.int32), **_WHERE).at[places].get(**_WHERE)
    rest = _multiply(lead, x, arrays, filled).at[places].get(**_WHERE)
    others = jnp.where(zeros == zero, rest / filled, jnp.zeros((), src.dtype))
    factors = _multiply(lead, jnp.ones_like(x), arrays, src)
    return _multiply(lead, x, arrays, src), (factors * dx).at[places].add(others * dsrc, **_WHERE)
