"""``gather`` whose gradient lists the places that were read."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from .._generated import torch_ops as _torch
from ..tensor.tensor import Tensor
from ._graph import record, with_pattern
from ._tensor import coo


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """``gather`` along ``dim``; the gradient of ``input`` is a COO tensor with one entry for each index, not summed."""
    out = _torch.gather(input.detach(), dim, index)
    shape = tuple(input.shape)

    def backward(g: Tensor) -> tuple[Any]:
        values = g.reshape(-1)
        pattern = coo(_coordinates(index, dim, len(shape), tuple(g.shape)), values.detach(), shape)
        return (with_pattern(pattern, values),)

    return record("GatherBackward0", (input,), out, backward)  # type: ignore[no-any-return]


def _coordinates(index: Tensor, dim: int, ndim: int, shape: tuple[int, ...]) -> Tensor:
    """Where in ``input`` each element of the result came from (dims of the input, elements)."""
    at = dim % max(ndim, 1)
    flat = index.reshape(-1).to(torch.int64)
    rows = []
    for d in range(ndim):
        if d == at or not shape:
            rows.append(flat)
            continue
        sizes = [1] * len(shape)
        sizes[d] = shape[d]
        rows.append(torch.arange(shape[d], device=index.device).reshape(sizes).expand(shape).reshape(-1))
    return torch.stack(rows) if rows else torch.empty((0, flat.numel()), dtype=torch.int64, device=index.device)
