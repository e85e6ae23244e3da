"""Linear algebra with triangles: LU, Cholesky, solving, determinants, inverses.

The ops here are pure: failure is told by an ``info`` result, as LAPACK does. The public functions that raise
(``linalg.inv``, ``linalg.solve``, ``linalg.cholesky`` ...) read it in ``composite/linalg.py``. All take batches of
matrices in the last two dims.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import display_name, is_complex
from .matmul import adjoint, matrix_product
from .memory import columns
from .registry import op
from .samples import Sample, Samples, array

# ---------------------------------------------------------------- shared


def product(*factors: Any) -> Any:
    """Product of batched matrices, left to right; the batches broadcast."""
    out = factors[0]
    for f in factors[1:]:
        lead = np.broadcast_shapes(out.shape[:-2], f.shape[:-2])
        out = matrix_product(
            jnp.broadcast_to(out, (*lead, *out.shape[-2:])), jnp.broadcast_to(f, (*lead, *f.shape[-2:]))
        )
    return out


def check_float(name: str, x: Any, argument: str = "A") -> None:
    """Refuse what is no matrix or no float32, float64, complex64 or complex128.

    Raises:
        RuntimeError: with PyTorch's words.
    """
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    check_dtype(name, x)


def check_dtype(name: str, x: Any) -> None:
    """Refuse a dtype that factorisations do not take."""
    if np.dtype(x.dtype).kind in "iub":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {display_name(x.dtype)}")
    if np.dtype(x.dtype).name not in ("float32", "float64", "complex64", "complex128"):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {display_name(x.dtype)}")


def check_square(name: str, x: Any, argument: str = "A") -> None:
    """Refuse matrices that are not square, as :func:`check_float` does the rest."""
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
            "matrices"
        )
    check_dtype(name, x)


def square(*, definite: bool = False, symmetric: bool = False, tail: tuple[Any, ...] = (), **kwargs: Any) -> Samples:
    """Well-conditioned square matrices: one, a batch, an empty one."""

    def samples(rng: np.random.Generator, dtype: Any) -> Any:
        for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 0)):
            x = array(rng, shape, dtype)
            if np.dtype(dtype).kind not in "iub":
                if definite:
                    x = (np.round(x * 64) / 64).astype(dtype)  # the product is exact, so the same on every machine
                h = np.conj(np.swapaxes(x, -1, -2))
                if definite:
                    x = x @ h
                elif symmetric:
                    x = x + h
                x = (x + 3 * np.eye(shape[-1])).astype(dtype)
            yield Sample((x, *tail), dict(kwargs))

    return samples


def rectangles(*tails: tuple[Any, ...], **kwargs: Any) -> Samples:
    """Tall, wide and square matrices, one of them a batch."""

    def samples(rng: np.random.Generator, dtype: Any) -> Any:
        for shape in ((4, 3), (3, 4), (2, 3, 3)):
            for tail in tails or ((),):
                yield Sample((array(rng, shape, dtype), *tail), dict(kwargs))

    return samples


OWN = {"method": False, "namespaces": ("_ops",), "out": False}
"""Options of the ops that composites and aliases make public."""

ALIASES = {
    "linalg.det": "linalg_det",
    "linalg.slogdet": "linalg_slogdet",
    "linalg.solve_triangular": "linalg_solve_triangular",
}

# ---------------------------------------------------------------- LU

_NO_PIVOTING = "linalg.lu_factor: LU without pivoting is not implemented on the CPU"


def _lu(a: Any) -> tuple[Any, Any, Any]:
    """Packed LU, 0-based pivots, permutation."""
    if 0 in a.shape:
        k = min(a.shape[-2:])
        return a, jnp.zeros((*a.shape[:-2], k), jnp.int32), jnp.zeros(a.shape[:-1], jnp.int32)
    return lax.linalg.lu(a)


def _zero_pivot(lu: Any) -> Any:
    """1-based position of the first zero on U's diagonal, 0 for none: LAPACK's ``info``."""
    diagonal = jnp.diagonal(lu, axis1=-2, axis2=-1)
    if diagonal.shape[-1] == 0:
        return jnp.zeros(lu.shape[:-2], jnp.int32)
    zero = diagonal == 0
    return jnp.where(jnp.any(zero, -1), jnp.argmax(zero, -1).astype(jnp.int32) + 1, 0).astype(jnp.int32)


def triangular(a: Any, b: Any, *, left: bool = True, lower: bool = False, adj: bool = False, unit: bool = False) -> Any:
    """Solve with a triangle of ``a`` (its adjoint where ``adj``); the batches broadcast."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = jnp.broadcast_to(a, (*lead, *a.shape[-2:])), jnp.broadcast_to(b, (*lead, *b.shape[-2:]))
    if 0 in b.shape:
        return b
    return lax.linalg.triangular_solve(
        a, b, left_side=left, lower=lower, transpose_a=adj, conjugate_a=adj and is_complex(a), unit_diagonal=unit
    )


def _permutation(pivots: Any, n: int) -> Any:
    """The row order that LAPACK's 0-based row swaps give."""
    if 0 in pivots.shape or n == 0:
        return jnp.broadcast_to(jnp.arange(n, dtype=jnp.int32), (*pivots.shape[:-1], n))
    return lax.linalg.lu_pivots_to_permutation(pivots, n)


def _lu_apply(lu: Any, pivots: Any, b: Any, *, adj: bool = False) -> Any:
    """``A^-1 b`` (``A^-H b``) from A's packed LU and 0-based pivots."""
    n = lu.shape[-1]
    if 0 in b.shape:
        return b
    order = _permutation(pivots, n)
    lead = np.broadcast_shapes(lu.shape[:-2], b.shape[:-2])
    b = jnp.broadcast_to(b, (*lead, *b.shape[-2:]))
    order = jnp.broadcast_to(order, (*lead, n))
    if adj:
        y = triangular(lu, b, adj=True)
        y = triangular(lu, y, lower=True, adj=True, unit=True)
        return jnp.take_along_axis(y, jnp.argsort(order, -1)[..., None], axis=-2)
    y = triangular(lu, jnp.take_along_axis(b, order[..., None], axis=-2), lower=True, unit=True)
    return triangular(lu, y)


@op(
    "linalg_lu_factor_ex(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots, Tensor info)",
    **OWN,
    samples=rectangles(),
)
def linalg_lu_factor_ex(A, pivot):
    """Packed LU with 1-based row swaps, and ``info``: the first zero on U's diagonal."""
    if A.dtype in (jnp.float16, jnp.bfloat16):
        raise NotImplementedError(f"\"lu_cpu\" not implemented for '{display_name(A.dtype)}'")
    check_float("torch.lu_factor_ex", A)
    if not pivot:
        raise RuntimeError(_NO_PIVOTING)
    lu, pivots, _ = _lu(A)
    return lu, pivots.astype(jnp.int32) + 1, _zero_pivot(lu)


linalg_lu_factor_ex.memory_rule(columns(0))


def _lu_parts(lu: Any) -> tuple[Any, Any]:
    """(unit lower, upper) factors of a packed LU of an (m, n) matrix: (m, k) and (k, n)."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    return jnp.tril(lu[..., :, :k], -1) + jnp.eye(m, k, dtype=lu.dtype), jnp.triu(lu[..., :k, :])


def _lu_grad(lower: Any, upper: Any, g_lower: Any, g_upper: Any) -> Any:
    """Cotangent of ``P^T A = L U`` from those of L and U."""
    m, n = lower.shape[-2], upper.shape[-1]
    k = min(m, n)
    if m == n:
        phi = jnp.tril(product(adjoint(lower), g_lower), -1) + jnp.triu(product(g_upper, adjoint(upper)))
        phi = triangular(lower, phi, lower=True, adj=True, unit=True)
        return triangular(upper, phi, left=False, adj=True)
    if m < n:
        u1, u2 = upper[..., :k], upper[..., k:]
        phi = jnp.triu(product(g_upper[..., :k], adjoint(u1)))
        phi = phi + jnp.tril(product(adjoint(lower), g_lower) - product(g_upper[..., k:], adjoint(u2)), -1)
        left = triangular(u1, phi, left=False, adj=True)
        inner = jnp.concatenate([left, g_upper[..., k:]], -1)
        return triangular(lower, inner, lower=True, adj=True, unit=True)
    l1, l2 = lower[..., :k, :], lower[..., k:, :]
    phi = jnp.tril(product(adjoint(l1), g_lower[..., :k, :]), -1)
    phi = phi + jnp.triu(product(g_upper, adjoint(upper)) - product(adjoint(l2), g_lower[..., k:, :]))
    top = triangular(l1, phi, lower=True, adj=True, unit=True)
    return triangular(upper, jnp.concatenate([top, g_lower[..., k:, :]], -2), left=False, adj=True)


def _unpermute(pivots: Any, x: Any) -> Any:
    """``P x`` for ``A = P L U``."""
    order = _permutation(pivots, x.shape[-2])
    return jnp.take_along_axis(x, jnp.argsort(order, -1)[..., None], axis=-2)


@linalg_lu_factor_ex.vjp
def _(cts, results):
    lu, pivots = results[0], results[1]
    lower, upper = _lu_parts(lu)
    k = lower.shape[-1]
    g = cts[0]
    return _unpermute(pivots - 1, _lu_grad(lower, upper, jnp.tril(g[..., :, :k], -1), jnp.triu(g[..., :k, :])))


@op("linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", **OWN, samples=rectangles())
def linalg_lu(A, pivot):
    """``A = P L U``: permutation, unit lower triangle, upper triangle."""
    check_float("linalg.lu", A)
    if not pivot:
        raise RuntimeError(_NO_PIVOTING)
    lu, pivots, _ = _lu(A)
    lower, upper = _lu_parts(lu)
    eye = jnp.broadcast_to(jnp.eye(A.shape[-2], dtype=A.dtype), (*A.shape[:-2], A.shape[-2], A.shape[-2]))
    return _unpermute(pivots, eye), lower, upper


@linalg_lu.vjp
def _(cts, results):
    p, lower, upper = results
    return product(p, _lu_grad(lower, upper, jnp.tril(cts[1], -1), jnp.triu(cts[2])))


def _solve_samples(rng: np.random.Generator, dtype: Any) -> Any:
    for a, b, left in (
        ((3, 3), (3, 2), True),
        ((2, 3, 3), (3,), True),
        ((2, 3, 3), (2, 3), True),
        ((3, 3), (2, 3), False),
    ):
        x = (array(rng, a, dtype) + 3 * np.eye(3)).astype(dtype)
        yield Sample((x, array(rng, b, dtype)), {"left": left})


def _is_vector(a: Any, b: Any) -> bool:
    """Whether ``B`` is a (batch of a) vector rather than of matrices."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


def _check_solve(a: Any, b: Any, left: bool) -> None:
    name = "linalg.solve"
    check_square(name, a)
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {display_name(a.dtype)} and B of "
            f"type {display_name(b.dtype)} instead"
        )
    vector = _is_vector(a, b)
    if not left and vector:
        raise RuntimeError(
            f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    shape = (*b.shape, 1) if vector else b.shape
    if len(shape) < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    check_solvable(name, a, shape, left)


def check_solvable(name: str, a: Any, shape: tuple[int, ...], left: bool) -> None:
    """Refuse a right-hand side that does not fit the matrix."""
    if a.shape[-2] != shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({a.shape[-2]}x{a.shape[-1]} and "
            f"{shape[-2]}x{shape[-1]})"
        )


@op(
    "_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True) -> (Tensor result, Tensor info)",
    **OWN,
    grad_name="LinalgSolveExBackward0",
    samples=_solve_samples,
)
def linalg_solve_ex(A, B, left):
    """``A^-1 B`` (``B A^-1``) and LAPACK's ``info``; the derivative's LU is the same one to XLA."""
    _check_solve(A, B, left)
    lu, pivots, _ = _lu(A if left else jnp.swapaxes(A, -1, -2))
    return _solved(lu, pivots, B, _is_vector(A, B), left, False), _zero_pivot(lu)


linalg_solve_ex.memory_rule(columns(0))


def _solved(lu: Any, pivots: Any, b: Any, vector: bool, left: bool, adj: bool) -> Any:
    """Apply the LU of ``A`` (of ``A^T`` for the right-hand form) to ``b``."""
    if vector:
        return _lu_apply(lu, pivots, b[..., None], adj=adj)[..., 0]
    if left:
        return _lu_apply(lu, pivots, b, adj=adj)
    return jnp.swapaxes(_lu_apply(lu, pivots, jnp.swapaxes(b, -1, -2), adj=adj), -1, -2)


@linalg_solve_ex.vjp
def _(ct, A, B_shape, result, left):
    vector = len(B_shape) == 1 or (A.ndim - 1 == len(B_shape) and B_shape == A.shape[:-1])
    lu, pivots, _ = _lu(A if left else jnp.swapaxes(A, -1, -2))
    g_b = _solved(lu, pivots, ct, vector, left, True)
    if vector:
        g_a = -g_b[..., :, None] * jnp.conj(result)[..., None, :]
    elif left:
        g_a = -product(g_b, adjoint(result))
    else:
        g_a = -product(adjoint(result), g_b)
    return g_a, g_b


@op(
    "linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
    **OWN,
    differentiable=("LU", "B"),
    samples=lambda rng, dtype: (
        Sample(
            (
                array(rng, s, dtype) + 3 * np.eye(3, dtype=dtype),
                np.array([1, 3, 3], np.int32),
                array(rng, (3, 2), dtype),
            )
        )
        for s in [(3, 3)]
    ),
)
def linalg_lu_solve(LU, pivots, B, left, adjoint):
    """Solution of ``A X = B`` (``X A = B``, with A's adjoint) from ``linalg.lu_factor``'s results."""
    name = "linalg.lu_solve"
    check_square(name, LU, "LU")
    if B.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    check_solvable(name, LU, B.shape, left)
    zero_based = pivots - 1
    if left:
        return _lu_apply(LU, zero_based, B, adj=adjoint)
    turned = jnp.conj(jnp.swapaxes(B, -1, -2))
    return jnp.conj(jnp.swapaxes(_lu_apply(LU, zero_based, turned, adj=not adjoint), -1, -2))


linalg_lu_solve.memory_rule(columns(0))


# ---------------------------------------------------------------- inverse and determinant


@op(
    "linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)",
    **OWN,
    samples=square(),
)
def linalg_inv_ex(A, check_errors):
    """Inverse and LAPACK's ``info`` (``check_errors`` is the caller's)."""
    check_square("linalg.inv", A)
    lu, pivots, _ = _lu(A)
    eye = jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape)
    return _lu_apply(lu, pivots, eye), _zero_pivot(lu)


linalg_inv_ex.memory_rule(columns(0))


@linalg_inv_ex.vjp
def _(cts, result):
    h = adjoint(result)
    return -product(h, cts[0], h)


@op("linalg_det(Tensor A) -> Tensor", **OWN, samples=square())
def linalg_det(A):
    """Determinant."""
    check_square("linalg.det", A)
    return jnp.linalg.det(A) if A.size else jnp.ones(A.shape[:-2], A.dtype)


@op("linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", **OWN, samples=square())
def linalg_slogdet(A):
    """Sign (of absolute value 1) of the determinant, and the logarithm of its absolute value."""
    check_square("linalg.slogdet", A)
    if not A.size:
        shape = A.shape[:-2]
        return jnp.ones(shape, A.dtype), jnp.zeros(shape, jnp.finfo(A.dtype).dtype)
    return tuple(jnp.linalg.slogdet(A))


@linalg_slogdet.vjp
def _(cts, A, results):
    g_sign, g_log = cts
    scale = g_log.astype(A.dtype)
    if is_complex(A):
        scale = scale - 1j * jnp.imag(jnp.conj(g_sign) * results[0])
    lu, pivots, _ = _lu(A)
    eye = jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape)
    return _lu_apply(lu, pivots, scale[..., None, None] * eye, adj=True)


# ---------------------------------------------------------------- Cholesky


def _first_bad_minor(a: Any) -> tuple[Any, Any]:
    """(partial factor, order of the first leading minor that is not positive), column by column."""
    n = a.shape[-1]
    rows = jnp.arange(n)

    def step(k: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        x, info = carry
        pivot = jnp.real(x[..., k, k])
        info = jnp.where((info == 0) & ~(pivot > 0), k + 1, info)
        going = (info == 0)[..., None]
        column = jnp.where(rows > k, x[..., :, k], 0) / jnp.sqrt(jnp.where(pivot > 0, pivot, 1))[..., None]
        diagonal = jnp.sqrt(jnp.where(pivot > 0, pivot, 1)).astype(x.dtype)
        updated = x - column[..., :, None] * jnp.conj(column[..., None, :])
        fresh = jnp.where(rows == k, diagonal[..., None], jnp.where(rows > k, column, x[..., :, k]))
        updated = updated.at[..., :, k].set(fresh)
        return jnp.where(going[..., None], updated, x), info.astype(jnp.int32)

    x, info = lax.fori_loop(0, n, step, (a, jnp.zeros(a.shape[:-2], jnp.int32)))
    return jnp.tril(x), info


@op(
    "linalg_cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)",
    **OWN,
    samples=square(definite=True),
)
def linalg_cholesky_ex(A, upper, check_errors):
    """Lower (upper) Cholesky factor of one triangle, and ``info``: the first leading minor that is not positive."""
    check_square("linalg.cholesky", A)
    a = jnp.conj(jnp.swapaxes(A, -1, -2)) if upper else A
    a = jnp.tril(a)
    if not A.size:
        return A, jnp.zeros(A.shape[:-2], jnp.int32)
    lower = lax.linalg.cholesky(a, symmetrize_input=False)
    failed = jnp.any(jnp.isnan(lower), (-2, -1))

    def look() -> tuple[Any, Any]:
        partial, info = _first_bad_minor(a)
        return jnp.where((info > 0)[..., None, None], partial, lower), info

    lower, info = lax.cond(jnp.any(failed), look, lambda: (lower, jnp.zeros(failed.shape, jnp.int32)))
    return adjoint(lower) if upper else lower, info


linalg_cholesky_ex.memory_rule(columns(0))


@linalg_cholesky_ex.vjp
def _(cts, result, upper):
    lower, g = (adjoint(result), adjoint(cts[0])) if upper else (result, cts[0])
    phi = product(adjoint(lower), g)
    phi = 0.5 * (jnp.tril(phi) + adjoint(jnp.tril(phi, -1)))
    return triangular(lower, triangular(lower, phi, lower=True, adj=True), left=False, lower=True)


@op(
    "cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
    samples=lambda rng, dtype: (
        Sample(
            (array(rng, (*b, 3, 2), dtype), (np.tril(array(rng, (3, 3), dtype)) + 3 * np.eye(3)).astype(dtype)),
            {"upper": u},
        )
        for b in ((), (2,))
        for u in (False, True)
    ),
)
def cholesky_solve(self, input2, upper):
    """``A^-1 self`` where ``input2`` is the lower (upper) Cholesky factor of A."""
    if self.ndim < 2:
        raise RuntimeError(f"b should have at least 2 dimensions, but has {self.ndim} dimensions instead")
    if input2.ndim < 2:
        raise RuntimeError(f"u should have at least 2 dimensions, but has {input2.ndim} dimensions instead")
    if input2.shape[-1] != input2.shape[-2]:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {input2.shape[-2]} by {input2.shape[-1]} matrices"
        )
    if self.shape[-2] != input2.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {input2.shape[-1]} by {input2.shape[-1]} "
            f"but each b matrix is {self.shape[-2]} by {self.shape[-1]}"
        )
    y = triangular(input2, self, lower=not upper, adj=upper)
    return triangular(input2, y, lower=not upper, adj=not upper)


cholesky_solve.memory_rule(columns(0))


@cholesky_solve.vjp
def _(ct, input2, result, upper):
    g_self = cholesky_solve(ct, input2, upper)
    both = product(g_self, adjoint(result))
    both = both + adjoint(both)
    g_factor = -product(input2, both) if upper else -product(both, input2)
    return g_self, g_factor


@op("cholesky_inverse(Tensor self, bool upper=False) -> Tensor", samples=square(definite=True))
def cholesky_inverse(self, upper):
    """Inverse of the matrix whose lower (upper) Cholesky factor is ``self``."""
    if self.ndim < 2 or self.shape[-1] != self.shape[-2]:
        raise RuntimeError(
            "cholesky_inverse: A must be batches of square matrices, but they are "
            f"{self.shape[-2] if self.ndim > 1 else 1} by {self.shape[-1] if self.ndim else 1} matrices"
        )
    eye = jnp.broadcast_to(jnp.eye(self.shape[-1], dtype=self.dtype), self.shape)
    return cholesky_solve(eye, self, upper)


cholesky_inverse.memory_rule(columns(0))


@cholesky_inverse.vjp
def _(ct, self, result, upper):
    both = product(result, ct + adjoint(ct), result)
    return -product(self, both) if upper else -product(both, self)


# ---------------------------------------------------------------- triangular systems


def _triangle_samples(rng: np.random.Generator, dtype: Any) -> Any:
    for a, b, left in (((3, 3), (3, 2), True), ((2, 3, 3), (3, 2), True), ((3, 3), (2, 3), False)):
        for upper in (False, True):
            for unit in (False, True):
                x = (array(rng, a, dtype) + 3 * np.eye(3)).astype(dtype)
                yield Sample((x, array(rng, b, dtype)), {"upper": upper, "left": left, "unitriangular": unit})


@op(
    "linalg_solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor",
    method=False,
    namespaces=("_ops",),
    samples=_triangle_samples,
)
def linalg_solve_triangular(A, B, upper, left, unitriangular):
    """Solution of ``A X = B`` (``X A = B``) that reads one triangle of A."""
    name = "linalg.solve_triangular"
    check_square(name, A)
    if B.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    check_solvable(name, A, B.shape, left)
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {display_name(A.dtype)} and B of "
            f"type {display_name(B.dtype)} instead"
        )
    return triangular(A, B, left=left, lower=not upper, unit=unitriangular)


linalg_solve_triangular.memory_rule(columns(0))


@linalg_solve_triangular.vjp
def _(ct, A, result, upper, left, unitriangular):
    g_b = triangular(A, ct, left=left, lower=not upper, adj=True, unit=unitriangular)
    g_a = -product(g_b, adjoint(result)) if left else -product(adjoint(result), g_b)
    k = int(unitriangular)
    return jnp.triu(g_a, k) if upper else jnp.tril(g_a, -k), g_b


@op(
    "lu_permutation(Tensor LU, Tensor pivots) -> Tensor",
    **OWN,
    differentiable=False,
    samples=lambda rng, dtype: (Sample((array(rng, (3, 3), dtype), np.array([1, 3, 3], np.int32))) for _ in range(1)),
)
def lu_permutation(LU, pivots):
    """P of ``A = P L U`` from 1-based row swaps, in the dtype of ``LU``."""
    m = LU.shape[-2]
    eye = jnp.broadcast_to(jnp.eye(m, dtype=LU.dtype), (*LU.shape[:-2], m, m))
    return _unpermute(pivots - 1, eye)
