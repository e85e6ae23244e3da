"""Small products summed in the order of PyTorch's CPU kernels, so that they agree to the last bit.

A batch of one through a small network is what people print and compare digit by digit; there the cost of a fixed order
does not matter. The orders were found by probing PyTorch 2.13 (x86-64) with inputs whose rounding reveals the
summation tree; larger products take the fast path, which agrees to rounding error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

MAX_PRODUCTS = 1 << 19
"""Multiplications up to which a product counts as small."""


def on_cpu(exact: Callable[..., Any], fast: Callable[..., Any], *args: Any) -> Any:
    """``exact`` in programs for the CPU, ``fast`` elsewhere."""
    return lax.platform_dependent(*args, cpu=exact, default=fast)


def _wide(x: Any) -> Any:
    return x.astype(jnp.float64)


def _product(a: Any, b: Any) -> Any:
    """``a * b`` rounded to float32 on its own (never fused into a following sum)."""
    return (_wide(a) * _wide(b)).astype(jnp.float32)


def _sum(a: Any, b: Any) -> Any:
    """``a + b`` rounded to float32."""
    return (_wide(a) + _wide(b)).astype(jnp.float32)


def _chain(start: Any, terms: Any) -> Any:
    """``start`` plus the rows of ``terms`` one after the other."""
    return lax.scan(lambda acc, term: (_sum(acc, term), None), start, terms)[0]


def _lanes(terms: Any) -> Any:
    """Sum of rows 4, 5, … of ``terms [K, N]`` in four interleaved chains, the first one begun by rows 0 to 3."""
    k, n = terms.shape
    head = _chain(terms[0], terms[1:4])
    start = jnp.concatenate([head[None], jnp.zeros((3, n), terms.dtype)])
    lanes = _chain(start, terms[4:].reshape((k - 4) // 4, 4, n)) if k > 4 else start
    return lanes


def _pair(lanes: Any) -> Any:
    return _sum(_sum(lanes[0], lanes[2]), _sum(lanes[1], lanes[3]))


def _even_leftover(terms: Any) -> Any:
    """Two groups of four chains, eight terms a round, then the rest one by one."""
    k, n = terms.shape
    rounds = (k - 4) // 8
    head = _chain(terms[0], terms[1:4])
    start = jnp.zeros((2, 4, n), terms.dtype).at[0, 0].set(head)
    groups = _chain(start, terms[4 : 4 + 8 * rounds].reshape(rounds, 2, 4, n))
    return _chain(_pair(_sum(groups[0], groups[1])), terms[4 + 8 * rounds :])


def _odd_leftover(terms: Any) -> Any:
    """Four chains over a multiple of eight terms, then the rest one by one."""
    main = 4 + 8 * ((terms.shape[0] - 4) // 8)
    return _chain(_pair(_lanes(terms[:main])), terms[main:])


def fits_row_product(row: Any, matrix: Any) -> bool:
    """Whether ``row [1, K] @ matrix [K, N]`` is small and has a known order."""
    k = row.shape[-1]
    return (
        row.dtype == np.float32 == matrix.dtype
        and row.ndim == 2
        and row.shape[0] == 1
        and k % 4 == 0
        and k >= 12
        and 0 < matrix.size <= MAX_PRODUCTS
    )


def row_product(row: Any, matrix: Any) -> Any:
    """``row [1, K] @ matrix [K, N]`` in the order of a row-major weight's rows."""
    terms = _product(row[0][:, None], matrix)
    n = matrix.shape[1]
    main = n // 4 * 4
    parts = []
    if main:
        parts.append(_pair(_lanes(terms[:, :main])))
    for j in range(main, n):
        column = terms[:, j : j + 1]
        parts.append(_odd_leftover(column) if (j - main) % 2 else _even_leftover(column))
    return jnp.concatenate(parts)[None]


def fits_convolution(x: Any, weight: Any, out_positions: int, groups: int) -> bool:
    """Whether a convolution is small and has a known order (fewer than 16 input channels, one group)."""
    return (
        x.dtype == np.float32 == weight.dtype
        and groups == 1
        and weight.shape[1] < 16
        and 0 < out_positions * weight.size * x.shape[0] <= MAX_PRODUCTS
    )


def convolution(
    x: Any, weight: Any, bias: Any, stride: tuple[int, ...], padding: Any, dilation: tuple[int, ...]
) -> Any:
    """Convolution ``[N, C, *S]`` with ``[O, C, *K]`` and bias ``[O]``.

    Fused multiply-adds onto the bias, over kernel positions with the channels innermost (the order of the AVX2
    kernels; the AVX-512 ones add the bias last).
    """
    spatial = x.ndim - 2
    x = jnp.pad(x, [(0, 0), (0, 0), *padding])
    kernel = weight.shape[2:]
    out = [(x.shape[2 + d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1 for d in range(spatial)]
    patches = []
    for position in np.ndindex(*kernel):
        start = [p * dilation[d] for d, p in enumerate(position)]
        limit = [s + (o - 1) * stride[d] + 1 for d, (s, o) in enumerate(zip(start, out, strict=True))]
        patches.append(lax.slice(x, (0, 0, *start), (*x.shape[:2], *limit), (1, 1, *stride)))
    columns = jnp.stack(patches).swapaxes(1, 2).reshape(-1, x.shape[0], 1, *out)
    taps = jnp.moveaxis(weight.reshape(*weight.shape[:2], -1), 0, -1).swapaxes(0, 1).reshape(-1, weight.shape[0])

    def step(acc: Any, pair: tuple[Any, Any]) -> tuple[Any, None]:
        column, tap = pair
        tap = tap.reshape(1, -1, *[1] * spatial)
        return (_wide(column) * _wide(tap) + _wide(acc)).astype(jnp.float32), None

    initial = jnp.broadcast_to(bias.reshape(1, -1, *[1] * spatial), (x.shape[0], weight.shape[0], *out))
    return lax.scan(step, initial, (columns, taps))[0]
