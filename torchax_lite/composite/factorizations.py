"""``torch.linalg``: Cholesky, LU, LDL, QR, singular values, eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import torchax_lite as torch
from torchax_lite._generated import internal
from torchax_lite._generated import linalg as internal_linalg
from torchax_lite.ops.linalg import check_square

from .linalg_errors import LinAlgError, array_spec, raise_if
from .norms import singular_values
from .registry import composite, into, into_all, is_traced, named

if TYPE_CHECKING:
    from torchax_lite import Tensor

# ---------------------------------------------------------------- Cholesky


_NOT_DEFINITE = (
    "The factorization could not be completed because the input is not positive-definite (the leading minor of order "
    "{} is not positive-definite)."
)


@composite(namespaces=("linalg",))
def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> Any:
    """Cholesky factor and ``info``: 0, or the order of the first leading minor that is not positive."""
    factor, info = internal.linalg_cholesky_ex(A, upper=upper)
    if check_errors:
        raise_if(info, "linalg.cholesky_ex", _NOT_DEFINITE)
    return into_all("linalg_cholesky_ex", named("linalg_cholesky_ex", L=factor, info=info), out)


@composite(namespaces=("linalg",), name="cholesky")
def linalg_cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """Lower (upper) triangle L with ``L L^H = A``; ``LinAlgError`` if A is not positive definite."""
    factor, info = internal.linalg_cholesky_ex(input, upper=upper)
    raise_if(info, "linalg.cholesky", _NOT_DEFINITE)
    return into("linalg_cholesky", factor, out)


@composite(method=True)
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Lower (upper) Cholesky factor (deprecated spelling of ``linalg.cholesky``)."""
    factor, info = internal.linalg_cholesky_ex(input, upper=upper)
    raise_if(info, "cholesky", _NOT_DEFINITE)
    return into("cholesky", factor, out)


# ---------------------------------------------------------------- LU


@composite(namespaces=("linalg",))
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> Any:
    """Packed LU, 1-based row swaps and ``info``: the first zero on U's diagonal."""
    packed, pivots, info = internal.linalg_lu_factor_ex(A, pivot=pivot)
    if check_errors:
        _raise_zero_pivot(info, "torch.linalg.lu_factor_ex")
    return into_all("linalg_lu_factor_ex", named("linalg_lu_factor_ex", LU=packed, pivots=pivots, info=info), out)


def _raise_zero_pivot(info: Tensor, name: str) -> None:
    if is_traced(info):
        return
    values = info._host_array().reshape(-1)
    if values.any():
        at = int(values[values != 0][0])
        raise RuntimeError(
            f"{name}: U[{at},{at}] is zero and using it on lu_solve would result in a division by zero. If you still "
            "want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )


@composite(namespaces=("linalg",))
def lu_factor(A: Tensor, *, pivot: bool = True, out: Sequence[Tensor] | None = None) -> Any:
    """Packed LU and 1-based row swaps."""
    packed, pivots, info = internal.linalg_lu_factor_ex(A, pivot=pivot)
    _raise_zero_pivot(info, "torch.linalg.lu_factor")
    return into_all("linalg_lu_factor", named("linalg_lu_factor", LU=packed, pivots=pivots), out)


@composite(namespaces=("linalg",), name="lu")
def linalg_lu(A: Tensor, *, pivot: bool = True, out: Sequence[Tensor] | None = None) -> Any:
    """``A = P L U``."""
    p, lower, upper = internal.linalg_lu(A, pivot=pivot)
    return into_all("linalg_lu", named("linalg_lu", P=p, L=lower, U=upper), out)


@composite(namespaces=("linalg",), name="lu_solve")
def linalg_lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """Solution of ``A X = B`` (``X A = B``, with A's adjoint) from ``lu_factor``'s results."""
    return into("linalg_lu_solve", internal.linalg_lu_solve(LU, pivots, B, left=left, adjoint=adjoint), out)


@composite(method=True)
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Solution of ``A X = input`` from the results of ``lu_factor``."""
    return linalg_lu_solve(LU_data, LU_pivots, input, out=out)


@composite()
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Sequence[Tensor] | None = None) -> Any:
    """Packed LU, pivots and, if asked for, ``info`` (deprecated spelling of ``linalg.lu_factor``)."""
    packed, pivots, info = internal.linalg_lu_factor_ex(A, pivot=pivot)
    if get_infos:
        return into_all("lu", named("_lu_with_info", LU=packed, pivots=pivots, info=info), out)
    return into_all("lu", (packed, pivots), out)


@composite(namespaces=(), method=True, name="lu")
def _lu_method(self: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """Packed LU, pivots and, if asked for, ``info``."""
    return lu(self, pivot, get_infos)


@composite()
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *,
    out: Sequence[Tensor] | None = None,
) -> Any:  # fmt: skip
    """The factors P, L, U of ``lu_factor``'s results; what is not asked for is empty."""
    if unpack_pivots and LU_pivots.dtype != torch.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    empty = LU_data.new_empty(0)
    p = internal.lu_permutation(LU_data, LU_pivots) if unpack_pivots else empty
    lower, upper = empty, empty.clone()
    if unpack_data:
        lower = LU_data[..., :, :k].tril(-1) + torch.eye(m, k, dtype=LU_data.dtype, device=LU_data.device)
        upper = LU_data[..., :k, :].triu()
    return into_all("lu_unpack", named("lu_unpack", P=p, L=lower, U=upper), out)


# ---------------------------------------------------------------- LDL


@composite(namespaces=("linalg",))
def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> Any:
    """Packed factors of ``A = P L D L^T P^T``, LAPACK's pivots, and ``info``: the first zero block of D."""
    packed, pivots, info = _ldl(A, hermitian)
    if check_errors:
        _raise_zero_block(info, "torch.linalg.ldl_factor_ex")
    result = named("linalg_ldl_factor_ex", LD=packed, pivots=pivots, info=info)
    return into_all("linalg_ldl_factor_ex", result, out)


@composite(namespaces=("linalg",))
def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Sequence[Tensor] | None = None) -> Any:
    """Packed factors of the symmetric (Hermitian) ``A = P L D L^T P^T`` and LAPACK's pivots; the lower half is read."""
    packed, pivots, info = _ldl(A, hermitian)
    _raise_zero_block(info, "torch.linalg.ldl_factor")
    return into_all("linalg_ldl_factor", named("linalg_ldl_factor", LD=packed, pivots=pivots), out)


def _ldl(A: Tensor, hermitian: bool) -> tuple[Tensor, Tensor, Tensor]:
    packed, pivots, info = internal.linalg_ldl_factor_ex(A, hermitian=hermitian)
    if packed.requires_grad:
        _refuse_backward(packed, "derivative for aten::linalg_ldl_factor_ex is not implemented")
    return packed, pivots, info


def _raise_zero_block(info: Tensor, name: str) -> None:
    if is_traced(info):
        return
    values = info._host_array().reshape(-1)
    if values.any():
        raise RuntimeError(f"{name}: the matrix is singular: block {int(values[values != 0][0])} of D is zero")


@composite(namespaces=("linalg",))
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """Solution of ``A X = B`` from the results of :func:`ldl_factor`."""
    solution = internal.linalg_ldl_solve(LD, pivots, B, hermitian=hermitian)
    if solution.requires_grad:
        _refuse_backward(solution, "derivative for aten::linalg_ldl_solve is not implemented")
    return into("linalg_ldl_solve", solution, out)


# ---------------------------------------------------------------- orthogonal factorisations


@composite(namespaces=("linalg",), name="qr")
def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Sequence[Tensor] | None = None) -> Any:
    """``A = Q R`` with orthonormal columns and an upper triangle; ``complete``: square Q; ``r``: R alone."""
    q, r = internal.linalg_qr(A, mode)
    if r.requires_grad and mode == "r":
        _refuse_backward(
            r,
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr.",
        )
    elif r.requires_grad and mode == "complete" and A.shape[-2] > A.shape[-1]:
        text = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        _refuse_backward(q, text)
    return into_all("linalg_qr", named("linalg_qr", Q=q, R=r), out)


def _refuse_backward(t: Tensor, text: str, error: type[Exception] = RuntimeError) -> None:
    """Raise when a gradient arrives."""

    def refuse(gradients: Any) -> None:
        raise error(text)

    t.grad_fn.register_prehook(refuse)


def _watch_phase(text: str, *vectors: tuple[int, Tensor, int]) -> None:
    """Refuse gradients that depend on the free phase of complex vectors.

    Each of ``vectors`` is (its number among the results, the vectors, the dim along which one lies): columns (-2), or
    rows (-1) of an adjoint, whose phase turns the other way.
    """
    held = [(at, t.detach(), dim) for at, t, dim in vectors]
    first = vectors[0][1]
    if not first.requires_grad or not first.is_complex() or is_traced(first):
        return

    def look(gradients: Sequence[Tensor | None]) -> None:
        if any(g is not None and is_traced(g) for g in gradients):
            return
        parts = [
            (t.conj() * g.detach()).sum(dim).imag * (1 if dim == -2 else -1)
            for at, t, dim in held
            if (g := gradients[at]) is not None
        ]
        if parts and not torch.allclose(sum(parts), torch.zeros_like(parts[0]), rtol=1e-2, atol=1e-2):  # type: ignore[arg-type]
            raise RuntimeError(text)

    first.grad_fn.register_prehook(look)


@composite(method=True)
def geqrf(input: Tensor, *, out: Sequence[Tensor] | None = None) -> Any:
    """R above Householder vectors, and their scales ``tau``: LAPACK's form of the QR factorisation."""
    packed, tau = internal.geqrf(input)
    if packed.requires_grad:
        _refuse_backward(packed, "the derivative for 'geqrf' is not implemented.", NotImplementedError)
    return into_all("geqrf", named("geqrf", a=packed, tau=tau), out)


@composite(method=True)
def orgqr(input: Tensor, input2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """First columns of the product of the Householder reflections that ``geqrf`` gives."""
    return into("orgqr", internal_linalg.householder_product(input, input2), out)


@composite(method=True)
def qr(input: Tensor, some: bool = True, *, out: Sequence[Tensor] | None = None) -> Any:
    """QR factorisation (deprecated spelling of ``linalg.qr``)."""
    q, r = internal.linalg_qr(input, "reduced" if some else "complete")
    return into_all("qr", named("qr", Q=q, R=r), out)


def _check_driver(name: str, A: Tensor, driver: str | None) -> None:
    if driver is not None and A.device.type == "cpu":
        raise RuntimeError(
            f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


_NOT_FINITE = "The algorithm failed to converge because the input matrix contained non-finite values."


def _raise_not_finite(values: Tensor) -> None:
    """LAPACK's refusal of NaN and infinities, read off the singular values."""
    if is_traced(values):
        return
    bad = np.isnan(values.detach()._host_array()).any(-1) if values.numel() else np.zeros(())
    if not bad.any():
        return
    where = f"(Batch element {int(bad.reshape(-1).nonzero()[0][0])}): " if bad.ndim else ""
    raise LinAlgError(f"linalg.svd: {where}{_NOT_FINITE}")


def _watch_svd(u: Tensor, vh: Tensor) -> None:
    k = min(u.shape[-1], vh.shape[-2])
    if u.shape[-1] == k and vh.shape[-2] == k:
        _watch_phase(
            "svd_backward: The singular vectors in the complex case are specified up to multiplication by e^{i phi}. The "
            "specified loss function depends on this phase term, making it ill-defined.",
            (0, u, -2),
            (2, vh, -1),
        )


@composite(namespaces=("linalg",), name="svd")
def linalg_svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Sequence[Tensor] | None = None
) -> Any:
    """``A = U diag(S) Vh``, singular values in descending order."""
    _check_driver("torch.linalg.svd", A, driver)
    u, s, vh = internal._linalg_svd(A, full_matrices, True)
    _raise_not_finite(s)
    _watch_svd(u, vh)
    return into_all("linalg_svd", named("linalg_svd", U=u, S=s, Vh=vh), out)


@composite(namespaces=("linalg",))
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """Singular values in descending order."""
    _check_driver("torch.linalg.svdvals", A, driver)
    values = singular_values(A)
    _raise_not_finite(values)
    return into("linalg_svdvals", values, out)


@composite(method=True)
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Sequence[Tensor] | None = None) -> Any:
    """``input = U diag(S) V^H`` (older spelling of ``linalg.svd``, with V instead of its adjoint)."""
    if input.ndim < 2:
        raise RuntimeError(
            "linalg.svd: input should have at least 2 dimensions, but has " + str(input.ndim) + " dimensions instead"
        )
    u, s, vh = internal._linalg_svd(input, not some, compute_uv)
    _raise_not_finite(s)
    if compute_uv:
        _watch_svd(u, vh)
        v = vh.mH
    else:
        m, n = input.shape[-2:]
        u, v = input.new_zeros((*input.shape[:-2], m, m)), input.new_zeros((*input.shape[:-2], n, n))
    return into_all("svd", named("svd", U=u, S=s, V=v), out)


# ---------------------------------------------------------------- eigenvalues


@composite(namespaces=("linalg",), name="eigh")
def linalg_eigh(A: Tensor, UPLO: str = "L", *, out: Sequence[Tensor] | None = None) -> Any:
    """Eigenvalues in ascending order and eigenvectors of Hermitian matrices; one triangle is read."""
    w, v = internal.linalg_eigh(A, UPLO)
    _watch_phase(
        "linalg_eigh_backward: The eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The "
        "specified loss function depends on this quantity, so it is ill-defined.",
        (1, v, -2),
    )
    return into_all("linalg_eigh", named("linalg_eigh", eigenvalues=w, eigenvectors=v), out)


@composite(namespaces=("linalg",))
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues of Hermitian matrices in ascending order; one triangle is read."""
    return into("linalg_eigvalsh", internal.linalg_eigh(A, UPLO)[0], out)


def _eig(A: Tensor) -> tuple[Tensor, Tensor]:
    """General eigenproblem: JAX solves it on the CPU only."""
    check_square("linalg.eig", array_spec(A))
    if not is_traced(A) and not bool(A.detach().isfinite().all()):
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    here = A.device.type in ("cpu", "meta") or is_traced(A)
    w, v = internal.linalg_eig(A if here else A.cpu())
    _watch_phase(
        "linalg_eig_backward: The eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The "
        "specified loss function depends on this quantity, so it is ill-defined.",
        (1, v, -2),
    )
    return (w, v) if here else (w.to(A.device), v.to(A.device))


@composite(namespaces=("linalg",))
def eig(A: Tensor, *, out: Sequence[Tensor] | None = None) -> Any:
    """Eigenvalues and unit eigenvectors (complex) of square matrices."""
    w, v = _eig(A)
    return into_all("linalg_eig", named("linalg_eig", eigenvalues=w, eigenvectors=v), out)


@composite(namespaces=("linalg",))
def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues (complex) of square matrices."""
    return into("linalg_eigvals", _eig(A)[0], out)
