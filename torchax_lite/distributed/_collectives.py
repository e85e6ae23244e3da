"""Collectives in a world of one: copies, or nothing at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch

from ._groups import RedOpType, ReduceOp, Work, _group, _several

Tensor = torch.Tensor


def _check_tensor(value: Any, name: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor\n"
            f"             but got {type(value)} instead."
        )


def _check_list(values: Any, name: str) -> None:
    if not isinstance(values, (list, tuple)) or not all(isinstance(t, Tensor) for t in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]\n"
            f"             but got {type(values)} with elements of type {[type(v) for v in values]}."
        )


def _same_dtype(*tensors: Any) -> None:
    found = [t.dtype for t in tensors]
    for d in found[1:]:
        if d != found[0]:
            raise ValueError(f"Invalid usage of tensors with different dtypesFound {found[0]} and  {d}")


def _check_op(op: Any, tensor: Tensor) -> None:
    kind = op.op if isinstance(op, ReduceOp) else op
    if not isinstance(kind, RedOpType):
        raise TypeError(f"Invalid reduce operation: {op!r}")
    if kind in (RedOpType.BAND, RedOpType.BOR, RedOpType.BXOR) and (tensor.is_floating_point() or tensor.is_complex()):
        raise RuntimeError(f"Cannot use ReduceOp.{kind.name} with non-integral dtype")
    if kind is RedOpType.PREMUL_SUM and not isinstance(op, ReduceOp):
        raise TypeError("ReduceOp.PREMUL_SUM needs a factor")


def _check_root(rank: int | None, group_rank: int | None, what: str) -> None:
    if rank is None and group_rank is None:
        raise ValueError("Must specify global_rank or group_rank")
    if rank is not None and group_rank is not None:
        raise ValueError("Can't specify both group_rank and global_rank")
    chosen = rank if rank is not None else group_rank
    if chosen != 0:
        raise RuntimeError(f"{what}: invalid root rank: {chosen}")


def _done(result: Any, async_op: bool) -> Work | None:
    return Work(result) if async_op else None


def _fill(output: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        output.copy_(value.reshape(output.shape))


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Reduce a tensor over all processes in place: with one process it stays (``PREMUL_SUM`` multiplies)."""
    _check_tensor(tensor, "tensor")
    _group(group)
    _check_op(op, tensor)
    if isinstance(op, ReduceOp) and op.op is RedOpType.PREMUL_SUM:
        with torch.no_grad():
            tensor.mul_(op.factor)
    return _done([tensor], async_op)


def all_reduce_coalesced(
    tensors: Sequence[Tensor], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """:func:`all_reduce` of several tensors."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    _check_list(tensors, "tensor")
    for t in tensors:
        all_reduce(t, op, group)
    return _done(tensors, async_op)


def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """Give all processes the tensor of one: it stays."""
    _check_tensor(tensor, "tensor")
    _group(group)
    _check_root(src, group_src, "ProcessGroupGloo::broadcast")
    return _done([tensor], async_op)


def reduce(
    tensor: Tensor, dst: int | None = None, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """Reduce a tensor over all processes to one."""
    _check_tensor(tensor, "tensor")
    _group(group)
    _check_root(dst, group_dst, "ProcessGroupGloo::reduce")
    return all_reduce(tensor, op, group, async_op)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """All processes' tensors into a list of tensors."""
    _check_list(tensor_list, "tensor_list")
    _check_tensor(tensor, "tensor")
    _group(group)
    _same_dtype(*tensor_list, tensor)
    if len(tensor_list) != 1:
        raise RuntimeError(
            "ProcessGroupGloo::allgather: invalid output tensor list at index 0 (expected length 1, got "
            f"{len(tensor_list)})"
        )
    if tensor_list[0].shape != tensor.shape:
        raise RuntimeError(
            f"ProcessGroupGloo::allgather: invalid tensor size at index 0 (expected ({_sizes(tensor)}), got "
            f"({_sizes(tensor_list[0])}))"
        )
    _fill(tensor_list[0], tensor)
    return _done(tensor_list, async_op)


def _sizes(t: Tensor) -> str:
    return ", ".join(map(str, t.shape))


def all_gather_coalesced(
    output_tensor_lists: list[list[Tensor]], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """:func:`all_gather` of several tensors."""
    _check_list(input_tensor_list, "tensor_list")
    for outputs in output_tensor_lists:
        for o, t in zip(outputs, input_tensor_list, strict=True):
            _fill(o, t)
    return _done(None, async_op)


def all_gather_single(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """All processes' tensors one after another into one tensor."""
    _check_tensor(output_tensor, "output_tensor")
    _check_tensor(input_tensor, "input_tensor")
    _group(group)
    _same_dtype(output_tensor, input_tensor)
    _same_size(output_tensor, input_tensor, "all_gather_single")
    _fill(output_tensor, input_tensor)
    return _done([output_tensor], async_op)


def _same_size(output: Tensor, input: Tensor, name: str) -> None:
    if output.numel() != input.numel():
        raise ValueError(f"{name}: output tensor size must be equal to world_size times input tensor size")


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Old name of :func:`all_gather_single`."""
    _renamed("all_gather_into_tensor", "all_gather_single")
    return all_gather_single(output_tensor, input_tensor, group, async_op)


def _renamed(old: str, new: str) -> None:
    text = f"`torch.distributed.{old}` is deprecated. Please use `torch.distributed.{new}` instead."
    warnings.warn(text, FutureWarning, stacklevel=3)


def gather(
    tensor: Tensor, gather_list: list[Tensor] | None = None, dst: int | None = None, group: Any = None,
    async_op: bool = False, group_dst: int | None = None,
) -> Work | None:  # fmt: skip
    """All processes' tensors into a list of one process."""
    _check_tensor(tensor, "tensor")
    _group(group)
    _check_root(0 if dst is None and group_dst is None else dst, group_dst, "ProcessGroupGloo::gather")
    if not gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    return all_gather(gather_list, tensor, group, async_op)


def scatter(
    tensor: Tensor, scatter_list: list[Tensor] | None = None, src: int | None = None, group: Any = None,
    async_op: bool = False, group_src: int | None = None,
) -> Work | None:  # fmt: skip
    """Give each process its tensor of a list of one process."""
    _check_tensor(tensor, "tensor")
    _group(group)
    _check_root(0 if src is None and group_src is None else src, group_src, "ProcessGroupGloo::scatter")
    if not scatter_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _same_dtype(tensor, *scatter_list)
    _fill(tensor, scatter_list[0])
    return _done([tensor], async_op)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce each tensor of a list over all processes; each process gets one of them."""
    _check_tensor(output, "output")
    _check_list(input_list, "input_list")
    _group(group)
    _same_dtype(output, *input_list)
    _check_op(op, output)
    _fill(output, _scaled(input_list[0], op))
    return _done([output], async_op)


def _scaled(t: Tensor, op: Any) -> Tensor:
    return t * op.factor if isinstance(op, ReduceOp) and op.op is RedOpType.PREMUL_SUM else t


def reduce_scatter_single(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce a tensor over all processes; each process gets a part of it."""
    _check_tensor(output, "output")
    _check_tensor(input, "input")
    _group(group)
    _same_size(output, input, "reduce_scatter_single")
    return reduce_scatter(output, [input], op, group, async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Old name of :func:`reduce_scatter_single`."""
    _renamed("reduce_scatter_tensor", "reduce_scatter_single")
    return reduce_scatter_single(output, input, op, group, async_op)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """Each process gets one tensor from each."""
    _check_list(output_tensor_list, "output_tensor_list")
    _check_list(input_tensor_list, "input_tensor_list")
    _group(group)
    for o, t in zip(output_tensor_list, input_tensor_list, strict=True):
        _fill(o, t)
    return _done(output_tensor_list, async_op)


def all_to_all_single(
    output: Tensor, input: Tensor, output_split_sizes: Any = None, input_split_sizes: Any = None, group: Any = None,
    async_op: bool = False,
) -> Work | None:  # fmt: skip
    """Each process gets one part of each process's tensor."""
    _check_tensor(output, "output")
    _check_tensor(input, "input")
    _group(group)
    _fill(output, input)
    return _done([output], async_op)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None) -> Work | None:
    """Wait for all processes."""
    _group(group)
    return _done(None, async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Wait for all processes."""
    _group(group)


# -- objects -----------------------------------------------------------------------------------------------------------


def _copied(obj: Any) -> Any:
    import pickle

    return pickle.loads(pickle.dumps(obj))


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """All processes' objects (pickled) into a list."""
    _group(group)
    object_list[0] = _copied(obj)


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """All processes' objects (pickled) into a list of one process."""
    _group(group)
    if not object_gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    object_gather_list[0] = _copied(obj)


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """Give all processes the objects of one."""
    _group(group)
    _check_root(0 if src is None and group_src is None else src, group_src, "broadcast_object_list")
    object_list[:] = _copied(object_list)


def scatter_object_list(
    scatter_object_output_list: list[Any], scatter_object_input_list: list[Any] | None = None, src: int | None = None,
    group: Any = None, group_src: int | None = None,
) -> None:  # fmt: skip
    """Give each process its object of a list of one process."""
    _group(group)
    if not isinstance(scatter_object_output_list, list) or len(scatter_object_output_list) < 1:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at least 1.")
    if not scatter_object_input_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    scatter_object_output_list[0] = _copied(scatter_object_input_list[0])


# -- point to point ----------------------------------------------------------------------------------------------------


def _alone(name: str, peer: int | None) -> Exception:
    _group(None)
    if peer == 0 and name in ("send", "isend"):
        return ValueError(
            "Invalid destination rank: destination rank should not be the same as the rank of the current process."
        )
    if peer == 0:
        return ValueError("Invalid source rank: source rank should not be the same as the rank of the current process.")
    return _several(f"torch.distributed.{name}")


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> None:
    """There is nobody to send to."""
    raise _alone("send", dst if dst is not None else group_dst)


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> int:
    """There is nobody to receive from."""
    raise _alone("recv", src if src is not None else group_src)


def isend(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> Any:
    """There is nobody to send to."""
    raise _alone("isend", dst if dst is not None else group_dst)


def irecv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> Any:
    """There is nobody to receive from."""
    raise _alone("irecv", src if src is not None else group_src)


def send_object_list(*args: Any, **kwargs: Any) -> None:
    """There is nobody to send to."""
    raise _alone("send_object_list", kwargs.get("dst"))


def recv_object_list(*args: Any, **kwargs: Any) -> int:
    """There is nobody to receive from."""
    raise _alone("recv_object_list", kwargs.get("src"))


class P2POp:
    """A message for :func:`batch_isend_irecv`."""

    def __init__(
        self, op: Any, tensor: Tensor, peer: int | None = None, group: Any = None, tag: int = 0,
        group_peer: int | None = None,
    ) -> None:  # fmt: skip
        if op not in (isend, irecv):
            raise ValueError(
                "Invalid ``op``. Expected ``op`` to be of type ``torch.distributed.isend`` or ``torch.distributed.irecv``."
            )
        self.op, self.tensor, self.peer, self.group, self.tag, self.group_peer = (
            op,
            tensor,
            peer,
            group,
            tag,
            group_peer,
        )


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """There is nobody to exchange messages with."""
    if not p2p_op_list:
        raise ValueError("p2p_op_list must not be empty")
    return [p.op(p.tensor, p.peer, p.group, p.tag) for p in p2p_op_list]


__all__ = [
    "P2POp", "all_gather", "all_gather_coalesced", "all_gather_into_tensor", "all_gather_object", "all_gather_single",
    "all_reduce", "all_reduce_coalesced", "all_to_all", "all_to_all_single", "barrier", "batch_isend_irecv",
    "broadcast", "broadcast_object_list", "gather", "gather_object", "irecv", "isend", "monitored_barrier", "recv",
    "recv_object_list", "reduce", "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor", "scatter",
    "scatter_object_list", "send", "send_object_list",
]  # fmt: skip
