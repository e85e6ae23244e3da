"""Linear algebra: factorisations, solvers, determinants, inverses.

The ops here are pure: failure is told by an ``info`` result, as LAPACK does. The public functions that raise
(``linalg.inv``, ``linalg.solve``, ``linalg.cholesky`` ...) read it in ``composite/linalg.py``. All take batches of
matrices in the last two dims. Derivatives follow the usual formulas with ``F_ij = 1 / (w_j - w_i)``; for the complex
case the gauge freedom of eigen- and singular vectors is projected out.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import display_name, is_complex
from .matmul import adjoint, matrix_product
from .registry import op
from .samples import Sample, Samples, array

# ---------------------------------------------------------------- shared


def _product(*factors: Any) -> Any:
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
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {display_name(x.dtype)}"
        )
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


_OWN = {"method": False, "namespaces": ("_ops",), "out": False}
"""Options of the ops that composites and aliases make public."""

ALIASES = {
    "linalg.det": "linalg_det",
    "linalg.slogdet": "linalg_slogdet",
    "linalg.qr": "linalg_qr",
    "linalg.eigh": "linalg_eigh",
    "linalg.matrix_exp": "linalg_matrix_exp",
    "matrix_exp": "linalg_matrix_exp",
    "linalg.householder_product": "linalg_householder_product",
    "orgqr": "linalg_householder_product",
}

# ---------------------------------------------------------------- LU


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


def _triangular(a: Any, b: Any, *, left: bool = True, lower: bool = False, adj: bool = False, unit: bool = False) -> Any:
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
        y = _triangular(lu, b, adj=True)
        y = _triangular(lu, y, lower=True, adj=True, unit=True)
        return jnp.take_along_axis(y, jnp.argsort(order, -1)[..., None], axis=-2)
    y = _triangular(lu, jnp.take_along_axis(b, order[..., None], axis=-2), lower=True, unit=True)
    return _triangular(lu, y)


@op(
    "linalg_lu_factor_ex(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots, Tensor info)",
    **_OWN,
    samples=rectangles(),
)
def linalg_lu_factor_ex(A, pivot):  # noqa: N803
    """Packed LU with 1-based row swaps, and ``info``: the first zero on U's diagonal."""
    check_float("torch.lu_factor_ex", A)
    if not pivot:
        raise NotImplementedError("linalg.lu_factor: pivot=False (no pivoting) is not implemented")
    lu, pivots, _ = _lu(A)
    return lu, pivots.astype(jnp.int32) + 1, _zero_pivot(lu)


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
        phi = jnp.tril(_product(adjoint(lower), g_lower), -1) + jnp.triu(_product(g_upper, adjoint(upper)))
        phi = _triangular(lower, phi, lower=True, adj=True, unit=True)
        return _triangular(upper, phi, left=False, adj=True)
    if m < n:
        u1, u2 = upper[..., :k], upper[..., k:]
        phi = jnp.triu(_product(g_upper[..., :k], adjoint(u1)))
        phi = phi + jnp.tril(_product(adjoint(lower), g_lower) - _product(g_upper[..., k:], adjoint(u2)), -1)
        left = _triangular(u1, phi, left=False, adj=True)
        inner = jnp.concatenate([left, g_upper[..., k:]], -1)
        return _triangular(lower, inner, lower=True, adj=True, unit=True)
    l1, l2 = lower[..., :k, :], lower[..., k:, :]
    phi = jnp.tril(_product(adjoint(l1), g_lower[..., :k, :]), -1)
    phi = phi + jnp.triu(_product(g_upper, adjoint(upper)) - _product(adjoint(l2), g_lower[..., k:, :]))
    top = _triangular(l1, phi, lower=True, adj=True, unit=True)
    return _triangular(upper, jnp.concatenate([top, g_lower[..., k:, :]], -2), left=False, adj=True)


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


@op("linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", **_OWN, samples=rectangles())
def linalg_lu(A, pivot):  # noqa: N803
    """``A = P L U``: permutation, unit lower triangle, upper triangle."""
    check_float("linalg.lu", A)
    if not pivot:
        raise NotImplementedError("linalg.lu: pivot=False (no pivoting) is not implemented")
    lu, pivots, _ = _lu(A)
    lower, upper = _lu_parts(lu)
    eye = jnp.broadcast_to(jnp.eye(A.shape[-2], dtype=A.dtype), (*A.shape[:-2], A.shape[-2], A.shape[-2]))
    return _unpermute(pivots, eye), lower, upper


@linalg_lu.vjp
def _(cts, results):
    p, lower, upper = results
    return _product(p, _lu_grad(lower, upper, jnp.tril(cts[1], -1), jnp.triu(cts[2])))


def _solve_samples(rng: np.random.Generator, dtype: Any) -> Any:
    for a, b, left in (((3, 3), (3, 2), True), ((2, 3, 3), (3,), True), ((2, 3, 3), (2, 3), True), ((3, 3), (2, 3), False)):
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
    "_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True) -> (Tensor result, Tensor LU, Tensor pivots, Tensor info)",
    **_OWN,
    grad_name="LinalgSolveExBackward0",
    samples=_solve_samples,
)
def linalg_solve_ex(A, B, left):  # noqa: N803
    """``A^-1 B`` (``B A^-1``), with the LU that gave it and LAPACK's ``info``."""
    _check_solve(A, B, left)
    lu, pivots, _ = _lu(A if left else jnp.swapaxes(A, -1, -2))
    return _solved(lu, pivots, B, _is_vector(A, B), left, False), lu, pivots, _zero_pivot(lu)


def _solved(lu: Any, pivots: Any, b: Any, vector: bool, left: bool, adj: bool) -> Any:
    """Apply the LU of ``A`` (of ``A^T`` for the right-hand form) to ``b``."""
    if vector:
        return _lu_apply(lu, pivots, b[..., None], adj=adj)[..., 0]
    if left:
        return _lu_apply(lu, pivots, b, adj=adj)
    return jnp.swapaxes(_lu_apply(lu, pivots, jnp.swapaxes(b, -1, -2), adj=adj), -1, -2)


@linalg_solve_ex.vjp
def _(cts, A_shape, B_shape, results, left):  # noqa: N803
    result, lu, pivots, _ = results
    vector = len(B_shape) == 1 or (len(A_shape) - 1 == len(B_shape) and B_shape == A_shape[:-1])
    g_b = _solved(lu, pivots, cts[0], vector, left, True)
    if vector:
        g_a = -g_b[..., :, None] * jnp.conj(result)[..., None, :]
    elif left:
        g_a = -_product(g_b, adjoint(result))
    else:
        g_a = -_product(adjoint(result), g_b)
    return g_a, g_b


@op(
    "linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
    **_OWN,
    differentiable=("LU", "B"),
    samples=lambda rng, dtype: (
        Sample((array(rng, s, dtype) + 3 * np.eye(3, dtype=dtype), np.array([1, 3, 3], np.int32), array(rng, (3, 2), dtype)))
        for s in [(3, 3)]
    ),
)
def linalg_lu_solve(LU, pivots, B, left, adjoint):  # noqa: N803
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


# ---------------------------------------------------------------- inverse and determinant


@op(
    "linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)",
    **_OWN,
    samples=square(),
)
def linalg_inv_ex(A, check_errors):  # noqa: N803
    """Inverse and LAPACK's ``info`` (``check_errors`` is the caller's)."""
    check_square("linalg.inv", A)
    lu, pivots, _ = _lu(A)
    eye = jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape)
    return _lu_apply(lu, pivots, eye), _zero_pivot(lu)


@linalg_inv_ex.vjp
def _(cts, result):
    h = adjoint(result)
    return -_product(h, cts[0], h)


@op("linalg_det(Tensor A) -> Tensor", **_OWN, samples=square())
def linalg_det(A):  # noqa: N803
    """Determinant."""
    check_square("linalg.det", A)
    return jnp.linalg.det(A) if A.size else jnp.ones(A.shape[:-2], A.dtype)


@op("linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", **_OWN, samples=square())
def linalg_slogdet(A):  # noqa: N803
    """Sign (of absolute value 1) of the determinant, and the logarithm of its absolute value."""
    check_square("linalg.slogdet", A)
    if not A.size:
        shape = A.shape[:-2]
        return jnp.ones(shape, A.dtype), jnp.zeros(shape, jnp.finfo(A.dtype).dtype)
    return tuple(jnp.linalg.slogdet(A))


@linalg_slogdet.vjp
def _(cts, A, results):  # noqa: N803
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
    **_OWN,
    samples=square(definite=True),
)
def linalg_cholesky_ex(A, upper, check_errors):  # noqa: N803
    """Lower (upper) Cholesky factor of the triangle it reads; ``info``: the first leading minor that is not positive."""
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


@linalg_cholesky_ex.vjp
def _(cts, result, upper):
    lower, g = (adjoint(result), adjoint(cts[0])) if upper else (result, cts[0])
    phi = _product(adjoint(lower), g)
    phi = 0.5 * (jnp.tril(phi) + adjoint(jnp.tril(phi, -1)))
    return _triangular(lower, _triangular(lower, phi, lower=True, adj=True), left=False, lower=True)


@op(
    "cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
    samples=lambda rng, dtype: (
        Sample((array(rng, (*b, 3, 2), dtype), (np.tril(array(rng, (3, 3), dtype)) + 3 * np.eye(3)).astype(dtype)), {"upper": u})
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
    y = _triangular(input2, self, lower=not upper, adj=upper)
    return _triangular(input2, y, lower=not upper, adj=not upper)


@cholesky_solve.vjp
def _(ct, input2, result, upper):
    g_self = cholesky_solve(ct, input2, upper)
    both = _product(g_self, adjoint(result))
    both = both + adjoint(both)
    g_factor = -_product(input2, both) if upper else -_product(both, input2)
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


@cholesky_inverse.vjp
def _(ct, self, result, upper):
    both = _product(result, ct + adjoint(ct), result)
    return -_product(self, both) if upper else -_product(both, self)


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
def linalg_solve_triangular(A, B, upper, left, unitriangular):  # noqa: N803
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
    return _triangular(A, B, left=left, lower=not upper, unit=unitriangular)


ALIASES["linalg.solve_triangular"] = "linalg_solve_triangular"


@linalg_solve_triangular.vjp
def _(ct, A, result, upper, left, unitriangular):  # noqa: N803
    g_b = _triangular(A, ct, left=left, lower=not upper, adj=True, unit=unitriangular)
    g_a = -_product(g_b, adjoint(result)) if left else -_product(adjoint(result), g_b)
    k = int(unitriangular)
    return jnp.triu(g_a, k) if upper else jnp.tril(g_a, -k), g_b


# ---------------------------------------------------------------- QR


@op(
    "linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)",
    method=False,
    namespaces=("_ops",),
    samples=rectangles((), ("complete",), ("r",)),
)
def linalg_qr(A, mode):  # noqa: N803
    """``A = Q R`` with orthonormal columns and an upper triangle; ``complete``: square Q; ``r``: R alone."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    check_float("linalg.qr", A)
    m, n = A.shape[-2:]
    if 0 in (m, n):
        k = m if mode == "complete" else min(m, n)
        eye = jnp.broadcast_to(jnp.eye(m, k, dtype=A.dtype), (*A.shape[:-2], m, k))
        return eye if mode != "r" else jnp.zeros((0,), A.dtype), jnp.zeros((*A.shape[:-2], k, n), A.dtype)
    q, r = lax.linalg.qr(A, full_matrices=mode == "complete")
    return (jnp.zeros((0,), A.dtype) if mode == "r" else q), r


@linalg_qr.check
def _(A, mode):  # noqa: N803
    if A.ndim >= 2 and mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )


@linalg_qr.vjp
def _(cts, A_shape, results, mode):  # noqa: N803
    m, n = A_shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        )
    (q, r), (g_q, g_r) = results, cts
    if m >= n:
        return _qr_grad(q, r, g_q, g_r)
    r1, r2, g_r1, g_r2 = r[..., :m], r[..., m:], g_r[..., :m], g_r[..., m:]
    first = _qr_grad(q, r1, g_q + _product(q, r2, adjoint(g_r2)), g_r1)
    return jnp.concatenate([first, _product(q, g_r2)], -1)


def _qr_grad(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    """Cotangent of A for ``m >= n``: ``(gQ + Q sym(triu(gR R^H - Q^H gQ))) R^-H``."""
    x = jnp.triu(_product(g_r, adjoint(r)) - _product(adjoint(q), g_q))
    diagonal = jnp.eye(x.shape[-1], dtype=x.dtype) * jnp.real(x)
    return _triangular(r, g_q + _product(q, x + adjoint(x) - diagonal), left=False, adj=True)


# ---------------------------------------------------------------- singular values


@op(
    "_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor Vh)",
    **_OWN,
    grad_name="LinalgSvdBackward0",
    samples=rectangles(),
)
def linalg_svd(A, full_matrices, compute_uv):  # noqa: N803
    """``A = U diag(S) Vh``, singular values in descending order; without ``compute_uv`` U and Vh are empty."""
    check_float("linalg.svd", A)
    lead, (m, n) = A.shape[:-2], A.shape[-2:]
    k = min(m, n)
    real = jnp.finfo(A.dtype).dtype
    if not A.size:
        left, right = (m, n) if full_matrices else (k, k)
        eye_u = jnp.broadcast_to(jnp.eye(m, left, dtype=A.dtype), (*lead, m, left))
        eye_v = jnp.broadcast_to(jnp.eye(right, n, dtype=A.dtype), (*lead, right, n))
        empty = jnp.zeros((0,), A.dtype)
        s = jnp.zeros((*lead, k), real)
        return (eye_u, s, eye_v) if compute_uv else (empty, s, empty)
    if not compute_uv:
        empty = jnp.zeros((0,), A.dtype)
        return empty, lax.linalg.svd(A, compute_uv=False), empty
    u, s, vh = lax.linalg.svd(A, full_matrices=full_matrices, compute_uv=True)
    return u, s, vh


@linalg_svd.vjp
def _(cts, A, results, full_matrices, compute_uv):  # noqa: N803
    g_u, g_s, g_vh = cts
    m, n = A.shape[-2:]
    k = min(m, n)
    if compute_uv:
        u, s, vh = results
    else:
        u, s, vh = lax.linalg.svd(A, full_matrices=False, compute_uv=True)
        g_u, g_vh = jnp.zeros_like(u), jnp.zeros_like(vh)
    u, vh, g_u, g_vh = u[..., :, :k], vh[..., :k, :], g_u[..., :, :k], g_vh[..., :k, :]
    g_v, v = adjoint(g_vh), adjoint(vh)
    squares = (s * s)[..., None, :] - (s * s)[..., :, None]
    eye = jnp.eye(k, dtype=bool)
    f = jnp.where(eye, 1, squares)
    f = jnp.where(eye, 0, 1 / f).astype(A.dtype)
    su = _product(adjoint(u), g_u)
    sv = _product(vh, g_v)
    skew_u, skew_v = su - adjoint(su), sv - adjoint(sv)
    s_row, s_col = s[..., None, :].astype(A.dtype), s[..., :, None].astype(A.dtype)
    inner = (f * skew_u) * s_row + s_col * (f * skew_v)
    inner = inner + jnp.where(eye, g_s[..., None, :].astype(A.dtype), 0)
    safe = jnp.where(s_row == 0, 1, s_row)
    if is_complex(A):
        inner = inner + jnp.where(eye, 1j * jnp.imag(su), 0) / safe
    g_a = _product(u, inner, vh)
    if m > k:
        rest = (g_u - _product(u, su)) / safe
        g_a = g_a + _product(rest, vh)
    if n > k:
        rest = (g_v - _product(v, sv)) / safe
        g_a = g_a + _product(u, adjoint(rest))
    return g_a


# ---------------------------------------------------------------- eigenvalues


@op(
    "linalg_eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)",
    method=False,
    namespaces=("_ops",),
    samples=square(symmetric=True),
)
def linalg_eigh(A, UPLO):  # noqa: N803
    """Eigenvalues in ascending order and eigenvectors of a Hermitian matrix, of which one triangle is read."""
    check_square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    if not A.size:
        return jnp.zeros(A.shape[:-1], jnp.finfo(A.dtype).dtype), A
    lower = UPLO.upper() == "L"
    half = jnp.tril(A, -1) if lower else jnp.triu(A, 1)
    diagonal = jnp.real(jnp.diagonal(A, axis1=-2, axis2=-1)).astype(A.dtype)
    full = half + adjoint(half) + jnp.eye(A.shape[-1], dtype=A.dtype) * diagonal[..., None, :]
    v, w = lax.linalg.eigh(full, symmetrize_input=False, sort_eigenvalues=True)
    return w, v


@linalg_eigh.vjp
def _(cts, results):
    (w, v), (g_w, g_v) = results, cts
    eye = jnp.eye(v.shape[-1], dtype=bool)
    vgv = _product(adjoint(v), g_v)
    gaps = jnp.where(eye, 1, w[..., None, :] - w[..., :, None])
    inner = jnp.where(eye, g_w[..., None, :].astype(v.dtype), vgv / gaps.astype(v.dtype))
    out = _product(v, inner, adjoint(v))
    return 0.5 * (out + adjoint(out))


@op(
    "linalg_eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)",
    **_OWN,
    samples=square(),
)
def linalg_eig(A):  # noqa: N803
    """Eigenvalues and unit eigenvectors (complex) of a square matrix; on the CPU only, as JAX has it."""
    check_square("linalg.eig", A)
    kind = jnp.promote_types(A.dtype, jnp.complex64)
    if not A.size:
        return jnp.zeros(A.shape[:-1], kind), A.astype(kind)
    w, v = jnp.linalg.eig(A)
    return w.astype(kind), v.astype(kind)


@linalg_eig.vjp
def _(cts, A, results):  # noqa: N803
    (w, v), (g_w, g_v) = results, cts
    eye = jnp.eye(v.shape[-1], dtype=bool)
    vgv = _product(adjoint(v), g_v)
    vgv = vgv - _product(adjoint(v), v) * jnp.real(jnp.where(eye, vgv, 0).sum(-2, keepdims=True))
    gaps = jnp.where(eye, 1, jnp.conj(w[..., None, :] - w[..., :, None]))
    inner = jnp.where(eye, g_w[..., None, :], vgv / gaps)
    out = jnp.linalg.solve(adjoint(v), _product(inner, adjoint(v)))
    return out if is_complex(A) else jnp.real(out).astype(A.dtype)


# ---------------------------------------------------------------- matrix functions


@op("linalg_matrix_exp(Tensor self) -> Tensor", function=True, **_OWN, samples=square())
def linalg_matrix_exp(self):
    """Matrix exponential."""
    check_square("linalg.matrix_exp", self)
    if not self.size:
        return self
    flat = self.reshape(-1, *self.shape[-2:])
    return jax.vmap(jax.scipy.linalg.expm)(flat).reshape(self.shape)


@op(
    "linalg_householder_product(Tensor input, Tensor tau) -> Tensor",
    method=False,
    namespaces=("_ops",),
    samples=lambda rng, dtype: (Sample((array(rng, (4, 3), dtype), array(rng, (k,), dtype))) for k in (3, 2)),
)
def linalg_householder_product(input, tau):
    """First columns of the product of the Householder reflections ``I - tau_i v_i v_i^H`` stored below the diagonal."""
    name = "torch.linalg.householder_product"
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    m, n = input.shape[-2:]
    if m < n:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if n < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if input.dtype != tau.dtype:
        raise RuntimeError(
            f"{name}: tau dtype {display_name(tau.dtype)} does not match input dtype {display_name(input.dtype)}"
        )
    vectors = jnp.tril(input, -1) + jnp.eye(m, n, dtype=input.dtype)
    q = jnp.broadcast_to(jnp.eye(m, n, dtype=input.dtype), input.shape)
    for i in reversed(range(tau.shape[-1])):
        v = vectors[..., :, i : i + 1]
        q = q - tau[..., i, None, None] * _product(v, _product(adjoint(v), q))
    return q


# ---------------------------------------------------------------- pseudo-inverse, permutation


@op(
    "linalg_pinv(Tensor A, Tensor|Scalar atol, Tensor|Scalar rtol, bool hermitian=False) -> Tensor",
    **_OWN,
    differentiable=("A",),
    samples=rectangles((0.0, 1e-6)),
)
def linalg_pinv(A, atol, rtol, hermitian):  # noqa: N803
    """Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as zero."""
    if not A.size:
        return jnp.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
    if hermitian:
        check_square("linalg.pinv", A)
        w, u = linalg_eigh.body(A, "L")
        size, vh = jnp.abs(w), adjoint(u)
    else:
        check_float("linalg.pinv", A)
        u, w, vh = lax.linalg.svd(A, full_matrices=False, compute_uv=True)
        size = w
    atol, rtol = jnp.asarray(atol).astype(w.dtype), jnp.asarray(rtol).astype(w.dtype)
    kept = size > jnp.maximum(atol, rtol * jnp.max(size, -1, keepdims=True))
    inverse = jnp.where(kept, 1 / jnp.where(kept, w, 1), 0).astype(A.dtype)
    return _product(adjoint(vh) * inverse[..., None, :], adjoint(u))


@linalg_pinv.vjp
def _(ct, A, result):  # noqa: N803
    p, ph, gh = result, adjoint(result), adjoint(ct)
    if A.shape[-2] <= A.shape[-1]:
        k = _product(gh, p)
        kph = _product(k, ph)
        g = kph - _product(A, p, kph) - adjoint(_product(p, k)) + _product(ph, p, gh - _product(k, A))
    else:
        k = _product(p, gh)
        phk = _product(ph, k)
        g = phk - _product(phk, p, A) - adjoint(_product(k, p)) + _product(gh - _product(A, k), p, ph)
    return g, None, None


@op(
    "lu_permutation(Tensor LU, Tensor pivots) -> Tensor",
    **_OWN,
    differentiable=False,
    samples=lambda rng, dtype: (Sample((array(rng, (3, 3), dtype), np.array([1, 3, 3], np.int32))) for _ in range(1)),
)
def lu_permutation(LU, pivots):  # noqa: N803
    """P of ``A = P L U`` from 1-based row swaps, in the dtype of ``LU``."""
    m = LU.shape[-2]
    eye = jnp.broadcast_to(jnp.eye(m, dtype=LU.dtype), (*LU.shape[:-2], m, m))
    return _unpermute(pivots - 1, eye)
