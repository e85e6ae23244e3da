"""``torch.linalg`` on top of the pure ops: errors read from ``info``, named results, older spellings in ``torch``.

The functions that can fail on values (``inv``, ``solve``, ``cholesky`` ...) run what is pending and look at ``info``,
as PyTorch does; under a JAX transform, where there are no values, and in the ``_ex`` forms they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import torchax_lite as torch
from torchax_lite._generated import internal
from torchax_lite._generated import linalg as internal_linalg
from torchax_lite.ops.common import canonical_dim, display_name
from torchax_lite.ops.linalg import check_float, check_square
from torchax_lite.ops.lowering import broadcast
from torchax_lite.tensor.dtypes import scalar_type_name
from torchax_lite.tensor.modes import modes

from .linalg_errors import LinAlgError, array_spec, raise_if
from .norms import singular_values
from .registry import FUNCTIONS, composite, in_columns, into, into_all, named, refuse_out_gradient

if TYPE_CHECKING:
    from torchax_lite import Tensor

FUNCTIONS.setdefault("linalg", {})["LinAlgError"] = LinAlgError


# ---------------------------------------------------------------- inverse, solving


_SINGULAR = (
    "The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular."
)


@composite(namespaces=("linalg",))
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Sequence[Tensor] | None = None) -> Any:
    """Inverse and LAPACK's ``info`` (0: success, i: the i-th pivot is zero)."""
    inverse, info = internal.linalg_inv_ex(A)
    if check_errors:
        raise_if(info, "linalg.inv_ex", _SINGULAR)
    return into_all("linalg_inv_ex", named("linalg_inv_ex", inverse=inverse, info=info), out)


@composite(namespaces=("linalg",))
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse of square matrices; ``LinAlgError`` for a singular one."""
    inverse, info = internal.linalg_inv_ex(A)
    raise_if(info, "linalg.inv", _SINGULAR)
    return into("linalg_inv", inverse, out)


@composite(method=True)
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse of square matrices; ``LinAlgError`` for a singular one."""
    return inv(input, out=out)


@composite(namespaces=("linalg",))
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> Any:
    """Solution of ``A X = B`` (``X A = B``) and LAPACK's ``info``."""
    result, info = internal._linalg_solve_ex(A, B, left=left)
    if check_errors:
        raise_if(info, "torch.linalg.solve_ex", "The solver failed because the input matrix is singular.")
    return into_all("linalg_solve_ex", named("linalg_solve_ex", result=result, info=info), out)


@composite(namespaces=("linalg",))
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """Solution of ``A X = B`` (``X A = B``); ``LinAlgError`` for a singular matrix."""
    result, info = internal._linalg_solve_ex(A, B, left=left)
    raise_if(info, "torch.linalg.solve", "The solver failed because the input matrix is singular.")
    return into("linalg_solve", result, out)


@composite(namespaces=("linalg",))
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None, *, out: Tensor | None = None) -> Tensor:
    """X with ``tensordot(A, X, X.ndim) == B``."""
    x = A if dims is None else A.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    shape = x.shape[B.ndim :]
    if prod(shape) != prod(x.shape[: B.ndim]):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {prod(shape)} != {prod(x.shape[: B.ndim])}"
        )
    square = x.reshape(prod(shape), prod(shape))
    return into("linalg_tensorsolve", solve(square, B.reshape(-1)).reshape(shape), out)


@composite(namespaces=("linalg",))
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """Inverse of ``tensordot(A, ., ind)``."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind' but got {ind}")
    head, tail = A.shape[:ind], A.shape[ind:]
    if prod(head) != prod(tail):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{prod(tail)} != {prod(head)}"
        )
    return into("linalg_tensorinv", inv(A.reshape(prod(head), prod(tail))).reshape(*tail, *head), out)


@composite(method=True)
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *,
    out: Sequence[Tensor] | None = None,
) -> Any:  # fmt: skip
    """Solution of ``A X = input`` that reads one triangle of A, and a copy of A (deprecated spelling)."""
    if input.ndim < 2:
        raise RuntimeError(
            f"torch.triangular_solve: Expected b to have at least 2 dimensions, but it has {input.ndim} dimensions "
            "instead"
        )
    if A.ndim < 2:
        raise RuntimeError(
            f"torch.triangular_solve: Expected A to have at least 2 dimensions, but it has {A.ndim} dimensions instead"
        )
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )
    matrix = A.mT if transpose else A
    solution = internal.linalg_solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    result = named(
        "triangular_solve",
        solution=solution,
        cloned_coefficient=in_columns(A.clone(memory_format=torch.contiguous_format)),
    )
    return into_all("triangular_solve", result, out)


# ---------------------------------------------------------------- determinants


@composite(namespaces=("linalg",), name="det")
def linalg_det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Determinant of square matrices."""
    return into("linalg_det", internal_linalg.det(A), out)


@composite(namespaces=("linalg",), name="slogdet")
def linalg_slogdet(A: Tensor, *, out: Sequence[Tensor] | None = None) -> Any:
    """Sign (of absolute value 1) of the determinant, and the logarithm of its absolute value."""
    return into_all("linalg_slogdet", internal_linalg.slogdet(A), out)


@composite(method=True)
def det(input: Tensor) -> Tensor:
    """Determinant of square matrices."""
    return internal.linalg_det(input)  # type: ignore[no-any-return]


@composite(method=True)
def slogdet(input: Tensor, *, out: Sequence[Tensor] | None = None) -> Any:
    """Sign and logarithm of the absolute value of the determinant."""
    sign, logabsdet = internal.linalg_slogdet(input)
    return into_all("slogdet", named("slogdet", sign=sign, logabsdet=logabsdet), out)


@composite(method=True)
def logdet(input: Tensor) -> Tensor:
    """Logarithm of the determinant; NaN where that is negative."""
    sign, logabsdet = internal.linalg_slogdet(input)
    if input.is_complex():
        return sign.log() + logabsdet
    return torch.where(sign == -1, float("nan"), logabsdet)


# ---------------------------------------------------------------- rank, pseudo-inverse, least squares


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Absolute and relative tolerance; the relative one is 0 where only the absolute is given and positive."""
    eps = torch.finfo(A.dtype).eps * max(A.shape[-2:])
    if rtol is None:
        if isinstance(atol, torch.Tensor):
            rtol = torch.where(atol > 0, 0.0, eps)
        else:
            rtol = 0.0 if atol is not None and atol > 0 else eps
    return 0.0 if atol is None else atol, rtol


def _column(x: Any) -> Any:
    return x.unsqueeze(-1) if isinstance(x, torch.Tensor) else x


@composite(namespaces=("linalg",))
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """Number of singular values (or absolute eigenvalues) above ``max(atol, rtol * largest)``."""
    check_float("torch.linalg.matrix_rank", array_spec(A), "input")
    if tol is not None:
        atol, rtol = tol, 0.0
    atol, rtol = _tolerances(A, atol, rtol)
    values = internal.linalg_eigh(A)[0].abs() if hermitian else singular_values(A)
    if values.shape[-1] == 0:
        return into("linalg_matrix_rank", torch.zeros(A.shape[:-2], dtype=torch.int64, device=A.device), out)
    limit = values.amax(-1, True) * _column(rtol)
    limit = torch.maximum(limit, torch.as_tensor(_column(atol), dtype=limit.dtype, device=A.device))
    return into("linalg_matrix_rank", (values > limit).sum(-1), out)


@composite(namespaces=("linalg",))
def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as zero."""
    if A.ndim < 2 or not (A.is_floating_point() or A.is_complex()):
        kind = torch.tensor([], dtype=A.dtype).type().removeprefix("torch.").removesuffix("Tensor")
        raise RuntimeError(
            f"linalg.pinv({kind}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of float, double, "
            "cfloat or cdouble types"
        )
    if rcond is not None:
        atol, rtol = 0.0, rcond
    atol, rtol = _tolerances(A, atol, rtol)
    return into("linalg_pinv", internal.linalg_pinv(A, _column(atol), _column(rtol), hermitian), out)


@composite(method=True)
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Moore-Penrose inverse (older spelling of ``linalg.pinv``)."""
    return pinv(input, rcond)


@composite(method=True, namespaces=("torch", "linalg"))
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """n-th power of square matrices; negative powers are those of the inverse."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    if input.ndim < 2 or input.shape[-1] != input.shape[-2] or n < 0:
        check_square("linalg.matrix_power", array_spec(input))
    if n == 0:
        eye = torch.eye(input.shape[-1], dtype=input.dtype, device=input.device)
        nothing = torch.zeros((), dtype=torch.bool, device=input.device)
        one = torch.where(nothing, input, eye)
        return into("linalg_matrix_power", one if out is None else one.detach(), out)
    base = inv(input) if n < 0 else input
    left = abs(n)
    power: Tensor | None = None
    if left == 1:
        return into("linalg_inv_ex" if n < 0 else "linalg_matrix_power", base.clone() if n > 0 else base, out)
    while left:
        if left & 1:
            power = base if power is None else torch.matmul(power, base)
        left >>= 1
        if left:
            base = torch.matmul(base, base)
    assert power is not None
    if out is not None and n != 4 and modes.grad and power.requires_grad:
        refuse_out_gradient("matmul")  # the last product is what writes to ``out``; PyTorch squares twice for 4
    return into("linalg_matrix_power", power, out)


@composite(method=True)
def matrix_exp(input: Tensor) -> Tensor:
    """Matrix exponential."""
    return internal.linalg_matrix_exp(input)  # type: ignore[no-any-return]


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@composite(namespaces=("linalg",))
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Sequence[Tensor] | None = None
) -> Any:
    """X of least ``|A X - B|`` and least norm, with residuals, rank and singular values where the driver has them."""
    if out is None:
        return _lstsq(A, B, rcond, driver)
    if len(out) != 4:
        raise TypeError(f"expected tuple of 4 elements but got {len(out)}")
    if modes.grad and any(t.requires_grad for t in (A, B, *out)):
        refuse_out_gradient("linalg_lstsq")
    found = _lstsq(A, B, rcond, driver)
    for part, result, o in zip(("solution", "solution", "rank", "singular_values"), found, out, strict=True):
        if not torch.can_cast(result.dtype, o.dtype):
            want, got = scalar_type_name(result.dtype), scalar_type_name(o.dtype)
            raise RuntimeError(
                f"torch.linalg.lstsq: Expected {part} to be safely castable from {want} dtype, but got {part} with dtype {got}"
            )
    return into_all("lstsq", found, out)


def _lstsq(A: Tensor, B: Tensor, rcond: float | None, driver: str | None) -> Any:
    name = "torch.linalg.lstsq"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype "
            f"{display_name(A._aval.dtype)} and other's dtype {display_name(B._aval.dtype)}"
        )
    if A.dtype not in (torch.float32, torch.float64, torch.complex64, torch.complex128):
        raise RuntimeError("This function doesn't handle types other than float and double")
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    driver = driver or ("gelsy" if A.device.type == "cpu" else "gels")
    if A.ndim - B.ndim not in (0, 1):
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    vector = A.ndim - 1 == B.ndim and B.shape == A.shape[:-1]
    if A.ndim - 1 == B.ndim and not vector and B.shape[-2:-1] == A.shape[-2:-1]:
        broadcast([tuple(A.shape[:-2]), tuple(B.shape[:-1])])
    right = B.unsqueeze(-1) if vector else B
    if right.ndim < 2 or right.shape[-2] != A.shape[-2]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-2)")
    m, n = A.shape[-2:]
    lead = broadcast([tuple(A.shape[:-2]), tuple(right.shape[:-2])])
    if not A.numel():
        return _lstsq_of_nothing(A, right, lead, vector, driver)
    eps = torch.finfo(A.dtype).eps * max(m, n)
    tolerance = eps if rcond is None else rcond
    x = torch.matmul(internal.linalg_pinv(A, 0.0, 0.0 if driver == "gels" else tolerance, False), right)
    empty = A.detach().new_empty(0)
    values = singular_values(A.detach()) if driver != "gels" else None
    rank = torch.empty(0, dtype=torch.int64, device=A.device)
    if values is not None:
        rank = (values > tolerance * values.amax(-1, True)).sum(-1)
    real = empty if not A.is_complex() else empty.real.clone()
    residuals = real
    if m > n and driver != "gelsy" and (driver == "gels" or bool((rank == n).all())):
        gap = torch.matmul(A, x) - right
        residuals = (gap.abs() if gap.is_complex() else gap).square().sum(-2)
    return named(
        "linalg_lstsq",
        solution=_in_tall_columns(x, max(m, n), vector),
        residuals=residuals,
        rank=rank,
        singular_values=values if values is not None and driver in ("gelsd", "gelss") else real,
    )


def _in_tall_columns(x: Tensor, height: int, vector: bool) -> Tensor:
    """Solutions (a column each where ``vector``) as the tops of columns of ``height``: LAPACK's array."""
    n = x.shape[-2]
    whole = in_columns(torch.nn.functional.pad(x, (0, 0, 0, height - n)) if height > n else x)
    x = whole.narrow(-2, 0, n) if height > n else whole
    return x.squeeze(-1) if vector else x


def _lstsq_of_nothing(A: Tensor, right: Tensor, lead: Sequence[int], vector: bool, driver: str) -> Any:
    """Results for matrices without elements: solutions and ranks are zero."""
    solution = A.new_zeros((*lead, A.shape[-1], right.shape[-1]))
    real = A.real if A.is_complex() else A
    return named(
        "linalg_lstsq",
        solution=in_columns(solution).squeeze(-1) if vector else in_columns(solution),
        residuals=real.new_zeros(0),
        rank=torch.zeros(A.shape[:-2] if driver != "gels" else 0, dtype=torch.int64, device=A.device),
        singular_values=real.new_zeros((*A.shape[:-2], 0) if driver in ("gelsd", "gelss") else 0),
    )


@composite(namespaces=("linalg",), name="diagonal")
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """View of a diagonal of matrices."""
    canonical_dim(dim1, A.ndim)
    return A.diagonal(offset, dim1, dim2)
