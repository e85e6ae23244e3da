"""Functions of the ``torch`` namespace that return what normalisation layers save, and others without a public form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from .registry import composite, into_all

if TYPE_CHECKING:
    from torchax_lite import Tensor


def _moments(x: Tensor, dims: list[int], eps: float) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal standard deviation, the reduced dims kept."""
    mean = x.mean(dims, keepdim=True)
    return mean, ((x - mean).square().mean(dims, keepdim=True) + eps).rsqrt()


@composite()
def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.layer_norm`` with the mean and the reciprocal standard deviation of each row."""
    result = torch.nn.functional.layer_norm(input, normalized_shape, weight, bias, eps)
    wide = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
    mean, rstd = _moments(wide, list(range(input.ndim - len(normalized_shape), input.ndim)), eps)
    kind = wide.dtype if weight is not None and weight.dtype == torch.float32 else input.dtype
    return result, mean.detach().to(kind), rstd.detach().to(kind)


@composite()
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.group_norm`` with the mean and the reciprocal standard deviation of each group, (N, group)."""
    result = torch.nn.functional.group_norm(input, group, weight, bias, eps)
    wide = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
    mean, rstd = _moments(wide.reshape(N, group, C // group * HxW), [-1], eps)
    kind = wide.dtype if weight is not None and weight.dtype == torch.float32 else input.dtype
    return result, mean.squeeze(-1).to(kind), rstd.squeeze(-1).to(kind)


@composite()
def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, *, out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """``nn.functional.batch_norm`` with the batch's mean and reciprocal standard deviation (empty in evaluation)."""
    result = torch.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, False)
    wide = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
    mean = rstd = wide.new_empty(0)
    if training:
        mean, rstd = (m.detach().reshape(-1) for m in _moments(wide, [0, *range(2, input.ndim)], eps))
    mixed = next((t.dtype for t in (weight, running_mean) if t is not None and t.dtype != input.dtype), None)
    saved = [t if mixed else t.to(input.dtype) for t in (mean, rstd)]
    return into_all("native_batch_norm", (result, *saved), out)  # type: ignore[no-any-return]


@composite()
def _native_batch_norm_legit(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, *args: Any, out: Sequence[Tensor] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`native_batch_norm`; the running statistics may be left out altogether."""
    statistics = args[:2] if len(args) == 5 else (None, None)
    training, momentum, eps = args[-3:]
    results = native_batch_norm(input, weight, bias, *statistics, training, momentum, eps)
    return into_all("_native_batch_norm_legit", results, out)  # type: ignore[no-any-return]


@composite()
def _chunk_cat(tensors: Sequence[Tensor], dim: int, num_chunks: int, *, out: Tensor | None = None) -> Tensor:
    """Tensors padded along ``dim`` to a multiple of ``num_chunks``, cut in chunks, flattened from there, and joined."""
    if not tensors:
        raise RuntimeError("_chunk_cat expects a non-empty input tensor list")
    if num_chunks < 1:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    first = tensors[0]
    at = dim + first.ndim if dim < 0 else dim
    if any(not t.numel() for t in tensors):
        raise RuntimeError("_chunk_cat expects non-empty tensor")
    if any(t.dtype != first.dtype for t in tensors):
        raise RuntimeError("_chunk_cat expects all input tensors with the same dtype")
    if dim < 0 and any(t.ndim != first.ndim for t in tensors):
        raise RuntimeError("_chunk_cat expects non-negative dim when input tensors have different ndims")
    if any(t.ndim <= at for t in tensors):
        raise RuntimeError("_chunk_cat expects dim < ndim for all input tensors")
    if any(t.shape[:at] != first.shape[:at] for t in tensors):
        raise RuntimeError("_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors")
    parts = []
    for t in tensors:
        lead, size, rest = t.shape[:at], t.shape[at], math.prod(t.shape[at + 1 :])
        chunk = -(-size // num_chunks)
        flat = t.reshape(*lead, size * rest)
        padded = torch.nn.functional.pad(flat, (0, (chunk * num_chunks - size) * rest))
        parts.append(padded.reshape(*lead, num_chunks, chunk * rest))
    return torch.cat(parts, -1) if out is None else torch.cat(parts, -1, out=out)


def _kept_inside(self: Tensor, mask: Tensor, indices: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """Indices that are valid everywhere: 0 where the mask is false."""
    return tuple(slice(None) if i is None else torch.where(mask, i, torch.zeros_like(i)) for i in indices)


@composite()
def _unsafe_masked_index(self: Tensor, mask: Tensor, indices: Sequence[Tensor | None], fill: Any) -> Tensor:
    """``self[indices]`` where the mask holds (only there the indices need be valid), ``fill`` elsewhere."""
    return self[_kept_inside(self, mask, indices)].masked_fill(~mask, fill)


@composite()
def _unsafe_masked_index_put_accumulate(
    self: Tensor, mask: Tensor, indices: Sequence[Tensor | None], values: Tensor
) -> Tensor:
    """``self`` with the values added at the indices where the mask holds."""
    return self.index_put(_kept_inside(self, mask, indices), values.masked_fill(~mask, 0), accumulate=True)  # type: ignore[no-any-return]


@composite()
def _segment_reduce(
    data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False, initial: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`torch.segment_reduce` by its older name."""
    return torch.segment_reduce(  # type: ignore[no-any-return]
        data, reduce, lengths=lengths, indices=indices, offsets=offsets, axis=axis, unsafe=unsafe, initial=initial
    )
