"""QR in LAPACK's packed form (Householder vectors), products with its Q, and LDL of symmetric matrices.

The product of reflections ``I - tau_i v_i v_i^H`` is ``I - V T V^H`` with a triangular T that one triangular solve
gives, so that no loop over the reflections is needed, and derivatives are those of a few products.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import display_name, is_complex
from .linalg import OWN, check_square, product, rectangles, square, triangular
from .matmul import adjoint
from .memory import columns
from .registry import op
from .samples import Sample, array


def reflections(packed: Any, tau: Any) -> tuple[Any, Any]:
    """V and T with ``H_1 H_2 ... H_k = I - V T V^H`` for the reflections stored below the diagonal."""
    k = tau.shape[-1]
    m = packed.shape[-2]
    v = jnp.tril(packed[..., :, :k], -1) + jnp.eye(m, k, dtype=packed.dtype)
    inner = jnp.eye(k, dtype=packed.dtype) + tau[..., :, None] * jnp.triu(product(adjoint(v), v), 1)
    diagonal = jnp.eye(k, dtype=packed.dtype) * tau[..., None, :]
    return v, triangular(inner, diagonal, unit=True)


# ---------------------------------------------------------------- packed QR


@op("geqrf(Tensor self) -> (Tensor a, Tensor tau)", **OWN, samples=rectangles())
def geqrf(self):
    """R above Householder vectors, and their scales ``tau``: LAPACK's form of the QR factorisation."""
    m, n = self.shape[-2:]
    if not self.size:
        return self, jnp.zeros((*self.shape[:-2], min(m, n)), self.dtype)
    h, tau = jnp.linalg.qr(self, mode="raw")
    return jnp.swapaxes(h, -1, -2), tau


geqrf.memory_rule(columns(0))


@geqrf.check
def _(self):
    if self.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    _check_kernel("geqrf_cpu", self)


def _check_kernel(kernel: str, x: Any) -> None:
    if np.dtype(x.dtype).name not in ("float32", "float64", "complex64", "complex128"):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{display_name(x.dtype)}'")


@geqrf.vjp
def _(ct):
    raise NotImplementedError("the derivative for 'geqrf' is not implemented.")


def _ormqr_samples(rng: np.random.Generator, dtype: Any) -> Any:
    for left in (True, False):
        for transpose in (False, True):
            other = array(rng, (4, 2) if left else (2, 4), dtype)
            yield Sample(
                (array(rng, (4, 3), dtype), array(rng, (3,), dtype, -0.5, 0.5), other),
                {"left": left, "transpose": transpose},
            )


@op(
    "ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor",
    samples=_ormqr_samples,
)  # fmt: skip
def ormqr(self, input2, input3, left, transpose):
    """``Q input3`` (``input3 Q``; with the adjoint of Q) where ``self`` and ``input2`` are ``geqrf``'s results."""
    v, t = reflections(self, input2)
    if transpose:
        t = adjoint(t)
    if left:
        return input3 - product(v, t, product(adjoint(v), input3))
    return input3 - product(product(input3, v), t, adjoint(v))


ormqr.memory_rule(columns(0))


@ormqr.check
def _(self, input2, input3, left, transpose):
    name = "torch.ormqr"
    if self.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if input3.ndim < 2:
        raise RuntimeError(f"{name}: other must have at least 2 dimensions.")
    side = -2 if left else -1
    if input3.shape[side] != self.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if input2.shape[-1] != min(self.shape[-2:]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if self.ndim != input2.ndim + 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {input2.ndim} and "
            f"input.ndim is equal to {self.ndim}"
        )
    if self.ndim != input3.ndim:
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{input3.ndim} and input.ndim is equal to {self.ndim}"
        )
    for what, x in (("tau", input2), ("other", input3)):
        lead = x.shape[:-1] if what == "tau" else x.shape[:-2]
        if lead != self.shape[:-2]:
            raise RuntimeError(
                f"{name}: Expected batch dimensions of {what} to be equal to input.shape[:-2], but got {list(lead)}"
            )
    for what, x in (("tau", input2), ("other", input3)):
        if x.dtype != self.dtype:
            raise RuntimeError(
                f"{name}: Expected input and {what} to have the same dtype, but input has dtype"
                f"{display_name(self.dtype)} and {what} has dtype {display_name(x.dtype)}"
            )
    _check_kernel("ormqr_cpu", self)


# ---------------------------------------------------------------- LDL

_ALPHA = (1 + math.sqrt(17)) / 8


def _swapped(x: Any, i: Any, j: Any, axis: int) -> Any:
    """Rows (columns) i and j exchanged."""
    a, b = lax.dynamic_index_in_dim(x, i, axis), lax.dynamic_index_in_dim(x, j, axis)
    x = lax.dynamic_update_index_in_dim(x, b, i, axis)
    return lax.dynamic_update_index_in_dim(x, a, j, axis)


def _size(x: Any) -> Any:
    """LAPACK's cheap absolute value: |Re| + |Im|."""
    return jnp.abs(jnp.real(x)) + jnp.abs(jnp.imag(x)) if is_complex(x) else jnp.abs(x)


def _ldl(a: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    """Bunch and Kaufman's diagonal pivoting on the lower triangle of one matrix: packed LD, LAPACK pivots, ``info``."""
    n = a.shape[-1]
    rows = jnp.arange(n)
    lower = jnp.tril(a, -1)
    flip = jnp.conj if hermitian else lambda x: x
    diagonal = jnp.diagonal(a)
    if hermitian:
        diagonal = jnp.real(diagonal).astype(a.dtype)
    full = lower + flip(lower.T) + jnp.diag(diagonal)

    def more(state: tuple[Any, ...]) -> Any:
        return state[0] < n

    def advance(state: tuple[Any, ...]) -> tuple[Any, ...]:
        k, s, out, pivots, info = state
        column = jnp.where(rows > k, _size(s[:, k]), -1)
        here = jnp.abs(jnp.real(s[k, k])) if hermitian else _size(s[k, k])
        imax = jnp.argmax(column)
        colmax = jnp.maximum(column[imax], 0)
        nothing = jnp.maximum(here, colmax) == 0
        across = jnp.where((rows >= k) & (rows != imax), _size(s[imax]), 0)
        rowmax = jnp.max(across)
        there = jnp.abs(jnp.real(s[imax, imax])) if hermitian else _size(s[imax, imax])
        ratio = colmax / jnp.where(rowmax == 0, 1, rowmax)
        stay = nothing | (here >= _ALPHA * colmax) | (here >= _ALPHA * colmax * ratio)
        single = stay | (there >= _ALPHA * rowmax)
        target = jnp.where(stay, k, imax)
        step = jnp.where(single, 1, 2)
        kk = jnp.minimum(k + step - 1, n - 1)
        s = _swapped(_swapped(s, kk, target, 0), kk, target, 1)
        x = jnp.where(rows > k, s[:, k], 0)
        d = s[k, k]
        multipliers = jnp.where(nothing, 0, x / jnp.where(d == 0, 1, d))
        first = jnp.where(nothing, s, s - multipliers[:, None] * flip(x)[None, :])
        k1 = jnp.minimum(k + 1, n - 1)
        below = (rows > k1)[:, None]
        pair = jnp.where(below, jnp.stack([s[:, k], s[:, k1]], -1), 0)
        block = jnp.array([[s[k, k], s[k, k1]], [s[k1, k], s[k1, k1]]])
        det = block[0, 0] * block[1, 1] - block[0, 1] * block[1, 0]
        det = jnp.where(det == 0, 1, det)
        inverse = jnp.array([[block[1, 1], -block[0, 1]], [-block[1, 0], block[0, 0]]]) / det
        weights = pair @ inverse
        second = s - weights @ flip(pair).T
        one = out.at[:, k].set(jnp.where(rows > k, multipliers, jnp.where(rows == k, d, 0)))
        two = out.at[:, k].set(
            jnp.where(
                rows > k1, weights[:, 0], jnp.where(rows == k1, block[1, 0], jnp.where(rows == k, block[0, 0], 0))
            )
        )
        two = two.at[:, k1].set(jnp.where(rows > k1, weights[:, 1], jnp.where(rows == k1, block[1, 1], 0)))
        at = (target + 1).astype(jnp.int32)
        plain = pivots.at[k].set(at)
        paired = pivots.at[k].set(-at).at[k1].set(-at)
        info = jnp.where(nothing & (info == 0), k + 1, info)
        return (
            k + step, jnp.where(single, first, second), jnp.where(single, one, two), jnp.where(single, plain, paired),
            info.astype(jnp.int32),
        )  # fmt: skip

    zero = jnp.zeros((), jnp.int32)
    start = (jnp.zeros((), jnp.int64), full, jnp.zeros_like(full), jnp.zeros((n,), jnp.int32), zero)
    _, _, packed, pivots, info = lax.while_loop(more, advance, start)
    return packed, pivots, info


@op(
    "linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor pivots, Tensor info)",
    **OWN, grad_name="torch::autograd::NotImplemented", samples=square(symmetric=True),
)  # fmt: skip
def linalg_ldl_factor_ex(self, hermitian):
    """Packed factors of ``A = P L D L^T P^T`` (``L^H``), LAPACK's pivots, and ``info``: the first zero block of D."""
    lead, n = self.shape[:-2], self.shape[-1]
    if not self.size:
        return self, jnp.zeros((*lead, n), jnp.int32), jnp.zeros(lead, jnp.int32)
    flat = self.reshape(-1, n, n)
    packed, pivots, info = jax.vmap(lambda a: _ldl(a, hermitian and is_complex(self)))(flat)
    return packed.reshape(self.shape), pivots.reshape(*lead, n), info.reshape(lead)


linalg_ldl_factor_ex.memory_rule(columns(0))


@linalg_ldl_factor_ex.check
def _(self, hermitian):
    check_square("torch.linalg.ldl_factor_ex", self)


@linalg_ldl_factor_ex.vjp
def _(ct):
    raise RuntimeError("derivative for aten::linalg_ldl_factor_ex is not implemented")


def _ldl_solve(packed: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    """Solution for one matrix: down through L, across D, up through its transpose."""
    n = packed.shape[-1]
    rows = jnp.arange(n)
    flip = jnp.conj if hermitian else lambda x: x
    paired = pivots < 0
    starts = _pair_starts(paired)
    target = jnp.abs(pivots).astype(jnp.int64) - 1

    def column(k: Any) -> Any:
        """Multipliers of step k: below the block that it belongs to."""
        last = jnp.where(starts[k], k + 1, k)
        return jnp.where(rows > last, packed[:, k], 0)

    def down(k: Any, x: Any) -> Any:
        swapped = jnp.where(
            starts[k], _swapped(x, jnp.minimum(k + 1, n - 1), target[k], 0), _swapped(x, k, target[k], 0)
        )
        second = paired[k] & ~starts[k]
        x = jnp.where(second, x, swapped)
        return x - column(k)[:, None] * x[k]

    def up(i: Any, x: Any) -> Any:
        k = n - 1 - i
        x = x.at[k].add(-flip(column(k)) @ x)
        swapped = jnp.where(
            starts[k], _swapped(x, jnp.minimum(k + 1, n - 1), target[k], 0), _swapped(x, k, target[k], 0)
        )
        return jnp.where(paired[k] & ~starts[k], x, swapped)

    x = lax.fori_loop(0, n, down, b)
    diagonal = jnp.diagonal(packed)
    if hermitian:
        diagonal = jnp.real(diagonal).astype(packed.dtype)
    off = jnp.concatenate([jnp.diagonal(packed, -1), jnp.zeros((1,), packed.dtype)])
    after, before = jnp.roll(x, -1, 0), jnp.roll(x, 1, 0)
    d_after, d_before, off_before = jnp.roll(diagonal, -1), jnp.roll(diagonal, 1), jnp.roll(off, 1)
    det_first = diagonal * d_after - off * flip(off)
    det_second = d_before * diagonal - off_before * flip(off_before)

    def over(y: Any, d: Any) -> Any:
        return y / jnp.where(d == 0, 1, d)[:, None]

    single = x / diagonal[:, None]
    first = over(d_after[:, None] * x - flip(off)[:, None] * after, det_first)
    second = over(d_before[:, None] * x - off_before[:, None] * before, det_second)
    x = jnp.where(starts[:, None], first, jnp.where(paired[:, None], second, single))
    return lax.fori_loop(0, n, up, x)


def _pair_starts(paired: Any) -> Any:
    """Which positions begin a block of two."""

    def step(before: Any, now: Any) -> tuple[Any, Any]:
        start = now & ~before
        return start, start

    return lax.scan(step, jnp.zeros((), bool), paired)[1]


@op(
    "linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor",
    **OWN, differentiable=("LD", "B"), grad_name="torch::autograd::NotImplemented",
    samples=lambda rng, dtype: (
        Sample((array(rng, (3, 3), dtype), np.array([1, 2, 3], np.int32), array(rng, (3, 2), dtype))) for _ in range(1)
    ),
)  # fmt: skip
def linalg_ldl_solve(LD, pivots, B, hermitian):
    """Solution of ``A X = B`` from ``linalg.ldl_factor``'s results."""
    lead = np.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    n, width = B.shape[-2:]
    if 0 in (n, width) or 0 in lead:
        return jnp.broadcast_to(B, (*lead, n, width))
    packed = jnp.broadcast_to(LD, (*lead, n, n)).reshape(-1, n, n)
    order = jnp.broadcast_to(pivots, (*lead, n)).reshape(-1, n)
    b = jnp.broadcast_to(B, (*lead, n, width)).reshape(-1, n, width)
    solve = jax.vmap(lambda p, o, x: _ldl_solve(p, o, x, hermitian and is_complex(LD)))
    return solve(packed, order, b).reshape(*lead, n, width)


linalg_ldl_solve.memory_rule(columns(0))


@linalg_ldl_solve.check
def _(LD, pivots, B, hermitian):
    name = "torch.linalg.ldl_solve"
    check_square(name, LD, "LD")
    if pivots.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {display_name(pivots.dtype)}")
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    if B.ndim < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(B.ndim, 1)}, {max(B.ndim, 1) - 1}], but got -2)"
        )
    if LD.dtype != B.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {display_name(B.dtype)} and A of type "
            f"{display_name(LD.dtype)} instead."
        )
    if LD.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {LD.shape[-1]} by {LD.shape[-1]} but each b matrix "
            f"is {B.shape[-2]} by {B.shape[-1]}"
        )


@linalg_ldl_solve.vjp
def _(ct):
    raise RuntimeError("derivative for aten::linalg_ldl_solve is not implemented")
