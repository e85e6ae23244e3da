"""Matrix products whose result has another dtype than their operands: the forms of ``mm`` and kin with ``out_dtype``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from .._generated import internal
from .._generated import torch_ops as _plain
from ..ops.registry import OPS
from ..tensor.dispatch import call2
from .registry import composite, into

if TYPE_CHECKING:
    from torchax_lite import Tensor

_MM, _BMM = OPS["mm"], OPS["bmm"]


def _wide(a: Any, b: Any, out_dtype: Any) -> Tensor:
    if not isinstance(out_dtype, torch.dtype):
        raise TypeError(f"mm(): argument 'out_dtype' must be torch.dtype, not {type(out_dtype).__name__}")
    if out_dtype is not a.dtype and not (out_dtype is torch.float32 and a.dtype in (torch.bfloat16, torch.float16)):
        raise RuntimeError("out_dtype must be the same as input dtype or fp32 for fp16/bf16 inputs")
    return internal.wide_product(a, b, out_dtype)  # type: ignore[no-any-return]


@composite()
def mm(input: Tensor, mat2: Tensor, out_dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Product of two matrices, summed and returned in ``out_dtype`` (float32 for bfloat16 and float16)."""
    if out_dtype is None:
        return call2(_MM, input, mat2) if out is None else _plain.mm(input, mat2, out=out)  # type: ignore[no-any-return]
    return into("mm", _wide(input, mat2, out_dtype), out)


@composite()
def bmm(input: Tensor, mat2: Tensor, out_dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Products of two equal batches of matrices, in ``out_dtype`` (see :func:`mm`)."""
    if out_dtype is None:
        return call2(_BMM, input, mat2) if out is None else _plain.bmm(input, mat2, out=out)  # type: ignore[no-any-return]
    return into("bmm", _wide(input, mat2, out_dtype), out)


def _sum(name: str, input: Tensor, product: Tensor, beta: Any, alpha: Any, out: Any) -> Tensor:
    wide = input.to(product.dtype)
    made = alpha * product if beta == 0 else torch.add(wide if beta == 1 else beta * wide, product, alpha=alpha)
    return into(name, made, out)


@composite()
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, out_dtype: Any = None, *, beta: Any = 1, alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * mat1 @ mat2``, in ``out_dtype`` (see :func:`mm`)."""
    if out_dtype is None:
        return _plain.addmm(input, mat1, mat2, **_scales(beta, alpha, out))  # type: ignore[no-any-return]
    return _sum("addmm", input, _wide(mat1, mat2, out_dtype), beta, alpha, out)


@composite()
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, out_dtype: Any = None, *, beta: Any = 1, alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * batch1 @ batch2`` for each matrix, in ``out_dtype`` (see :func:`mm`)."""
    if out_dtype is None:
        return _plain.baddbmm(input, batch1, batch2, **_scales(beta, alpha, out))  # type: ignore[no-any-return]
    return _sum("baddbmm", input, _wide(batch1, batch2, out_dtype), beta, alpha, out)


def _scales(beta: Any, alpha: Any, out: Any) -> dict[str, Any]:
    """Keywords that were given: the op without scales is the shortest."""
    found: dict[str, Any] = {} if out is None else {"out": out}
    if not (type(beta) is int and beta == 1 and type(alpha) is int and alpha == 1):
        found.update(beta=beta, alpha=alpha)
    return found
