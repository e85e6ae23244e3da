"""Joining, splitting and combining tensors: stacks, grids, products, blocks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import torchax_lite as torch
from torchax_lite._generated import internal

from .rearranging import atleast_1d, atleast_2d, atleast_3d
from .registry import composite, from_host

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _nonempty(name: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, torch.Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return list(tensors)


@composite()
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: along dim 1, vectors along dim 0."""
    parts = list(atleast_1d(*_nonempty("hstack", tensors), always_tuple=True))
    return torch.cat(parts, 0 if parts[0].ndim == 1 else 1, out=out)


@composite(aliases=("row_stack",))
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors below each other: along dim 0, vectors as rows."""
    return torch.cat(list(atleast_2d(*_nonempty("vstack", tensors), always_tuple=True)), 0, out=out)


@composite()
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors behind each other: along dim 2."""
    return torch.cat(list(atleast_3d(*_nonempty("dstack", tensors), always_tuple=True)), 2, out=out)


@composite()
def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side, numbers and vectors as columns."""
    parts = [t.reshape(t.numel(), 1) if t.ndim <= 1 else t for t in _nonempty("column_stack", tensors)]
    return torch.cat(parts, 1, out=out)


def _split(name: str, input: Tensor, sections: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {input.ndim} "
            "dimensions!"
        )
    if isinstance(sections, int):
        size = input.shape[dim]
        if sections == 0 or size % sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not "
                f"divisible by the split_size {sections}!"
            )
    return torch.tensor_split(input, sections, dim)


def _sections(name: str, sections: Any, indices: Any) -> Any:
    """The one of two spellings that was given."""
    given = indices if sections is None else sections
    whole = isinstance(given, int) or (isinstance(given, (list, tuple)) and all(isinstance(i, int) for i in given))
    if given is not None and not whole and not isinstance(given, torch.Tensor):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (Tensor, {type(given).__name__}), but expected "
            "one of:\n * (Tensor input, int sections)\n * (Tensor input, tuple of ints indices)\n"
        )
    if (sections is None) == (indices is None):
        raise TypeError(f"{name}() takes either sections or indices")
    return indices if sections is None else sections


@composite(method=True)
def hsplit(input: Tensor, sections: Any = None, *, indices: Any = None) -> tuple[Tensor, ...]:
    """Views of equal pieces (or of pieces cut at indices) along dim 1, of a vector along dim 0."""
    cut = _sections("hsplit", sections, indices)
    return _split("hsplit", input, cut, 0 if input.ndim == 1 else 1, 1)


@composite(method=True)
def vsplit(input: Tensor, sections: Any = None, *, indices: Any = None) -> tuple[Tensor, ...]:
    """Views of equal pieces (or of pieces cut at indices) along dim 0."""
    return _split("vsplit", input, _sections("vsplit", sections, indices), 0, 2)


@composite(method=True)
def dsplit(input: Tensor, sections: Any = None, *, indices: Any = None) -> tuple[Tensor, ...]:
    """Views of equal pieces (or of pieces cut at indices) along dim 2."""
    return _split("dsplit", input, _sections("dsplit", sections, indices), 2, 3)


def _as_list(tensors: tuple[Any, ...]) -> list[Tensor]:
    """The tensors, given one by one or as one sequence."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return list(tensors[0])
    return list(tensors)


@composite()
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Views of vectors expanded to a grid; ``xy`` swaps the first two dims of the grid."""
    parts = _as_list(tensors)
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
        indexing = "ij"
    if not parts:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in parts:
        if t.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t!r}")
    if any(t.dtype != parts[0].dtype for t in parts):
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if any(t.device != parts[0].device for t in parts):
        raise RuntimeError("meshgrid expects all tensors to have the same device")
    if indexing not in ("xy", "ij"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(parts) >= 2
    if swap:
        parts[:2] = parts[1::-1]
    shape = [t.numel() for t in parts]
    grids = [t.view([-1 if k == i else 1 for k in range(len(parts))]).expand(shape) for i, t in enumerate(parts)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


@composite()
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, a row each."""
    parts = _as_list(tensors)
    for t in parts:
        if t.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(parts) == 1:
        return parts[0]
    return torch.stack([g.flatten() for g in meshgrid(parts, indexing="ij")], 1)


@composite()
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to choose ``r`` elements of a vector, in the order of their positions, a row each."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return torch.empty(0, dtype=input.dtype, device=input.device)
    rows = _choices(input.numel(), r, with_replacement)
    return input.index_select(0, from_host(rows.reshape(-1), input)).view(-1, r)


def _choices(n: int, r: int, repeats: bool) -> np.ndarray[Any, Any]:
    """Positions of all choices, grown one position at a time without a loop over the rows."""
    rows = np.arange(n, dtype=np.int64)[:, None]
    for _ in range(r - 1):
        first = rows[:, -1] + (0 if repeats else 1)
        counts = np.maximum(n - first, 0)
        start = np.repeat(np.cumsum(counts) - counts, counts)
        step = np.arange(int(counts.sum()), dtype=np.int64) - start
        rows = np.concatenate([np.repeat(rows, counts, axis=0), (np.repeat(first, counts) + step)[:, None]], axis=1)
    return rows


@composite()
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given ones along its diagonal, zero elsewhere; numbers and vectors count as rows."""
    parts = _as_list(tensors)
    if not parts:
        return torch.empty(1, 0)
    for i, t in enumerate(parts):
        if t.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t.ndim} dimensions"
            )
    return internal.block_diag(parts)  # type: ignore[no-any-return]


@composite(namespaces=("linalg",), name="vander")
def linalg_vander(x: Tensor, N: int | None = None) -> Tensor:
    """Powers 0 to N-1 of the elements along a new last dim."""
    n = x.shape[-1] if N is None and x.ndim else N
    if n is None or n <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x if x.ndim else x.unsqueeze(0)
    base = x if x.dtype != torch.bool else x.to(torch.int64)
    if not (base.is_floating_point() or base.is_complex()):
        base = base.to(torch.int64)
    repeated = base.unsqueeze(-1).expand(*base.shape, n - 1)
    return torch.cat([torch.ones_like(base).unsqueeze(-1), repeated.cumprod(-1)], -1)


@composite()
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Matrix whose columns are powers of a vector, the highest first unless ``increasing``."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    base = x if x.is_floating_point() or x.is_complex() else x.to(torch.int64)
    if n == 0:
        return base.new_empty((x.shape[0], 0))
    parts = [torch.ones_like(base).unsqueeze(-1)]
    if n > 1:
        parts.append(base.unsqueeze(-1).expand(-1, n - 1).cumprod(-1))
    powers = torch.cat(parts, -1)
    return powers if increasing else powers.flip(-1)
