"""Splitting arguments over devices along the batch, and joining results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch


def _device(target: Any) -> Any:
    return torch.device("cuda", target) if isinstance(target, int) else torch.device(target)


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """For each device the arguments with their tensors' parts along ``dim``; anything else is given to all."""

    def split(value: Any) -> list[Any]:
        if isinstance(value, torch.Tensor):
            parts = value.chunk(len(target_gpus), dim)
            return [p.to(_device(d)) for p, d in zip(parts, target_gpus, strict=False)]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return [type(value)(*items) for items in zip(*map(split, value), strict=False)]
        if isinstance(value, tuple) and value:
            return list(zip(*map(split, value), strict=False))
        if isinstance(value, list) and value:
            return [list(items) for items in zip(*map(split, value), strict=False)]
        if isinstance(value, dict) and value:
            return [type(value)(items) for items in zip(*map(split, value.items()), strict=False)]
        return [value for _ in target_gpus]

    return split(inputs)


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Sequence[Any], dim: int = 0) -> tuple[Any, Any]:
    """:func:`scatter` of positional and keyword arguments; both have as many entries."""
    args = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    args = [*args, *(() for _ in range(len(named) - len(args)))]
    named = [*named, *({} for _ in range(len(args) - len(named)))]
    return tuple(args), tuple(named)


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The results of several devices joined along ``dim`` on one (``-1``: the CPU)."""
    where = torch.device("cpu") if target_device in (-1, "cpu") else _device(target_device)

    def join(values: Sequence[Any]) -> Any:
        first = values[0]
        if isinstance(first, torch.Tensor):
            return torch.cat([(v[None] if v.dim() == 0 else v).to(where) for v in values], dim)
        if first is None:
            return None
        if isinstance(first, dict):
            if any(len(v) != len(first) for v in values):
                raise ValueError("All dicts must have the same number of keys")
            return type(first)((k, join([v[k] for v in values])) for k in first)
        if isinstance(first, tuple) and hasattr(first, "_fields"):
            return type(first)(*map(join, zip(*values, strict=True)))
        return type(first)(map(join, zip(*values, strict=True)))

    return join(outputs)


__all__ = ["gather", "scatter", "scatter_kwargs"]
