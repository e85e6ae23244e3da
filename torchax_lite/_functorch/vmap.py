"""The steps of ``vmap``, which ``torch.func.vmap`` looks up here: a library may put its own in their place.

``_process_batched_inputs`` checks and flattens the arguments, ``_create_batched_inputs`` makes examples of them, and
``_unwrap_batched`` puts the results together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torchax_lite._C._functorch import (
    _add_batch_dim,
    _level,
    _remove_batch_dim,
    _vmap_decrement_nesting,
    _vmap_increment_nesting,
)
from torchax_lite.func import batching
from torchax_lite.func.pytree import Spec, unflatten
from torchax_lite.tensor.tensor import Tensor
from torchax_lite.utils._pytree import _broadcast_to_and_flatten, tree_flatten, tree_map, tree_unflatten

__all__ = [
    "Tensor", "_add_batch_dim", "_broadcast_to_and_flatten", "_create_batched_inputs", "_get_name",
    "_maybe_remove_batch_dim", "_process_batched_inputs", "_remove_batch_dim", "_unwrap_batched",
    "_vmap_decrement_nesting", "_vmap_increment_nesting", "tree_flatten", "tree_map", "tree_unflatten",
]  # fmt: skip

_get_name = batching.name_of


def _process_batched_inputs(
    in_dims: Any, args: tuple[Any, ...], func: Callable[..., Any]
) -> tuple[int, list[int | None], list[Any], Any]:
    """(batch size, mapped dim of each leaf, leaves, structure) of the arguments."""
    return batching.checked_inputs(func, in_dims, args)


def _create_batched_inputs(
    flat_in_dims: Sequence[int | None], flat_args: Sequence[Any], vmap_level: int, args_spec: Any
) -> Any:
    """The arguments as one example: each mapped leaf loses its dim."""
    level = _level(vmap_level)
    leaves = [x if d is None else batching.batched(x, d, level) for x, d in zip(flat_args, flat_in_dims, strict=True)]
    return unflatten(leaves, args_spec) if isinstance(args_spec, Spec) else tree_unflatten(leaves, args_spec)


def _unwrap_batched(
    batched_outputs: Any, out_dims: Any, vmap_level: int, batch_size: int, func: Callable[..., Any]
) -> Any:
    """The results with their batch dims at ``out_dims``."""
    return batching.checked_outputs(func, batched_outputs, out_dims, _level(vmap_level))


def _maybe_remove_batch_dim(
    name: str, batched_output: Any, vmap_level: int, batch_size: int, out_dim: int | None
) -> Any:
    """One result with its batch dim at ``out_dim``; None is for a result that is no batch.

    Raises:
        ValueError: the result is no tensor, or it is a batch where none was expected.
    """
    return batching.without_batch_dim(name, batched_output, _level(vmap_level), out_dim)
