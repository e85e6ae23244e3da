"""Embeddings whose weight gets a sparse gradient: the rows in use and what came for each, not summed.

Shapes of the gradient do not depend on the indices' values: rows that equal ``padding_idx`` stay in it as zeros that count
as absent (see :class:`~._tensor.CooTensor`), so a training step is one program for all batches.
"""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from .._generated import internal as _ops
from .._generated import torch_ops as _torch
from ..tensor.tensor import Tensor
from ._graph import pull, record
from ._tensor import coo, coo_with_padding

_NO_FREQUENCY = "embedding_backward: scale_grad_by_freq not supported with sparse gradients"


def _row_gradient(weight: Any, rows: Tensor, values: Tensor, padding_idx: int) -> Any:
    """The sparse gradient with ``values`` (n, width) at ``rows`` (n)."""
    indices = rows.to(torch.int64).unsqueeze(0)
    if padding_idx < 0:
        return coo(indices, values, weight.shape)
    ignored = rows == padding_idx
    return coo_with_padding(indices, values.masked_fill(ignored[:, None], 0), weight.shape, ignored)


def embedding(weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    """``weight[indices]``; the gradient of ``weight`` lists one row for each index."""
    out = _torch.embedding(weight.detach(), indices, padding_idx, scale_grad_by_freq)
    rows = indices.detach().reshape(-1)

    def backward(g: Tensor) -> tuple[Any]:
        if scale_grad_by_freq:
            raise RuntimeError(_NO_FREQUENCY)
        return (_row_gradient(weight, rows, g.reshape(-1, weight.shape[1]), padding_idx),)

    return record("EmbeddingBackward0", (weight,), out, backward)  # type: ignore[no-any-return]


def _owners(indices: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, int]:
    """The bag of each index (the number of bags for indices behind the last), and the number of bags."""
    if indices.ndim == 2:
        bags, length = indices.shape
        return torch.arange(bags, device=indices.device).repeat_interleave(length), bags
    assert offsets is not None
    bags = offsets.shape[0] - int(include_last_offset)
    place = torch.arange(indices.shape[0], device=indices.device)
    owner = torch.searchsorted(offsets[:bags].to(torch.int64).contiguous(), place, right=True) - 1
    if include_last_offset:
        owner = torch.where(place < offsets[-1], owner, bags)
    return owner, bags


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor | None, mode: str, per_sample_weights: Tensor | None,
    include_last_offset: bool, padding_idx: int, scale_grad_by_freq: bool,
) -> Tensor:  # fmt: skip
    """Sums or means over bags; the gradient of ``weight`` lists one row for each index."""

    def reduce(w: Tensor, samples: Any) -> Tensor:
        return _ops.embedding_bag_reduce(
            w, indices, offsets, mode, samples, include_last_offset, padding_idx, scale_grad_by_freq
        )

    with torch.no_grad():
        out = reduce(weight.detach(), per_sample_weights)
    owner, bags = _owners(indices, offsets, include_last_offset)
    rows = indices.detach().reshape(-1)

    def backward(g: Tensor) -> tuple[Any, Any]:
        if scale_grad_by_freq:
            raise RuntimeError(_NO_FREQUENCY)
        kept = rows != padding_idx if padding_idx >= 0 else torch.ones_like(rows, dtype=torch.bool)
        padded = torch.cat([g, g.new_zeros((1, g.shape[1]))])
        each = padded.index_select(0, owner)
        if mode == "mean":
            count = torch.zeros(bags + 1, dtype=g.dtype, device=g.device).index_add(0, owner, kept.to(g.dtype))
            each = each / count.clamp(min=1).index_select(0, owner)[:, None]
        samples = None
        if per_sample_weights is not None:
            each = each * per_sample_weights.detach().reshape(-1, 1)
            if per_sample_weights.requires_grad:
                samples = pull(lambda s: reduce(weight.detach(), s), (per_sample_weights,), g)[0]
        return _row_gradient(weight, rows, each, padding_idx), samples

    return record("EmbeddingBagBackward0", (weight, per_sample_weights), out, backward)  # type: ignore[no-any-return]
