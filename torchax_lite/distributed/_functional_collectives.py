"""Collectives without side effects, in a world of one process."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

__all__ = [
    "all_gather_tensor",
    "all_reduce",
    "all_to_all_single",
    "all_to_all_single_autograd",
    "broadcast",
    "wait_tensor",
]


def wait_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor: nothing is under way."""
    return tensor


def all_reduce(self: torch.Tensor, reduceOp: str, group: Any, tag: str = "") -> torch.Tensor:
    """The reduction over the ranks."""
    return self.clone()


def broadcast(self: torch.Tensor, src: int, group: Any, tag: str = "") -> torch.Tensor:
    """The tensor of rank ``src``."""
    return self.clone()


def all_gather_tensor(self: torch.Tensor, gather_dim: int, group: Any, tag: str = "") -> torch.Tensor:
    """The tensors of all ranks, joined."""
    return self.clone()


def all_to_all_single(
    self: torch.Tensor, output_split_sizes: Any, input_split_sizes: Any, group: Any, tag: str = ""
) -> torch.Tensor:
    """A part of the tensor for every rank, and a part from every rank."""
    return self.clone()


all_to_all_single_autograd = all_to_all_single
