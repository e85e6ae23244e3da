"""Functions and classes of ``torch`` that programs know under the names of PyTorch's C++ side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torchax_lite as torch

from ._absent import _refusing
from .nested import NO_NESTED
from .tensor.dtypes import scalar_type_name
from .tensor.storage_api import UntypedStorage
from .tensor.tensor import Tensor

# -- casts -------------------------------------------------------------------------------------------------------------


def _caster(name: str, dtype: torch.dtype) -> Callable[..., Tensor]:
    def cast(input: Tensor, non_blocking: bool = False) -> Tensor:
        return input.to(dtype, non_blocking=non_blocking)

    cast.__name__ = cast.__qualname__ = name
    cast.__doc__ = f"``input.to({dtype})``."
    return cast


_CASTS = {
    f"_cast_{kind}": _caster(f"_cast_{kind}", dtype)
    for kind, dtype in {
        "Byte": torch.uint8, "Char": torch.int8, "Double": torch.float64, "Float": torch.float32, "Half": torch.float16,
        "Int": torch.int32, "Long": torch.int64, "Short": torch.int16,
    }.items()
}  # fmt: skip


# -- indices of sparse matrices ----------------------------------------------------------------------------------------


def _convert_indices_from_coo_to_csr(input: Tensor, size: int, *, out_int32: bool = False) -> Tensor:
    """Row pointers of a sparse matrix (``size + 1`` of them) from its sorted row indices."""
    _need_indices("coo_to_csr", input)
    if input.ndim > 1:
        raise RuntimeError(f"Input is supposed to be a vector, but got {input.ndim} dimensional tensor.")
    rows = torch.arange(size + 1, dtype=input.dtype, device=input.device)
    return torch.searchsorted(input.contiguous(), rows).to(torch.int32 if out_int32 else torch.int64)


def _convert_indices_from_csr_to_coo(
    crow_indices: Tensor, col_indices: Tensor, *, out_int32: bool = False, transpose: bool = False
) -> Tensor:
    """Coordinates (one column an element) of a sparse matrix, or of a batch of them, from its compressed indices.

    Args:
        transpose: the columns first, for a matrix compressed along columns.
    """
    _need_indices("csr_to_coo", crow_indices)
    dtype = torch.int32 if out_int32 else torch.int64
    batch, count = crow_indices.shape[:-1], col_indices.shape[-1]
    position = torch.arange(count, dtype=crow_indices.dtype, device=crow_indices.device)
    ends = crow_indices[..., 1:].contiguous()
    rows = torch.searchsorted(ends, position.expand(*batch, count).contiguous(), right=True)
    parts = [(col_indices if transpose else rows), (rows if transpose else col_indices)]
    if batch:
        where = torch.cartesian_prod(*[torch.arange(n) for n in batch]).reshape(-1, len(batch)).to(crow_indices.device)
        parts = [*where.repeat_interleave(count, 0).T, *[p.reshape(-1) for p in parts]]
    return torch.stack([p.to(dtype) for p in parts])


def _need_indices(what: str, t: Tensor) -> None:
    if t.dtype not in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        kind = scalar_type_name(t.dtype)
        raise NotImplementedError(f"\"convert_indices_from_{what}_cpu\" not implemented for '{kind}'")


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """``torch.mm``, by the name that it had for a sparse matrix with a dense one."""
    return torch.mm(input, mat2)


# -- products of float8 matrices ---------------------------------------------------------------------------------------


def _scaled_mm(
    input: Tensor, mat2: Tensor, scale_a: Tensor, scale_b: Tensor, bias: Tensor | None = None,
    scale_result: Tensor | None = None, out_dtype: torch.dtype | None = None, use_fast_accum: bool = False, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product of two float8 matrices, each times its scale, plus a bias; accumulated in float32.

    Args:
        scale_a: one number, or one for each row of ``input`` (as a column).
        scale_b: one number, or one for each column of ``mat2`` (as a row).
        scale_result: without effect, as on PyTorch's CPU.
        out_dtype: of the result; that of ``input`` unless told.
        use_fast_accum: without effect: GPUs of PyTorch may accumulate less exactly.
    """
    for position, m in ((1, input), (2, mat2)):
        if m.ndim != 2:
            raise RuntimeError(f"mat{position} must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        shapes = " and ".join(f"{m.shape[0]}x{m.shape[1]}" for m in (input, mat2))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes})")
    for position, m in ((1, input), (2, mat2)):
        if m.dtype not in (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz):
            raise RuntimeError(f"Expected mat{position} to be Float8 matrix got {scalar_type_name(m.dtype)}")
    whole = scale_a.numel() == 1 and scale_b.numel() == 1
    if not whole and (scale_a.shape != (input.shape[0], 1) or scale_b.shape != (1, mat2.shape[1])):
        raise ValueError(
            f"Invalid scaling configuration: scales of shape {list(scale_a.shape)} and {list(scale_b.shape)}; both are one "
            f"number, or they are ({input.shape[0]}, 1) and (1, {mat2.shape[1]})"
        )
    made = input.float() @ mat2.float()
    factors = [s.float().reshape(()) if whole else s.float() for s in (scale_a, scale_b)]
    made = made * factors[0] * factors[1]
    if bias is not None:
        made = made + bias.float()
    made = made.to(input.dtype if out_dtype is None else out_dtype)
    return made if out is None else out.copy_(made)


# -- what was removed, and what is counted -----------------------------------------------------------------------------


def _removed(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f"This function was deprecated since version 1.9 and is now removed. torch.{name}: use {instead}"
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Removed from PyTorch: raises. Use ``{instead}``."
    return refuse


_REMOVED = {
    name: _removed(name, instead)
    for name, instead in {
        "solve": "torch.linalg.solve(A, B), whose arguments are the other way round",
        "lstsq": "torch.linalg.lstsq(A, B), whose arguments are the other way round",
        "eig": "torch.linalg.eig, which returns complex tensors",
        "symeig": "torch.linalg.eigh, which reads the lower triangle by default",
        "matrix_rank": "torch.linalg.matrix_rank",
    }.items()
}


def set_vital(vital: str, attr: str, value: str) -> bool:
    """PyTorch notes facts for its own statistics; nothing is noted here."""
    return True


# -- classes -----------------------------------------------------------------------------------------------------------


class _StorageBase(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, UntypedStorage)


class StorageBase(metaclass=_StorageBase):
    """What untyped storages are instances of."""

    def __new__(cls, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[misc]
        raise RuntimeError("Cannot directly construct StorageBase; use torch.UntypedStorage")

    __module__ = "torch._C"


class _ScriptType:
    """A type of the scripting compiler: it can be named and compared."""

    _text = ""

    def __new__(cls) -> NoReturn:  # type: ignore[misc]
        raise TypeError(f"torch._C.{cls.__name__}: No constructor defined!")

    @classmethod
    def get(cls) -> Any:
        """The one instance."""
        if "_instance" not in cls.__dict__:
            cls._instance = object.__new__(cls)  # type: ignore[attr-defined]
        return cls._instance  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return self._text


class TensorType(_ScriptType):
    """The scripting compiler's type of tensors."""

    _text = "Tensor"
    __module__ = "torch"


class DeviceObjType(_ScriptType):
    """The scripting compiler's type of devices."""

    _text = "Device"
    __module__ = "torch"


TORCH_NAMES: dict[str, Any] = {
    **_CASTS,
    **_REMOVED,
    **{
        f.__name__: f
        for f in (
            _convert_indices_from_coo_to_csr, _convert_indices_from_csr_to_coo, _scaled_mm, dsmm, set_vital, StorageBase,
            TensorType, DeviceObjType,
        )
    },
    **{name: _refusing(f"torch.{name}", NO_NESTED) for name in ("_nested_view_from_buffer", "_nested_tensor_from_mask")},
}  # fmt: skip
"""What ``torch`` shows of this module."""
