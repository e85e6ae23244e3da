"""Shapes: at least n dims, broadcasting, flips, tiles, repeats, index grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import torchax_lite as torch
from torchax_lite._generated import torch_ops as _plain
from torchax_lite.ops.common import canonical_dim
from torchax_lite.ops.registry import OPS
from torchax_lite.tensor.arguments import no_overload
from torchax_lite.tensor.dispatch import call_view

from .registry import composite, from_host

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _each(tensors: tuple[Any, ...], fn: Any, always_tuple: bool) -> Any:
    """``fn`` of the only tensor, or a tuple of results for several (or one sequence)."""
    if len(tensors) == 1 and isinstance(tensors[0], torch.Tensor) and not always_tuple:
        return fn(tensors[0])
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return tuple(fn(t) for t in given)


@composite()
def atleast_1d(*tensors: Any, always_tuple: bool = False) -> Any:
    """0-dim tensors as vectors of one element; the others as they are."""
    return _each(tensors, lambda t: t.reshape(1) if t.ndim == 0 else t, always_tuple)


@composite()
def atleast_2d(*tensors: Any, always_tuple: bool = False) -> Any:
    """Numbers and vectors as matrices of one row; the others as they are."""

    def grow(t: Tensor) -> Tensor:
        return t.reshape(1, 1) if t.ndim == 0 else t.unsqueeze(0) if t.ndim == 1 else t

    return _each(tensors, grow, always_tuple)


@composite()
def atleast_3d(*tensors: Any, always_tuple: bool = False) -> Any:
    """Views with at least three dims: vectors as (1, n, 1), matrices as (m, n, 1)."""

    def grow(t: Tensor) -> Tensor:
        if t.ndim == 0:
            return t.reshape(1, 1, 1)
        return t.unsqueeze(0).unsqueeze(-1) if t.ndim == 1 else t.unsqueeze(-1) if t.ndim == 2 else t

    return _each(tensors, grow, always_tuple)


@composite()
def broadcast_shapes(*shapes: Any) -> torch.Size:
    """Shape that all of the shapes broadcast to."""
    result: list[int] = []
    for i, given in enumerate(shapes):
        shape = [given] if isinstance(given, int) else [int(s) for s in given]
        if any(s < 0 for s in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
        result = [1] * (len(shape) - len(result)) + result
        for k in range(-1, -1 - len(shape), -1):
            if shape[k] == 1 or shape[k] == result[k]:
                continue
            if result[k] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[k]} at {k}! Mismatching argument at index "
                    f"{i} had {tuple(shape)}; but expected shape should be broadcastable to {result}"
                )
            result[k] = shape[k]
    return torch.Size(result)


@composite()
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Views of the tensors, expanded to their common shape; those that have it already are themselves."""
    from torchax_lite.ops.lowering import broadcast

    given = list(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors)
    if not given:
        return ()
    shape = broadcast([tuple(t.shape) for t in given])
    return tuple(t if t.shape == shape else t.expand(shape) for t in given)


@composite(method=True)
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """A view expanded to a shape."""
    return input.expand(size)


@composite(namespaces=(), method=True)
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Sum over the dims by which ``self`` broadcasts against ``size``."""
    shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    lead = self.ndim - len(shape)
    fits = lead >= 0 and all(n in (1, m) for n, m in zip(shape, self.shape[lead:], strict=True))
    if not fits:
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(self.shape)}}}.")
    dims = [k + lead for k, n in enumerate(shape) if n == 1 != self.shape[k + lead]]
    if not shape:
        return self.sum()
    x = self.sum(dim=(*range(lead), *dims), keepdim=True) if lead or dims else self
    return x.view(shape) if lead else x


@composite(method=True)
def conj(input: Tensor) -> Tensor:
    """Complex conjugate, a view that computes when it is read; a real tensor is returned as it is."""
    return call_view(OPS["conj"], input, (), ()) if input.is_complex() else input  # type: ignore[no-any-return]


@composite()
def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor as a real one with a last dim of size 2, on the same memory."""
    if input.is_conj():
        raise RuntimeError(
            "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view "
            "it as real, use self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original."
        )
    return _plain.view_as_real(input)  # type: ignore[no-any-return]


@composite()
def _neg_view(input: Tensor) -> Tensor:
    """The negative, a view that computes when it is read."""
    return call_view(OPS["neg_view"], input, (), ())  # type: ignore[no-any-return]


@composite(namespaces=(), method=True)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """``self`` with the dtype and device of another tensor."""
    return self.to(dtype=other.dtype, device=other.device)


@composite(namespaces=(), method=True)
def narrow_copy(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of ``self.narrow(dim, start, length)``."""
    return torch.narrow_copy(self, dim, start, length)  # type: ignore[no-any-return]


@composite(method=True)
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """``chunk`` without the bookkeeping that forbids in-place changes of its results."""
    return tuple(input.narrow(dim, start, n) for start, n in _runs([c.shape[dim] for c in input.chunk(chunks, dim)]))


@composite(method=True)
def unsafe_split(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """``split`` without the bookkeeping that forbids in-place changes of its results."""
    return tuple(
        input.narrow(dim, start, n) for start, n in _runs([c.shape[dim] for c in input.split(split_size, dim)])
    )


def _runs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    starts = [0]
    for n in sizes:
        starts.append(starts[-1] + n)
    return list(zip(starts, sizes, strict=False))


@composite(method=True)
def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return input.flip(1)


@composite(method=True)
def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return input.flip(0)


@composite(name="tile")
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """``input`` repeated ``dims[i]`` times; with fewer numbers than dims the last dims are meant."""
    counts = (dims,) if isinstance(dims, int) else tuple(dims)
    return input.repeat((1,) * (input.ndim - len(counts)) + counts)


@composite(namespaces=(), method=True, name="tile")
def _tile_method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``self`` repeated ``dims[i]`` times; with fewer numbers than dims the last dims are meant."""
    if kwargs:
        if args or set(kwargs) != {"dims"}:
            raise no_overload("tile", ["tuple of ints dims"], args, kwargs)
        return tile(self, kwargs["dims"])
    dims = args
    return tile(self, dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)


@composite(method=True)
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Square matrix with all elements of ``input`` on one diagonal."""
    return input.reshape(-1).diag_embed(offset)


@composite(method=True)
def repeat_interleave(
    input: Any = None, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (or slice along ``dim``) repeated, by a number or by counts; for counts alone the positions."""
    if input is None or repeats is None:
        counts = repeats if input is None else input
        if counts is None:
            raise no_overload("repeat_interleave", ["Tensor repeats, *, int output_size = None"], (), {})
        return _expanded_positions(counts, output_size)
    if isinstance(repeats, torch.Tensor):
        return _repeat_by_counts(input, repeats, dim, output_size)
    if isinstance(repeats, (list, tuple)):
        return _repeat_by_counts(input, torch.tensor(repeats, device=input.device), dim, output_size)
    x = input.flatten() if dim is None else input
    at = 0 if dim is None else canonical_dim(dim, x.ndim)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    x = x.reshape(1) if x.ndim == 0 else x
    shape = list(x.shape)
    if output_size is not None and output_size != shape[at] * repeats:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {shape[at] * repeats} but got {output_size}"
        )
    wide = x.unsqueeze(at + 1).expand(*shape[: at + 1], repeats, *shape[at + 1 :])
    return wide.clone(memory_format=torch.contiguous_format).view(*shape[:at], shape[at] * repeats, *shape[at + 1 :])


def _expanded_positions(counts: Tensor, output_size: int | None) -> Tensor:
    """Position i, ``counts[i]`` times."""
    if counts.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if counts.dtype not in (torch.int64, torch.int32):
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{_name(counts)}'")
    values = counts._host_array()
    if (values < 0).any():
        raise RuntimeError("repeats can not be negative")
    found = np.repeat(np.arange(values.size, dtype=values.dtype), values)
    if output_size is not None and found.size != output_size:
        raise RuntimeError("allocated size does not match required size")
    return from_host(found, counts)


def _name(t: Tensor) -> str:
    from torchax_lite.tensor.dtypes import scalar_type_name

    return scalar_type_name(t.dtype)


def _repeat_by_counts(input: Tensor, repeats: Tensor, dim: int | None, output_size: int | None) -> Tensor:
    x = input.flatten() if dim is None else input
    at = 0 if dim is None else canonical_dim(dim, x.ndim)
    counts = repeats
    if repeats.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats.ndim == 0 or repeats.shape[0] == 1:
        counts = repeats.reshape(1).expand(x.shape[at] if x.ndim else 1)
    elif repeats.shape[0] != x.shape[at]:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.shape[0]} and "
            f"input.size({at}) = {x.shape[at]}"
        )
    return x.index_select(at, _expanded_positions(counts, output_size))


@composite(method=True)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Elements at ``indices`` along ``dim``; the other dims broadcast. Without ``dim`` both are flattened."""
    if dim is None:
        return torch.gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if indices.dtype not in (torch.int64, torch.int32):
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {_name(indices)}")
    from torchax_lite.ops.lowering import broadcast

    at = canonical_dim(dim, input.ndim)
    own, wanted = list(input.shape), list(indices.shape)
    free = [tuple(1 if k == at else n for k, n in enumerate(s)) for s in (own, wanted)]
    common = broadcast(free) if own else ()
    x_shape = [own[at] if k == at else n for k, n in enumerate(common)]
    i_shape = [wanted[at] if k == at else n for k, n in enumerate(common)]
    if own:
        indices = torch.where(indices < 0, indices + own[at], indices)
    return torch.gather(input.expand(x_shape), at, indices.expand(i_shape), out=out)


@composite()
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Coordinates in a shape of positions counted in row-major order."""
    if not isinstance(indices, torch.Tensor):
        raise TypeError(f"expected 'indices' to be a Tensor, but got {type(indices)}")
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(int(s) for s in shape)
    if any(s < 0 for s in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    found, indices = [], indices.to(torch.int64)
    for k, size in enumerate(sizes):
        step = math.prod(sizes[k + 1 :])
        found.append(indices.div(step, rounding_mode="floor") % size if size else indices)
    return torch.stack(found, -1).unbind(-1) if found else ()


def _triangle_indices(name: str, row: int, col: int, offset: int, dtype: Any, device: Any, layout: Any) -> Tensor:
    for what, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{what} must be non-negative, got{n}")
    if layout is not None and layout is not torch.strided:
        raise RuntimeError("only support layout=torch.strided")
    dtype = torch.int64 if dtype is None else dtype
    if dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        from torchax_lite.tensor.dtypes import scalar_type_name

        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_type_name(dtype)}'")
    at = np.tril_indices(row, offset, col) if name == "tril_indices" else np.triu_indices(row, offset, col)
    return torch.from_numpy(np.stack(at).astype(dtype._np)).to(device=device, copy=True)


@composite()
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """(2, n) row and column numbers of the lower triangle of a matrix, in row-major order."""
    return _triangle_indices("tril_indices", row, col, offset, dtype, device, layout)


@composite()
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """(2, n) row and column numbers of the upper triangle of a matrix, in row-major order."""
    return _triangle_indices("triu_indices", row, col, offset, dtype, device, layout)


@composite(namespaces=(), method=True, name="fill_diagonal_")
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the main diagonal in place; with ``wrap`` that of a tall matrix starts anew after each square."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and any(n != self.shape[0] for n in self.shape):
        raise RuntimeError("all dimensions of input must be of equal length")
    stride = sum(self.stride())
    size = min(self.shape)
    offset = self.storage_offset()
    self.as_strided((size,), (stride,), offset).fill_(fill_value)
    if wrap and self.ndim == 2 and self.shape[0] > self.shape[1] + 1:
        period = (self.shape[1] + 1) * self.stride(0)
        count = -(-(self.shape[0] * self.stride(0) - period) // stride)
        self.as_strided((count,), (stride,), offset + period).fill_(fill_value)
    return self
