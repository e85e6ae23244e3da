"""Collectives that gradients pass through. In a world of one process each hands over what it was given."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from .. import _groups

__all__ = [
    "all_gather", "all_reduce", "all_to_all", "all_to_all_single", "broadcast", "gather", "reduce", "reduce_scatter", "scatter",
]  # fmt: skip


def _check(group: Any) -> None:
    if group is None:
        _groups._get_default_group()


def broadcast(tensor: torch.Tensor, src: int, group: Any = None) -> torch.Tensor:
    """The tensor of rank ``src``."""
    _check(group)
    return tensor.clone()


def reduce(tensor: torch.Tensor, dst: int, op: Any = None, group: Any = None) -> torch.Tensor:
    """The reduction over the ranks, on rank ``dst``."""
    _check(group)
    return tensor.clone()


def all_reduce(tensor: torch.Tensor, op: Any = None, group: Any = None) -> torch.Tensor:
    """The reduction over the ranks."""
    _check(group)
    return tensor.clone()


def gather(tensor: torch.Tensor, dst: int = 0, group: Any = None) -> tuple[torch.Tensor, ...]:
    """The tensors of all ranks, on rank ``dst``."""
    _check(group)
    return (tensor.clone(),)


def all_gather(tensor: torch.Tensor, group: Any = None) -> tuple[torch.Tensor, ...]:
    """The tensors of all ranks."""
    _check(group)
    return (tensor.clone(),)


def scatter(tensors: list[torch.Tensor], src: int = 0, group: Any = None) -> torch.Tensor:
    """This rank's tensor of the list that rank ``src`` has."""
    _check(group)
    (only,) = tensors
    return only.clone()


def reduce_scatter(
    output: torch.Tensor, input_list: list[torch.Tensor], op: Any = None, group: Any = None
) -> torch.Tensor:
    """This rank's part of the reduction of lists."""
    _check(group)
    (only,) = input_list
    return output.copy_(only)


def all_to_all(
    output_tensor_list: list[torch.Tensor], input_tensor_list: list[torch.Tensor], group: Any = None
) -> tuple[torch.Tensor, ...]:
    """One tensor for every rank, and one from every rank."""
    _check(group)
    return tuple(out.copy_(given) for out, given in zip(output_tensor_list, input_tensor_list, strict=True))


def all_to_all_single(
    output: torch.Tensor, input: torch.Tensor, output_split_sizes: Any = None, input_split_sizes: Any = None,
    group: Any = None,
) -> torch.Tensor:  # fmt: skip
    """A part of the tensor for every rank, and a part from every rank."""
    _check(group)
    return output.copy_(input)
