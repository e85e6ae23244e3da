"""Copies and sums across devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch

__all__ = ["broadcast", "broadcast_coalesced", "gather", "reduce_add", "reduce_add_coalesced", "scatter"]


def _place(device: Any) -> Any:
    return torch.device("cuda", device) if isinstance(device, int) else torch.device(device)


def broadcast(tensor: Any, devices: Sequence[Any] | None = None, *, out: Sequence[Any] | None = None) -> Any:
    """A tensor on each of several devices, or copied into ``out``; exactly one of the two is given."""
    if (devices is None) == (out is None):
        raise RuntimeError(
            f"Exactly one of 'devices' and 'out' must be specified, but got devices={devices} and out={out}"
        )
    if out is not None:
        for o in out:
            o.copy_(tensor)
        return tuple(out)
    return tuple(tensor.to(_place(d)) for d in devices or ())


def broadcast_coalesced(tensors: Sequence[Any], devices: Sequence[Any], buffer_size: int = 10485760) -> Any:
    """Several tensors on each of several devices: one list of tensors a device."""
    return [[t.to(_place(d)) for t in tensors] for d in devices]


def reduce_add(inputs: Sequence[Any], destination: Any = None) -> Any:
    """The sum of tensors of one shape from several devices, on ``destination`` (the first one's device)."""
    if len({tuple(t.shape) for t in inputs}) > 1:
        raise ValueError("input tensors must have the same shape")
    where = inputs[0].device if destination is None else _place(destination)
    total = inputs[0].to(where)
    for t in inputs[1:]:
        total = total + t.to(where)
    return total


def reduce_add_coalesced(inputs: Sequence[Sequence[Any]], destination: Any = None, buffer_size: int = 10485760) -> Any:
    """:func:`reduce_add` of each column of a list of lists."""
    return tuple(reduce_add(column, destination) for column in zip(*inputs, strict=True))


def scatter(
    tensor: Any, devices: Sequence[Any] | None = None, chunk_sizes: Sequence[int] | None = None, dim: int = 0,
    streams: Any = None, *, out: Sequence[Any] | None = None,
) -> Any:  # fmt: skip
    """The parts of a tensor along ``dim``, one a device."""
    if out is not None:
        if devices is not None or chunk_sizes is not None:
            raise RuntimeError("'devices' and 'chunk_sizes' must not be specified when 'out' is specified")
        for o, part in zip(out, tensor.split([o.shape[dim] for o in out], dim), strict=True):
            o.copy_(part)
        return tuple(out)
    parts = tensor.chunk(len(devices or ()), dim) if chunk_sizes is None else tensor.split(list(chunk_sizes), dim)
    return tuple(part.to(_place(d)) for part, d in zip(parts, devices or (), strict=False))


def gather(tensors: Sequence[Any], dim: int = 0, destination: Any = None, *, out: Any = None) -> Any:
    """Tensors from several devices one after another along ``dim``, on ``destination`` (the first one's device)."""
    if out is not None:
        return out.copy_(torch.cat([t.to(out.device) for t in tensors], dim))
    where = tensors[0].device if destination is None else _place(destination)
    return torch.cat([t.to(where) for t in tensors], dim)
