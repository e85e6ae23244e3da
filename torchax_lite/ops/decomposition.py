"""Orthogonal factorisations and spectra: QR, singular values, eigenvalues, functions of matrices.

Derivatives follow the usual formulas with ``F_ij = 1 / (w_j - w_i)``; for complex input the gauge freedom of eigen- and
singular vectors is projected out.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .common import display_name, is_complex
from .linalg import OWN, check_float, check_square, product, rectangles, square, triangular
from .matmul import adjoint
from .memory import columns
from .reflections import reflections
from .registry import op
from .samples import Sample, array

ALIASES = {
    "linalg.matrix_exp": "linalg_matrix_exp",
    "linalg.householder_product": "linalg_householder_product",
}

# ---------------------------------------------------------------- QR


@op(
    "linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)",
    method=False,
    namespaces=("_ops",),
    samples=rectangles((), ("complete",), ("r",)),
)
def linalg_qr(A, mode):
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


linalg_qr.memory_rule(columns(0, 1))


@linalg_qr.check
def _(A, mode):
    if A.ndim >= 2 and mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )


@linalg_qr.vjp
def _(cts, A_shape, results, mode):
    m, n = A_shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    (q, r), (g_q, g_r) = results, cts
    if m >= n:
        return _qr_grad(q, r, g_q, g_r)
    r1, r2, g_r1, g_r2 = r[..., :m], r[..., m:], g_r[..., :m], g_r[..., m:]
    first = _qr_grad(q, r1, g_q + product(q, r2, adjoint(g_r2)), g_r1)
    return jnp.concatenate([first, product(q, g_r2)], -1)


def _qr_grad(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    """Cotangent of A for ``m >= n``: ``(gQ + Q sym(triu(gR R^H - Q^H gQ))) R^-H``."""
    x = jnp.triu(product(g_r, adjoint(r)) - product(adjoint(q), g_q))
    diagonal = jnp.eye(x.shape[-1], dtype=x.dtype) * jnp.real(x)
    return triangular(r, g_q + product(q, x + adjoint(x) - diagonal), left=False, adj=True)


# ---------------------------------------------------------------- singular values


@op(
    "_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor Vh)",
    **OWN,
    grad_name="LinalgSvdBackward0",
    samples=rectangles(),
)
def linalg_svd(A, full_matrices, compute_uv):
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


linalg_svd.memory_rule(columns(0, 2))


@linalg_svd.vjp
def _(cts, A, results, full_matrices, compute_uv):
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
    su = product(adjoint(u), g_u)
    sv = product(vh, g_v)
    skew_u, skew_v = su - adjoint(su), sv - adjoint(sv)
    s_row, s_col = s[..., None, :].astype(A.dtype), s[..., :, None].astype(A.dtype)
    # equal singular values do no harm where nothing flows to the vectors; linear elsewhere, forward mode transposes this
    skew_u, skew_v = (jnp.where(jnp.isinf(f) & (x == 0), 0, f * x) for x in (skew_u, skew_v))
    inner = skew_u * s_row + s_col * skew_v
    inner = inner + jnp.where(eye, g_s[..., None, :].astype(A.dtype), 0)
    safe = jnp.where(s_row == 0, 1, s_row)
    if is_complex(A):
        inner = inner + jnp.where(eye, 1j * jnp.imag(su), 0) / safe
    g_a = product(u, inner, vh)
    if m > k:
        rest = (g_u - product(u, su)) / safe
        g_a = g_a + product(rest, vh)
    if n > k:
        rest = (g_v - product(v, sv)) / safe
        g_a = g_a + product(u, adjoint(rest))
    return g_a


# ---------------------------------------------------------------- eigenvalues


@op(
    "linalg_eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)",
    method=False,
    namespaces=("_ops",),
    samples=square(symmetric=True),
)
def linalg_eigh(A, UPLO):
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


linalg_eigh.memory_rule(columns(1))


@linalg_eigh.vjp
def _(cts, results):
    (w, v), (g_w, g_v) = results, cts
    eye = jnp.eye(v.shape[-1], dtype=bool)
    vgv = product(adjoint(v), g_v)
    gaps = jnp.where(eye, 1, w[..., None, :] - w[..., :, None])
    inner = jnp.where(eye, g_w[..., None, :].astype(v.dtype), vgv / gaps.astype(v.dtype))
    out = product(v, inner, adjoint(v))
    return 0.5 * (out + adjoint(out))


@op(
    "linalg_eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)",
    **OWN,
    samples=square(),
)
def linalg_eig(A):
    """Eigenvalues and unit eigenvectors (complex) of a square matrix; on the CPU only, as JAX has it."""
    check_square("linalg.eig", A)
    kind = jnp.promote_types(A.dtype, jnp.complex64)
    if not A.size:
        return jnp.zeros(A.shape[:-1], kind), A.astype(kind)
    w, v = jnp.linalg.eig(A)
    return w.astype(kind), v.astype(kind)


linalg_eig.memory_rule(columns(1))


@linalg_eig.vjp
def _(cts, A, results):
    (w, v), (g_w, g_v) = results, cts
    eye = jnp.eye(v.shape[-1], dtype=bool)
    vgv = product(adjoint(v), g_v)
    vgv = vgv - product(adjoint(v), v) * jnp.real(jnp.where(eye, vgv, 0).sum(-2, keepdims=True))
    gaps = jnp.where(eye, 1, jnp.conj(w[..., None, :] - w[..., :, None]))
    inner = jnp.where(eye, g_w[..., None, :], vgv / gaps)
    out = jnp.linalg.solve(adjoint(v), product(inner, adjoint(v)))
    return out if is_complex(A) else jnp.real(out).astype(A.dtype)


# ---------------------------------------------------------------- matrix functions


@op("linalg_matrix_exp(Tensor self) -> Tensor", function=True, **OWN, samples=square())
def linalg_matrix_exp(self):
    """Matrix exponential."""
    if self.dtype in (jnp.float16, jnp.bfloat16):
        return linalg_matrix_exp.body(self.astype(jnp.float32)).astype(self.dtype)
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
    v, t = reflections(input, tau)
    eye = jnp.broadcast_to(jnp.eye(m, n, dtype=input.dtype), input.shape)
    return eye - product(v, product(t, adjoint(v)[..., :, :n]))


linalg_householder_product.memory_rule(columns(0))


# ---------------------------------------------------------------- pseudo-inverse


@op(
    "linalg_pinv(Tensor A, Tensor|Scalar atol, Tensor|Scalar rtol, bool hermitian=False) -> Tensor",
    **OWN,
    differentiable=("A",),
    samples=rectangles((0.0, 1e-6)),
)
def linalg_pinv(A, atol, rtol, hermitian):
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
    return product(adjoint(vh) * inverse[..., None, :], adjoint(u))


@linalg_pinv.vjp
def _(ct, A, result):
    p, ph, gh = result, adjoint(result), adjoint(ct)
    if A.shape[-2] <= A.shape[-1]:
        k = product(gh, p)
        kph = product(k, ph)
        g = kph - product(A, p, kph) - adjoint(product(p, k)) + product(ph, p, gh - product(k, A))
    else:
        k = product(p, gh)
        phk = product(ph, k)
        g = phk - product(phk, p, A) - adjoint(product(k, p)) + product(gh - product(A, k), p, ph)
    return g, None, None
