"""Products of groups of rows (mixtures of experts), and products of scaled float8 matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from ..._generated import internal as _ops

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["ScalingType", "SwizzleType", "grouped_mm", "scaled_grouped_mm", "scaled_mm"]


class ScalingType(Enum):
    """What one scale belongs to: the matrix, a row (of the left; a column of the right matrix), or a block."""

    TensorWise = 0
    RowWise = 1
    BlockWise1x16 = 2
    BlockWise1x32 = 3
    BlockWise1x128 = 4
    BlockWise128x128 = 5


class SwizzleType(Enum):
    """How block scales are ordered in memory."""

    NO_SWIZZLE = 0
    SWIZZLE_32_4_4 = 1


def grouped_mm(
    mat_a: Tensor, mat_b: Tensor, *, offs: Tensor | None = None, bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Tensor:  # fmt: skip
    """``mat_a[start:end] @ mat_b[g]`` for groups that end at ``offs``; a batched product where both have three dims.

    Args:
        mat_a, mat_b: (m, k) and (g, k, n): groups of rows; (g, m, k) and (k, n): of columns; (m, k) and (k, n): of the
            summed dim, which gives (g, m, n).
        offs: int32, where each group ends; what lies behind the last is 0.
    """
    _check_grouped(mat_a, mat_b, offs)
    kinds = {torch.float32: "Float32", torch.bfloat16: "BFloat16", torch.float16: "Float16"}
    for name, t in (("mat_a", mat_a), ("mat_b", mat_b)):
        if t.dtype not in kinds:
            from torchax_lite.tensor.dtypes import scalar_type_name

            raise RuntimeError(
                f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {scalar_type_name(t.dtype)}"
            )
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and out_dtype is not mat_a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
    if offs is None:
        return torch.bmm(mat_a, mat_b)
    return _ops.grouped_mm(mat_a, mat_b, offs)


def _check_grouped(a: Tensor, b: Tensor, offs: Tensor | None) -> None:
    for name, t in (("mat_a", a), ("mat_b", b)):
        if t.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if (offs is None) is not (a.ndim == 3 and b.ndim == 3):
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d")
    if offs is not None:
        if offs.ndim != 1:
            raise RuntimeError("offs has to be 1D")
        if offs.dtype is not torch.int32:
            raise RuntimeError("Offsets have to be int32")


def _only(value: Any, name: str) -> Any:
    if isinstance(value, (list, tuple)):
        if len(value) != 1:
            raise NotImplementedError(f"{name}: scales of two levels are not available; multiply them into one")
        return value[0]
    return value


def _scaled(t: Tensor, scale: Any, recipe: Any, dim: int, name: str) -> Tensor:
    """The float32 values of a scaled matrix; one scale for it, or one for each place of ``dim``."""
    scale, recipe = _only(scale, name), _only(recipe, name)
    if not str(t.dtype).startswith("torch.float8"):
        raise ValueError(f"Invalid scaling configuration. {name} multiplies float8 matrices, got {t.dtype}")
    if recipe is ScalingType.TensorWise:
        return t.float() * scale.float()
    if recipe is not ScalingType.RowWise:
        raise NotImplementedError(f"{name}: {recipe} is not available; use TensorWise or RowWise scales")
    shape = list(t.shape)
    shape[-3 - dim] = 1
    if scale.numel() != math.prod(shape):
        raise ValueError(
            f"Invalid scaling configuration. {name} expected scales of shape {shape}, got {list(scale.shape)}"
        )
    return t.float() * scale.float().reshape(shape)


def _check_options(swizzles: Sequence[Any], contraction_dim: Sequence[int], name: str) -> None:
    for s in swizzles:
        if _only(s, name) not in (None, SwizzleType.NO_SWIZZLE):
            raise NotImplementedError(f"{name}: swizzled scales are not available")
    if contraction_dim:
        raise NotImplementedError(f"{name}: contraction_dim is not available; transpose the matrices")


def scaled_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Tensor | None = None,
    output_dtype: torch.dtype | None = torch.bfloat16, contraction_dim: Sequence[int] = (), use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """``(mat_a * scale_a) @ (mat_b * scale_b) + bias``, summed in float32: (m, k) and (k, n) float8 matrices.

    Args:
        scale_recipe_a, scale_recipe_b: :class:`ScalingType`; TensorWise and RowWise are there.
        output_dtype: of the result; None for that of ``mat_a``.
        use_fast_accum: without effect: sums are in float32.
    """
    _check_options((swizzle_a, swizzle_b), contraction_dim, "scaled_mm")
    if mat_a.ndim != 2 or mat_b.ndim != 2:
        raise RuntimeError("mat1 and mat2 must be matrices")
    if mat_a.shape[1] != mat_b.shape[0]:
        raise ValueError(
            f"mat_a and mat_b shapes cannot be multiplied ({mat_a.shape[0]}x{mat_a.shape[1]} and "
            f"{mat_b.shape[0]}x{mat_b.shape[1]})"
        )
    a = _scaled(mat_a, scale_a, scale_recipe_a, -2, "scaled_mm")
    b = _scaled(mat_b, scale_b, scale_recipe_b, -1, "scaled_mm")
    out = a @ b
    if bias is not None:
        out = out + bias.float()
    return out.to(mat_a.dtype if output_dtype is None else output_dtype)


def scaled_grouped_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Tensor | None = None, offs: Tensor | None = None,
    output_dtype: torch.dtype | None = torch.bfloat16, contraction_dim: Sequence[int] = (), use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """:func:`grouped_mm` of float8 matrices with scales; see :func:`scaled_mm`."""
    _check_options((swizzle_a, swizzle_b), contraction_dim, "scaled_grouped_mm")
    _check_grouped(mat_a, mat_b, offs)
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    a = _scaled(mat_a, scale_a, scale_recipe_a, -2, "scaled_grouped_mm")
    b = _scaled(mat_b, scale_b, scale_recipe_b, -1, "scaled_grouped_mm")
    out = torch.bmm(a, b) if offs is None else _ops.grouped_mm(a, b, offs)
    return out.to(mat_a.dtype if output_dtype is None else output_dtype)
