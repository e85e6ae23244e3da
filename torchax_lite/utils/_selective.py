"""Selective checkpointing: which ops' results a recomputed region keeps."""

from __future__ import annotations

import contextlib
import enum
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torchax_lite as torch

from ..tensor import dispatch, op_interception
from ..tensor.tensor import Tensor

__all__ = [
    "SAC_IGNORED_OPS", "CheckpointPolicy", "SelectiveCheckpointContext", "create_selective_checkpoint_contexts",
    "tensors_in",
]  # fmt: skip


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


class CheckpointPolicy(enum.Enum):
    """What becomes of an op's result in a selectively checkpointed region."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_SAVES = (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)
_OFFLOADS = (CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD)


class SelectiveCheckpointContext:
    """What a policy is told besides the op: whether this is the recomputation, and the op's result if it is known."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


SAC_IGNORED_OPS: set[Any] = set()
"""Ops that policies are not asked about: here none reach them, as questions about shapes are no ops."""


def _overload(op: Any, tensors: Sequence[Any]) -> Any:
    """The op as ``torch.ops.aten`` names what PyTorch would run."""
    base, _, overload = op.name.partition(".")
    if base == "matmul":
        base = "mm" if all(isinstance(t, Tensor) and t.dim() <= 2 for t in tensors) else "bmm"
    elif base == "scaled_dot_product_attention_masked":
        base = "_scaled_dot_product_flash_attention"
    elif base in ("softmax", "log_softmax"):
        base, overload = f"_{base}", "default"
    elif any(p.kind == "Tensor|Scalar" for p in op.tensor_params) and not overload and len(tensors) == 2:
        overload = "Tensor"
    elif not overload or overload == "scaled":
        overload = "default"
    packet = getattr(torch.ops.aten, base, None)
    return op if packet is None else getattr(packet, overload or "default")


class _SelectiveMode:
    """Context of one of the two runs: notes, or gives back, the results of the ops that the policy saves."""

    def __init__(self, policy: Callable[..., Any], cache: dict[Any, list[Any]], recompute: bool, mutable: bool) -> None:
        self.policy = policy
        self.cache = cache
        self.recompute = recompute
        self.mutable = mutable
        self.seen: dict[Any, int] = {}
        self.handler = self._recompute if recompute else self._forward

    def __enter__(self) -> _SelectiveMode:
        self.seen = defaultdict(int)
        op_interception.push(self.handler)
        return self

    def __exit__(self, *exc: object) -> None:
        op_interception.pop(self.handler)

    def _forward(self, op: Any, tensors: Any, scalars: Any, statics: Any) -> Any:
        result = dispatch.call(op, tensors, scalars, statics)
        decision = self.policy(
            SelectiveCheckpointContext(is_recompute=False, op_output=result),
            _overload(op, tensors),
            *tensors,
            *scalars,
            *statics,
        )
        if isinstance(decision, bool):
            decision = CheckpointPolicy.MUST_SAVE if decision else CheckpointPolicy.PREFER_RECOMPUTE
        if decision in _OFFLOADS:
            kept: Any = [_saved(t.cpu(), t) for t in tensors_in([result])]
        else:
            kept = [_saved(t, t) for t in tensors_in([result])] if decision in _SAVES else None
        self.cache.setdefault(op, []).append(kept)
        return result

    def _recompute(self, op: Any, tensors: Any, scalars: Any, statics: Any) -> Any:
        number = self.seen[op]
        self.seen[op] = number + 1
        entries = self.cache.get(op)
        if entries is None or number >= len(entries):
            raise RuntimeError(f"{op.name} encountered during backward, but not found in storage")
        kept = entries[number]
        result = dispatch.call(op, tensors, scalars, statics)
        if kept is None:
            return result
        for t, (node, counter, storage, device) in zip(tensors_in([result]), kept, strict=True):
            if not self.mutable and storage.counter != counter:
                raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated in place.")
            _give(t, node if device is None else dispatch.wrap(node).to(device)._sync())
        return result


def _saved(kept: Tensor, original: Tensor) -> tuple[Any, int, Any, Any]:
    device = None if kept.device == original.device else original.device
    return kept._sync(), original._storage.counter, original._storage, device


def _give(t: Tensor, node: Any) -> None:
    """Let a tensor and what its grad node saved have a known value; what would compute it is then dead code."""
    before = t._storage.node
    t._storage.node = node
    fn = t._grad_fn
    for s in getattr(fn, "saved_out", ()) or ():
        if s.node is before:
            s.node = node


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]]:
    """Contexts for ``checkpoint(..., context_fn=...)`` that keep the results of some ops.

    Args:
        policy_fn_or_list: ``policy(ctx, op, *args, **kwargs)`` returns a :class:`CheckpointPolicy` (or whether to save);
            or the list of ops whose results are kept.
        allow_cache_entry_mutation: whether kept results may have been changed in place.

    Raises:
        TypeError: neither a function nor a list. ValueError: an entry of the list that is no op.
    """
    if isinstance(policy_fn_or_list, list):
        for entry in policy_fn_or_list:
            if not (hasattr(entry, "name") and callable(entry)):
                extra = (
                    "Please update the OpOverloadPacket to a specific OpOverload. For example, if you have "
                    "`torch.ops.aten.mm`, change it to `torch.ops.aten.mm.default`."
                    if hasattr(entry, "overloads")
                    else ""
                )
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {entry} of type {type(entry)}. {extra}"
                )
        chosen = list(policy_fn_or_list)

        def policy(ctx: SelectiveCheckpointContext, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op in chosen else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    cache: dict[Any, list[Any]] = {}
    return (
        _SelectiveMode(policy, cache, False, allow_cache_entry_mutation),
        _SelectiveMode(policy, cache, True, allow_cache_entry_mutation),
    )
