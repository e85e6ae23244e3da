"""``torch._C._functorch``: what tensors inside function transforms are, and the steps of ``vmap`` one by one.

Levels are numbered from 1, the outermost transform first. The batch dim of what a batched tensor holds is always its
first. ``grad`` has no tensors of its own (its levels share the tape), so a tensor that requires gradients counts as
tracked while one runs.
"""

from __future__ import annotations

from typing import Any

from ..tensor import transforms
from ..tensor.modes import modes
from ..tensor.tensor import Tensor

__all__ = [
    "current_level", "get_unwrapped", "is_batchedtensor", "is_functorch_wrapped_tensor", "is_gradtrackingtensor",
    "is_legacy_batchedtensor", "maybe_current_level", "maybe_get_bdim", "maybe_get_level",
]  # fmt: skip


def _wrapped(t: Any) -> tuple[transforms.TransformPlace, Any, Any] | None:
    """(place, tensor below, batch or tangent) of the innermost transform that a tensor is part of; None for others."""
    if not isinstance(t, Tensor):
        return None
    while isinstance(where := getattr(t._aval, "place", None), transforms.TransformPlace):
        below, extra = transforms.held_of(t._sync())
        if extra is not None and extra is not False:
            return where, below, extra
        t = below
    return None


def is_batchedtensor(tensor: Any) -> bool:
    """Whether a tensor is one example of a batch of ``vmap``."""
    found = _wrapped(tensor)
    return found is not None and found[0].level_kind == transforms.BATCH


def is_gradtrackingtensor(tensor: Any) -> bool:
    """Whether a tensor is tracked by ``jvp`` (it has a tangent) or by ``grad``."""
    found = _wrapped(tensor)
    if found is not None:
        return found[0].level_kind == transforms.DUAL
    return isinstance(tensor, Tensor) and modes.grad_scopes > 0 and tensor.requires_grad


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Whether a transform tracks a tensor."""
    return is_batchedtensor(tensor) or is_gradtrackingtensor(tensor)


def is_legacy_batchedtensor(tensor: Any) -> bool:
    """False: the first ``vmap`` of PyTorch is not here."""
    return False


def is_functionaltensor(tensor: Any) -> bool:
    """False: ``functionalize`` wraps nothing."""
    return False


def get_unwrapped(tensor: Any) -> Tensor:
    """What a tracked tensor holds: the whole batch with its dim in front, or the value without its tangent.

    Raises:
        RuntimeError: no transform tracks the tensor.
    """
    found = _wrapped(tensor)
    if found is None:
        raise RuntimeError("No wrappers present!")
    return found[1]  # type: ignore[no-any-return]


def maybe_get_bdim(tensor: Any) -> int:
    """The batch dim of what a batched tensor holds, which is 0; -1 for other tensors."""
    return 0 if is_batchedtensor(tensor) else -1


def maybe_get_level(tensor: Any) -> int:
    """The number of the transform that a tensor is part of; -1 where there is none."""
    found = _wrapped(tensor)
    return -1 if found is None else found[0].depth


def maybe_current_level() -> int | None:
    """The number of the innermost transform that runs; None where none does."""
    return len(modes.transforms) or None


def current_level() -> int:
    """The number of the innermost transform that runs.

    Raises:
        RuntimeError: none does.
    """
    found = maybe_current_level()
    if found is None:
        raise RuntimeError("no function transform is running")
    return found


# -- steps of vmap -----------------------------------------------------------------------------------------------------


def _level(number: int) -> transforms.Level:
    if not 0 < number <= len(modes.transforms) or modes.transforms[number - 1].kind != transforms.BATCH:
        raise RuntimeError(f"there is no vmap at level {number}")
    return modes.transforms[number - 1]  # type: ignore[no-any-return]


def _vmap_increment_nesting(batch_size: int, randomness: str) -> int:
    """Begin a level of ``vmap``; returns its number."""
    return transforms.Level(transforms.BATCH, batch_size, randomness).__enter__().depth


def _vmap_decrement_nesting() -> int:
    """End the innermost level of ``vmap``; returns the number it had."""
    number = len(modes.transforms)
    _level(number).__exit__()
    return number


def _add_batch_dim(tensor: Tensor, in_dim: int, level: int) -> Tensor:
    """A tensor as one example of a level: dim ``in_dim`` is the batch."""
    from ..func.batching import batched

    return batched(tensor, in_dim % tensor.ndim, _level(level))  # type: ignore[no-any-return]


def _remove_batch_dim(tensor: Tensor, level: int, batch_size: int, out_dim: int) -> Tensor:
    """The whole batch of one example of a level, its dim at ``out_dim``; what is no batch is repeated."""
    from ..func.batching import unbatched

    return unbatched(tensor, _level(level), out_dim)  # type: ignore[no-any-return]
