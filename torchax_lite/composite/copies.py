"""Views as copies (``view_copy`` ...): the same values in fresh, contiguous memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from .registry import composite, into

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _copied(name: str, view: Tensor, out: Tensor | None) -> Tensor:
    return into(name, view.clone(memory_format=torch.contiguous_format), out)


@composite()
def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Copy of a tensor."""
    return _copied("alias_copy", input, out)


@composite()
def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``input.detach()``."""
    return _copied("detach_copy", input.detach(), out)


@composite()
def as_strided_copy(
    input: Tensor, size: Any, stride: Any, storage_offset: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Copy of ``as_strided``."""
    return _copied("as_strided_copy", torch.as_strided(input, size, stride, storage_offset), out)


@composite()
def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``diagonal``."""
    return _copied("diagonal_copy", input.diagonal(offset, dim1, dim2), out)


@composite()
def expand_copy(input: Tensor, size: Any, *, implicit: bool = False, out: Tensor | None = None) -> Tensor:
    """Copy of ``expand``."""
    return _copied("expand_copy", input.expand(size), out)


@composite()
def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``narrow``."""
    if dim >= input.ndim > 0:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  (Could this error "
            "message be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    if length < 0 and input.ndim:
        at = start + input.shape[dim] if start < 0 else start
        raise RuntimeError(f"start ({at}) + length ({length}) exceeds dimension size ({input.shape[dim]}).")
    return _copied("narrow_copy", input.narrow(dim, start, length), out)


@composite()
def permute_copy(input: Tensor, dims: Any, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``permute``."""
    return _copied("permute_copy", input.permute(dims), out)


@composite()
def select_copy(input: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``select``."""
    return _copied("select_copy", input.select(dim, index), out)


@composite()
def slice_copy(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Copy of ``input[start:end:step]`` along ``dim``."""
    at = dim + input.ndim if dim < 0 else dim
    return _copied("slice_copy", input[(slice(None),) * at + (slice(start, end, step),)], out)


@composite()
def squeeze_copy(input: Tensor, dim: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``squeeze``."""
    return _copied("squeeze_copy", input.squeeze() if dim is None else input.squeeze(dim), out)


@composite()
def unsqueeze_copy(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``unsqueeze``."""
    return _copied("unsqueeze_copy", input.unsqueeze(dim), out)


@composite()
def t_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``t``."""
    return _copied("t_copy", input.t(), out)


@composite()
def transpose_copy(input: Tensor, dim0: int, dim1: int, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``transpose``."""
    return _copied("transpose_copy", input.transpose(dim0, dim1), out)


@composite()
def unfold_copy(input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``Tensor.unfold``."""
    return _copied("unfold_copy", input.unfold(dimension, size, step), out)


@composite()
def view_copy(input: Tensor, size: Any = None, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """Copy of ``Tensor.view``, to a size or to a dtype."""
    if isinstance(size, torch.dtype):
        size, dtype = None, size
    return _copied("view_copy", input.view(dtype) if size is None else input.view(size), out)


@composite()
def view_as_complex_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``view_as_complex``."""
    return _copied("view_as_complex_copy", torch.view_as_complex(input), out)


@composite()
def view_as_real_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Copy of ``view_as_real``."""
    return _copied("view_as_real_copy", torch.view_as_real(input), out)


# ---------------------------------------------------------------- several results


def _all_copied(name: str, views: Sequence[Tensor], out: Sequence[Tensor] | None) -> tuple[Tensor, ...] | None:
    """Copies of all; with ``out`` they are stored and nothing is returned, as PyTorch does."""
    if out is None:
        return tuple(_copied(name, v, None) for v in views)
    if len(out) != len(views):
        raise RuntimeError(f"{name}_out() expected an out= argument of size {len(views)}, got size {len(out)}")
    for view, target in zip(views, out, strict=True):
        _copied(name, view, target)
    return None


@composite()
def split_copy(
    input: Tensor, split_size: int, dim: int = 0, *, out: Sequence[Tensor] | None = None
) -> tuple[Tensor, ...] | None:
    """Copies of the pieces of ``split``."""
    return _all_copied("split_copy", input.split(split_size, dim), out)


@composite()
def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, out: Sequence[Tensor] | None = None
) -> tuple[Tensor, ...] | None:
    """Copies of the pieces of ``split`` by sizes."""
    return _all_copied("split_with_sizes_copy", input.split(list(split_sizes), dim), out)


@composite()
def unbind_copy(input: Tensor, dim: int = 0, *, out: Sequence[Tensor] | None = None) -> tuple[Tensor, ...] | None:
    """Copies of the slices of ``unbind``."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return _all_copied("unbind_copy", input.unbind(dim), out)


# ---------------------------------------------------------------- parts of sparse tensors


def _part_copy(part: str) -> Callable[..., Tensor]:
    """``torch.<part>_copy``: a copy of what the method ``<part>`` gives."""

    def copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        return _copied(f"{part}_copy", getattr(input, part)(), out)

    copy.__name__ = copy.__qualname__ = f"{part}_copy"
    copy.__doc__ = f"Copy of ``{part}()`` of a sparse tensor."
    return copy


for _part in ("values", "indices", "crow_indices", "col_indices", "ccol_indices", "row_indices"):
    composite()(_part_copy(_part))
