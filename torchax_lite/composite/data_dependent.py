"""Functions whose result's shape depends on values: positions of nonzeros, masks, unique values, counts.

They run what is pending and work on concrete values with NumPy; what can be differentiated goes back through an op.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import torchax_lite as torch
from torchax_lite._generated import internal, torch_ops
from torchax_lite.ops.common import canonical_dim
from torchax_lite.tensor.dtypes import scalar_type_name
from torchax_lite.tensor.indexing import check_bounds
from torchax_lite.tensor.writing import overlap

from .registry import composite, from_host, in_columns, into, named

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _positions(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(n, ndim) positions of nonzero values, in row-major order."""
    if values.ndim == 0:
        return np.zeros((int(bool(values)), 0), np.int64)
    return np.stack(np.nonzero(values), axis=1).astype(np.int64, copy=False)


@composite(method=True)
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """(n, ndim) positions of the nonzero elements; ``as_tuple``: one index vector for each dim."""
    values = input._host_array()
    if not as_tuple:
        return into("nonzero", in_columns(from_host(_positions(values), input)), out)
    found = np.nonzero(values.reshape(1) if values.ndim == 0 else values)
    return tuple(from_host(i.astype(np.int64, copy=False), input) for i in found)


@composite()
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """``input`` where ``condition``, else ``other``, broadcast; of a condition alone its true positions, dim by dim."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    return torch_ops.where(condition, input, other, out=out)


@composite(method=True)
def argwhere(input: Tensor) -> Tensor:
    """(n, ndim) positions of the nonzero elements."""
    return nonzero(input)


@composite(method=True)
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """The first ``size`` rows of ``nonzero``, padded with ``fill_value``."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    rows = _positions(input._host_array())[:size]
    padded = np.full((size, rows.shape[1]), fill_value, np.int64)
    padded[: len(rows)] = rows
    return into("nonzero_static", from_host(padded, input), out)


@composite(method=True)
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Vector of the elements where ``mask`` is true; the two broadcast."""
    if mask.dtype not in (torch.bool, torch.uint8):
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    from torchax_lite.ops.lowering import broadcast

    shape = broadcast([tuple(mask.shape), tuple(input.shape)])
    chosen = np.flatnonzero(np.broadcast_to(mask._host_array(), shape))
    picked = internal.masked_select_at(input, from_host(chosen.astype(np.int64, copy=False), input), shape)
    if out is not None and any(overlap(out, t) in ("part", "whole") for t in (input, mask)):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    return into("masked_select", picked, out)


def _places(self: Tensor, indices: Any) -> list[Tensor | None]:
    """Indices without masks, those that are known compared with the sizes."""
    found = _without_masks(self, indices)
    for d, index in enumerate(found[: self.ndim]):
        if index is not None:
            check_bounds(index, self.shape[d], d)
    return found


def _without_masks(self: Tensor, indices: Any) -> list[Tensor | None]:
    """Indices with each boolean (or byte) mask replaced by the positions of its true elements."""
    if isinstance(indices, torch.Tensor):
        raise TypeError("index_put(): argument 'indices' (position 1) must be tuple of Tensors, not Tensor")
    found: list[Tensor | None] = []
    for i, index in enumerate(indices):
        if index is None or index.dtype not in (torch.bool, torch.uint8):
            found.append(index)
            continue
        at = len(found)
        if tuple(index.shape) != tuple(self.shape[at : at + index.ndim]):
            raise IndexError(
                f"The shape of the mask {list(index.shape)} at index {i} does not match the shape of the indexed "
                f"tensor {list(self.shape)} at index {at}"
            )
        found.extend(nonzero(index, as_tuple=True))
    return found


@composite(method=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` written (or added) at ``input[indices]``; indices are integers or masks."""
    return torch_ops.index_put(input, _places(input, indices), values, accumulate)  # type: ignore[no-any-return]


@composite(method=True, name="index_put_")
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of ``index_put``."""
    return torch_ops.index_put_(input, _places(input, indices), values, accumulate)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- unique values


def _results(like: Tensor, values: Any, inverse: Any, counts: Any, want_inverse: bool, want_counts: bool) -> Any:
    found = [values]
    if want_inverse:
        found.append(from_host(inverse.astype(np.int64, copy=False), like))
    if want_counts:
        found.append(from_host(counts.astype(np.int64, copy=False), like))
    return found[0] if len(found) == 1 else tuple(found)


def _slices_along(values: np.ndarray[Any, Any], dim: int) -> np.ndarray[Any, Any]:
    """Slices along a dim as rows of a matrix."""
    moved = np.moveaxis(values, dim, 0)
    return np.ascontiguousarray(moved.reshape(moved.shape[0], math.prod(moved.shape[1:])))


def _check_dim(name: str, input: Tensor, dim: int) -> int:
    at = canonical_dim(dim, input.ndim)
    if any(n == 0 for k, n in enumerate(input.shape) if k != at):
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    return at


@composite(method=True)
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (or slices along ``dim``) in ascending order, with positions in them and counts."""
    values = input._host_array()
    if dim is not None:
        return _unique_slices(input, values, _check_dim("unique", input, dim), return_inverse, return_counts)
    kept, inverse, counts = np.unique(values, return_inverse=True, return_counts=True, equal_nan=False)
    found = from_host(kept.astype(values.dtype, copy=False), input)
    return _results(input, found, inverse.reshape(values.shape), counts, return_inverse, return_counts)


def _unique_slices(input: Tensor, values: Any, at: int, return_inverse: bool, return_counts: bool) -> Any:
    rows = _slices_along(values, at)
    n = rows.shape[0]
    order = np.lexsort(rows.T[::-1]) if n and rows.shape[1] else np.arange(n)
    starts = _run_starts(rows[order])
    group = np.cumsum(starts) - 1
    inverse = np.empty(n, np.int64)
    inverse[order] = group
    counts = np.bincount(group, minlength=0) if n else np.zeros(0, np.int64)
    kept = from_host(np.moveaxis(values, at, 0)[order[starts]], input).movedim(0, at).detach()
    return _results(input, kept, inverse, counts, return_inverse, return_counts)


def _run_starts(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where a row differs from the one before."""
    starts = np.ones(rows.shape[0], bool)
    if rows.shape[0] > 1:
        starts[1:] = (rows[1:] != rows[:-1]).reshape(rows.shape[0] - 1, -1).any(axis=1)
    return starts


@composite(method=True)
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along ``dim``) without those equal to the one before, with positions and counts."""
    values = input._host_array()
    if dim is None:
        rows, shape, at = values.reshape(-1, 1), values.shape, 0
        moved = values.reshape(-1)
    else:
        at = _check_dim("unique_consecutive", input, dim)
        rows, shape = _slices_along(values, at), (values.shape[at],)
        moved = np.moveaxis(values, at, 0)
    starts = _run_starts(rows)
    inverse = (np.cumsum(starts) - 1).reshape(shape)
    edges = np.append(np.flatnonzero(starts), len(rows))
    kept = from_host(moved[starts], input).movedim(0, at).detach()
    return _results(input, kept, inverse, np.diff(edges), return_inverse, return_counts)


# ---------------------------------------------------------------- counts


@composite(method=True)
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Number (or sum of the weights) of each value in a vector of non-negative integers."""
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.is_floating_point() or input.is_complex() or input.dtype == torch.bool:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{scalar_type_name(input.dtype)}'")
    values = input._host_array()
    if input.ndim != 1 or (values.size and values.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    values = values.astype(np.int64, copy=False)
    if weights is None:
        return from_host(np.bincount(values, minlength=minlength).astype(np.int64, copy=False), input)
    own = weights._host_array()
    total = np.bincount(values, own.astype(np.float64), minlength)
    return from_host(total.astype(np.float32) if own.dtype == np.float32 else total, input)


def _range_of(values: np.ndarray[Any, Any], given: Sequence[float] | None, at: int) -> tuple[float, float]:
    if given is not None:
        low, high = float(given[2 * at]), float(given[2 * at + 1])
    elif values.shape[0] == 0:
        low, high = 0.0, 1.0
    else:
        low, high = float(values[:, at].min()), float(values[:, at].max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histogramdd: dimension {at}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {at}"
        )
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _histogram(
    input: Tensor, bins: Sequence[Any], range: Sequence[float] | None, weight: Tensor | None, density: bool, name: str
) -> tuple[Tensor, list[Tensor]]:
    """Counts (or sums of weights) of points in a grid of bins; the last bin of a dim contains its upper edge."""
    if input.dtype not in (torch.float32, torch.float64):
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{scalar_type_name(input.dtype)}'")
    values = input._host_array().reshape(-1, input.shape[-1])
    n_points, n_dims = values.shape
    if len(bins) != n_dims:
        raise RuntimeError(f"{name}: The size of bins must be equal to the innermost dimension of the input.")
    if range is not None and len(range) != 2 * n_dims:
        raise RuntimeError(
            f"torch.histogramdd: for a {n_dims}-dimensional histogram, range should have {2 * n_dims} elements, but "
            f"got {len(range)}"
        )
    edges, places, inside = [], [], np.ones(n_points, bool)
    for k, b in enumerate(bins):
        column = values[:, k]
        if isinstance(b, torch.Tensor):
            edge = b._host_array()
            if edge.ndim != 1 or edge.size < 1:
                raise RuntimeError(
                    f"torch.histogramdd: bins tensor should have one dimension, but got {edge.ndim} dimensions"
                )
            if b.dtype != input.dtype:
                raise RuntimeError(
                    "torch.histogramdd: input and bins tensors should have the same dtype, but got input with dtype "
                    f"{scalar_type_name(input.dtype)} and bins with dtype {scalar_type_name(b.dtype)} for dimension {k}"
                )
            place = np.searchsorted(edge, column, side="right") - 1
        else:
            if b <= 0:
                raise RuntimeError(f"torch.{name}(): bins must be > 0, but got {b} for dimension {k}")
            low, high = _range_of(values, range, k)
            edge = torch.linspace(low, high, b + 1, dtype=input.dtype)._host_array()
            with np.errstate(invalid="ignore"):
                guess = np.floor((column - edge[0]) * (b / (edge[-1] - edge[0])))
            place = np.clip(np.nan_to_num(guess, nan=-1), -1, b).astype(np.int64)
            lower = np.clip(place, 0, b)
            place = np.where((place > 0) & (column < edge[lower]), place - 1, place)
            place = np.where((place < b) & (column >= edge[np.clip(place + 1, 0, b)]), place + 1, place)
        place = np.where(column == edge[-1], edge.size - 2, place)
        inside &= (column >= edge[0]) & (column <= edge[-1])
        edges.append(edge)
        places.append(place)
    shape = tuple(e.size - 1 for e in edges)
    own = None if weight is None else weight._host_array().reshape(-1)[inside].astype(np.float64)
    flat = np.ravel_multi_index([p[inside] for p in places], shape) if n_points else np.zeros(0, np.int64)
    counts = np.bincount(flat, own, math.prod(shape)).reshape(shape).astype(values.dtype)
    if density:
        total = counts.sum()
        for k, e in enumerate(edges):
            counts = counts / np.diff(e).reshape([-1 if i == k else 1 for i in np.arange(n_dims)])
        counts = (counts / total).astype(values.dtype)
    return from_host(counts, input), [from_host(e.astype(values.dtype, copy=False), input) for e in edges]


@composite(method=True)
def histogram(
    input: Tensor, bins: Any = 100, *, range: Sequence[float] | None = None, weight: Tensor | None = None,
    density: bool = False, out: Any = None,
) -> Any:  # fmt: skip
    """Counts of the elements in bins (a number of equal ones, or given by edges), and the edges."""
    flat = input.detach().reshape(-1, 1)
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
            "excluding its innermost dimension"
        )
    hist, edges = _histogram(flat, [bins], range, weight, density, "histogram")
    if out is not None:
        hist, edges = into("histogram", hist, out[0]), [into("histogram", edges[0], out[1])]
    return named("histogram", hist=hist, bin_edges=edges[0])


@composite()
def histogramdd(
    input: Tensor, bins: Any, range: Sequence[float] | None = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """Counts of points (rows of the last dim) in a grid of bins, and the edges in each dim."""
    each = [bins] * input.shape[-1] if isinstance(bins, int) else list(bins)
    hist, edges = _histogram(input.detach(), each, range, weight, density, "histogramdd")
    return named("histogramdd", hist=hist, bin_edges=tuple(edges))
