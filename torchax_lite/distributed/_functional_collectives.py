"""Collectives without side effects, in a world of one process."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ._groups import _several

__all__ = [
    "AsyncCollectiveTensor", "all_gather_into_tensor_coalesced", "all_gather_single", "all_gather_tensor",
    "all_gather_tensor_autograd", "all_reduce", "all_reduce_coalesced", "all_to_all_single",
    "all_to_all_single_autograd", "broadcast", "permute_tensor", "reduce_scatter_single", "reduce_scatter_tensor",
    "reduce_scatter_tensor_autograd", "reduce_scatter_tensor_coalesced", "wait_tensor",
]  # fmt: skip


class AsyncCollectiveTensor(torch.Tensor):
    """A tensor on its way; there are no instances, as every collective is done when it is started."""

    def __new__(cls, elem: torch.Tensor) -> Any:  # type: ignore[misc]
        raise _several("torch.distributed._functional_collectives.AsyncCollectiveTensor")


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
all_gather_tensor_autograd = all_gather_single = all_gather_single_autograd = all_gather_tensor


def all_reduce_coalesced(self: list[torch.Tensor], reduceOp: str, group: Any, tag: str = "") -> list[torch.Tensor]:
    """:func:`all_reduce` of each tensor."""
    return [t.clone() for t in self]


def all_gather_into_tensor_coalesced(self: list[torch.Tensor], group: Any, tag: str = "") -> list[torch.Tensor]:
    """:func:`all_gather_tensor` of each tensor."""
    return [t.clone() for t in self]


def reduce_scatter_tensor(
    self: torch.Tensor, reduceOp: str, scatter_dim: int, group: Any, tag: str = ""
) -> torch.Tensor:
    """This rank's part of the reduction over the ranks."""
    return self.clone()


reduce_scatter_tensor_autograd = reduce_scatter_single = reduce_scatter_single_autograd = reduce_scatter_tensor


def reduce_scatter_tensor_coalesced(
    inputs: list[torch.Tensor], reduceOp: str, scatter_dim: list[int], group: Any, tag: str = ""
) -> list[torch.Tensor]:
    """:func:`reduce_scatter_tensor` of each tensor."""
    return [t.clone() for t in inputs]


def permute_tensor(self: torch.Tensor, src_dst: list[int], group: Any, tag: str = "") -> torch.Tensor:
    """The tensor of the rank that sends to this one: of the only one.

    Args:
        src_dst: to which rank each rank sends.

    Raises:
        ValueError: it is no permutation of the ranks.
    """
    if list(src_dst) != [0]:
        raise ValueError(f"src_dst {list(src_dst)} is no permutation of the ranks [0]")
    return self.clone()
