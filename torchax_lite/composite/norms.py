"""Norms of matrices and of tensors along dims, condition numbers, ``renorm``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch
from torchax_lite._generated import internal
from torchax_lite._generated import torch_ops as _plain
from torchax_lite.ops.common import canonical_dim, canonical_dims
from torchax_lite.ops.vector_norm import check_norm_dtype
from torchax_lite.tensor.dtypes import scalar_type_name

from .registry import composite, into

if TYPE_CHECKING:
    from torchax_lite import Tensor


def singular_values(A: Tensor) -> Tensor:
    """Singular values in descending order."""
    return internal._linalg_svd(A, False, False)[1]  # type: ignore[no-any-return]


def _text(order: Any) -> str:
    return order if isinstance(order, str) else f"{order:g}"


@composite(namespaces=("linalg",))
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Norm of matrices: ``fro``, ``nuc``, 1 or inf (largest column or row sum), 2 (largest singular value)."""
    name = "linalg.matrix_norm"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {scalar_type_name(A.dtype)}"
        )
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    rows, cols = (canonical_dim(d, A.ndim) for d in dims)
    if rows == cols:
        raise RuntimeError(f"{name}: dims must be different. Got ({dims[0]}, {dims[1]})")
    known = ("fro", "nuc") if isinstance(ord, str) else (1, -1, 2, -2, math.inf, -math.inf)
    if ord not in known:
        raise RuntimeError(f"{name}: Order {_text(ord)} not supported.")
    if A.dtype in (torch.float16, torch.bfloat16) and (ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2)):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {scalar_type_name(A.dtype)}")
    if dtype is not None:
        check_norm_dtype(name, A.dtype._np, dtype._np)
    x = A if dtype is None else A.to(dtype)
    if ord == "fro":
        result = torch.linalg.vector_norm(x, 2, (rows, cols), keepdim)
    elif ord == "nuc" or abs(ord) == 2:
        values = singular_values(x.movedim((rows, cols), (-2, -1)))
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord > 0 else values.amin(-1)
        if keepdim:
            first, second = sorted((rows, cols))
            result = result.unsqueeze(first).unsqueeze(second)
    else:
        inner, outer = (rows, cols) if abs(ord) == 1 else (cols, rows)
        sums = torch.linalg.vector_norm(x, 1, inner, True)
        result = sums.amax(outer, True) if ord > 0 else sums.amin(outer, True)
        if not keepdim:
            result = result.squeeze((rows, cols))
    return into("linalg_matrix_norm", result, out)


@composite(namespaces=("linalg",))
def norm(
    input: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """Vector norm (2-norm of all elements without ``ord``), or matrix norm where two dims are meant."""
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if ord is not None:
        if dims is None and input.ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
            )
        one = len(dims) == 1 if dims is not None else input.ndim == 1
        if isinstance(ord, str) or not one:
            two = dims if dims is not None else (0, 1)
            return matrix_norm(input, ord, two, keepdim, dtype=dtype, out=out)
    return into(
        "linalg_norm", torch.linalg.vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype), out
    )


_norm = _plain.norm


@composite(name="norm")
def _norm_function(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """``(sum |x|**p) ** (1 / p)`` over all elements or some dims; ``fro``: the 2-norm, ``nuc``: of singular values."""
    options: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
    if out is not None:
        options["out"] = out
    return _norm(input, p, dim, keepdim, **options)  # type: ignore[no-any-return]


@composite(name="norm", namespaces=(), method=True)
def _norm_method(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """``(sum |x|**p) ** (1 / p)`` over all elements or some dims; ``fro``: the 2-norm, ``nuc``: of singular values."""
    return _norm_function(self, p, dim, keepdim, dtype=dtype)


@composite(namespaces=("linalg",))
def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Condition number of matrices: ``norm(A) * norm(inv(A))``; infinite where A is singular."""
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor A must have at least 2 dimensions.")
    if p is None or p in (2, -2):
        values = torch.linalg.svdvals(A)
        first, last = values[..., :1], values[..., -1:]
        ratio = (last / first if p == -2 else first / last).squeeze(-1)
        return into("linalg_cond", ratio, out)
    if p not in ("fro", "nuc", 1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {_text(p)}")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.cond(ord={_text(p)}): A must be batches of square matrices, but they are {A.shape[-2]} by "
            f"{A.shape[-1]} matrices"
        )
    inverse, info = torch.linalg.inv_ex(A)
    product = matrix_norm(A, p) * matrix_norm(inverse, p)
    return into("linalg_cond", product.masked_fill(info > 0, math.inf), out)


@composite(method=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """Slices along ``dim`` scaled down so that none has a p-norm above ``maxnorm``."""
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    at = canonical_dim(dim, input.ndim)
    others = [d for d in canonical_dims(None, input.ndim) if d != at]
    sizes = torch.linalg.vector_norm(input, p, others, True)
    scale = torch.where(sizes > maxnorm, maxnorm / (sizes + 1e-7), torch.ones_like(sizes))
    return into("renorm", input * scale, out)


@composite(namespaces=(), method=True, name="renorm_")
def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """In-place form of ``renorm``."""
    return self.copy_(renorm(self.clone(), p, dim, maxnorm))
