"""Leading singular and eigenvectors of large matrices: randomised subspace iteration and LOBPCG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from .registry import composite

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _basis(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Orthonormal columns that nearly span the range of ``A - M``, after ``niter`` power iterations."""

    def forward(x: Tensor) -> Tensor:
        return torch.matmul(A, x) if M is None else torch.matmul(A, x) - torch.matmul(M, x)

    def backward(x: Tensor) -> Tensor:
        return torch.matmul(A.mH, x) if M is None else torch.matmul(A.mH, x) - torch.matmul(M.mH, x)

    dtype = A.dtype if A.is_floating_point() or A.is_complex() else torch.float32
    found = torch.linalg.qr(forward(torch.randn(A.shape[-1], q, dtype=dtype, device=A.device))).Q
    for _ in range(niter):
        found = torch.linalg.qr(backward(found)).Q
        found = torch.linalg.qr(forward(found)).Q
    return found


@composite()
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """``(U, S, V)`` with ``A - M`` near ``U diag(S) V^H``, of rank ``q``, by Halko's randomised subspace iteration.

    Args:
        A: (..., m, n).
        q: columns of the random probe, a little more than the wanted rank.
        niter: power iterations.
        M: mean to subtract, broadcast to A's shape.
    """
    q = 6 if q is None else q
    niter = 2 if niter is None else niter
    m, n = A.shape[-2:]
    if M is not None:
        M = M.broadcast_to(A.shape)
    wide = m < n
    if wide:
        A = A.mH
        M = None if M is None else M.mH
    basis = _basis(A, q, niter, M)
    core = torch.matmul(basis.mH, A)
    if M is not None:
        core = core - torch.matmul(basis.mH, M)
    u, s, vh = torch.linalg.svd(core, full_matrices=False)
    left, right = torch.matmul(basis, u), vh.mH
    return (right, s, left) if wide else (left, s, right)


@composite()
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """``(U, S, V)`` of the (centred) rows of A: V has the principal directions; see :func:`svd_lowrank`.

    Raises:
        ValueError: ``q`` or ``niter`` out of range.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if not (A.is_floating_point() or A.is_complex()):
        raise ValueError(f"pca_lowrank: expected a floating point or complex matrix, got {A.dtype}")
    return svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter=niter)


# ---------------------------------------------------------------- LOBPCG


def _orthonormal(x: Tensor, B: Tensor | None) -> Tensor:
    """Columns that span those of ``x``, orthonormal in the product of B; dependent ones are dropped."""
    if x.shape[-1] == 0:
        return x
    for _ in range(2):
        gram = x.mT @ (x if B is None else B @ x)
        scale = gram.diagonal().clamp(min=0).sqrt()
        scale = torch.where(scale > 0, 1 / scale, 0.0)
        w, v = torch.linalg.eigh(gram * scale[:, None] * scale[None, :])
        kept = w > w[-1].clamp(min=0) * torch.finfo(x.dtype).eps * x.shape[-1]
        x = (x * scale) @ (v[:, kept] / w[kept].sqrt())
    return x


class _Problem:
    """One symmetric (generalised) eigenproblem and the state of its iteration."""

    def __init__(
        self, A: Tensor, B: Tensor | None, X: Tensor, iK: Tensor | None, k: int, niter: int, tol: float, largest: bool,
        method: str, tracker: Callable[[Any], Any] | None,
    ) -> None:  # fmt: skip
        self.A, self.B, self.iK = A, B, iK
        self.k, self.n = k, X.shape[-1]
        self.niter, self.tol, self.largest, self.method, self.tracker = niter, tol, largest, method, tracker
        self.iparams = {"m": A.shape[-1], "n": self.n, "k": k, "niter": niter}
        self.fparams = {"tol": tol}
        self.bparams = {"largest": largest}
        self.ivars = {"istep": 0, "converged_count": 0, "iterations_left": niter}
        self.fvars: dict[str, Any] = {}
        self.bvars = {"force_stop": False}
        self.tvars: dict[str, Any] = {}
        self.X = X
        self.E = A.new_zeros(self.n)
        self.P: Tensor | None = None

    def run(self) -> tuple[Tensor, Tensor]:
        """Iterate until k pairs have converged."""
        self.X = _orthonormal(self.X, self.B)
        self._rayleigh_ritz(self.X)
        a_norm = torch.linalg.matrix_norm(self.A).item()
        b_norm = 1.0 if self.B is None else torch.linalg.matrix_norm(self.B).item()
        while True:
            residual = self.A @ self.X - (self.X if self.B is None else self.B @ self.X) * self.E
            norms = torch.linalg.vector_norm(residual, dim=0)
            sizes = torch.linalg.vector_norm(self.X, dim=0) * (a_norm + self.E.abs() * b_norm)
            done = (norms / sizes < self.tol).tolist()
            count = next((i for i, ok in enumerate(done) if not ok), len(done))
            self.ivars["converged_count"] = count
            self.tvars["rerr"] = norms / sizes
            if self.tracker is not None:
                self.R = residual
                self.tracker(self)
            left = self.niter < 0 or self.ivars["istep"] < self.niter
            if count >= self.k or not left or self.bvars["force_stop"]:
                break
            self._step(residual[:, count:])
            self.ivars["istep"] += 1
            self.ivars["iterations_left"] -= 1
        return self.E[: self.k], self.X[:, : self.k]

    def _step(self, residual: Tensor) -> None:
        """Best vectors in the span of the current ones, the preconditioned residuals and the last directions."""
        W = residual if self.iK is None else self.iK @ residual
        parts = [W] if self.P is None else [W, self.P]
        others = torch.cat(parts, -1)
        own = self.X if self.B is None else self.B @ self.X
        for _ in range(2):
            others = others - self.X @ (own.mT @ others)
        others = _orthonormal(others, self.B)
        before = self.X
        self._rayleigh_ritz(torch.cat([self.X, others], -1))
        self.P = self.X - before @ ((before if self.B is None else self.B @ before).mT @ self.X)

    def _rayleigh_ritz(self, S: Tensor) -> None:
        w, z = torch.linalg.eigh(S.mT @ (self.A @ S))
        if self.largest:
            w, z = w.flip(-1), z.flip(-1)
        self.E, self.X = w[: self.n], S @ z[:, : self.n]


class _Differentiable(torch.autograd.Function):  # type: ignore[valid-type,misc]
    """Derivatives of eigenpairs of a symmetric matrix, through its whole spectrum."""

    @staticmethod
    def forward(ctx: Any, A: Tensor, solve: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Any:
        E, X = solve(A)
        ctx.save_for_backward(A, E, X)
        return E, X

    @staticmethod
    def backward(ctx: Any, g_e: Any, g_x: Any) -> Any:
        A, E, X = ctx.saved_tensors
        inner = X * g_e.unsqueeze(-2)
        w, v = torch.linalg.eigh(A)
        gaps = E.unsqueeze(-2) - w.unsqueeze(-1)
        own = v.mT @ X
        near = own.abs() > 0.5
        weights = torch.where(near, 0.0, 1 / torch.where(near, 1.0, gaps))
        inner = inner + v @ (weights * (v.mT @ g_x))
        g = inner @ X.mT
        return (g + g.mT) / 2, None


@composite()
def lobpcg(
    A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None, n: int | None = None,
    iK: Tensor | None = None, niter: int | None = None, tol: float | None = None, largest: bool | None = None,
    method: str | None = None, tracker: Callable[[Any], Any] | None = None,
    ortho_iparams: Mapping[str, int] | None = None, ortho_fparams: Mapping[str, float] | None = None,
    ortho_bparams: Mapping[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The k largest (smallest) eigenvalues of symmetric positive-definite matrices and their vectors, by LOBPCG.

    Args:
        A: (..., m, m).
        k: number of pairs (the columns of X, or 1).
        B: the generalised problem ``A x = E B x``; the identity where not given.
        X: first guess (..., m, n); random where not given.
        n: size of the block (k).
        iK: preconditioner (..., m, m).
        niter: most iterations; -1 for no bound (1000).
        tol: tolerance of the relative residual (the square root of the dtype's epsilon).
        largest: the largest pairs (True), or the smallest.
        method: ``"ortho"`` or ``"basic"``; both run the same stabilised iteration here.
        tracker: called each iteration with the state.
        ortho_iparams, ortho_fparams, ortho_bparams: options of PyTorch's orthogonalisation, which this iteration does
            not have: only empty ones are taken.

    Returns:
        (E, X): (..., k) and (..., m, k).

    Raises:
        ValueError: fewer than 3 n rows. NotImplementedError: orthogonalisation options.
    """
    if ortho_iparams or ortho_fparams or ortho_bparams:
        raise NotImplementedError(
            "lobpcg: ortho_iparams, ortho_fparams and ortho_bparams have no meaning here; leave them out"
        )
    if method not in (None, "ortho", "basic"):
        raise ValueError(f"lobpcg: unknown method {method!r}; known are 'ortho' and 'basic'")
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A.shape {A.shape} != B.shape {B.shape}")
    if (A.requires_grad or (B is not None and B.requires_grad)) and torch.is_grad_enabled():
        if B is not None:
            raise ValueError(
                "lobpcg.backward does not support the case of B being not None; take the derivative of linalg.eigh of the "
                "equivalent problem instead"
            )

        def solve(matrix: Tensor) -> tuple[Tensor, Tensor]:
            return lobpcg(matrix.detach(), k, None, X, n, iK, niter, tol, largest, method, tracker)

        return _Differentiable.apply((A + A.mT) / 2, solve)  # type: ignore[no-any-return]
    if not A.is_floating_point():
        raise ValueError(f"lobpcg: expected a real floating point matrix, got {A.dtype}")
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if X is None else X.shape[-1]) if n is None else n
    m = A.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={n})"
        )
    tol = torch.finfo(A.dtype).eps ** 0.5 if tol is None else tol
    if X is None:
        X = torch.randn((*A.shape[:-2], m, n), dtype=A.dtype, device=A.device)
    if X.shape != (*A.shape[:-2], m, n):
        raise AssertionError(f"X.shape {X.shape} != expected {(*A.shape[:-2], m, n)}")
    flat_a, flat_x = A.reshape(-1, m, m), X.reshape(-1, m, n)
    flat_b = None if B is None else B.reshape(-1, m, m)
    flat_k = None if iK is None else iK.reshape(-1, m, m)
    with torch.no_grad():
        found = [
            _Problem(
                a, None if flat_b is None else flat_b[i], flat_x[i], None if flat_k is None else flat_k[i], k,
                1000 if niter is None else niter, tol, largest is not False, method or "ortho", tracker,
            ).run()
            for i, a in enumerate(flat_a)
        ]  # fmt: skip
    values = torch.stack([e for e, _ in found]).reshape(*A.shape[:-2], k)
    return values, torch.stack([x for _, x in found]).reshape(*A.shape[:-2], m, k)
