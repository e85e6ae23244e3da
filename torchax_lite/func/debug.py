"""A look at what the tensors inside transforms hold."""

from __future__ import annotations

from typing import Any

from ..tensor import transforms
from ..tensor.tensor import Tensor


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Any:
    """The tensor below a tensor of a transform: the whole batch under ``vmap``, the primal under ``jvp``.

    Args:
        recurse: go down to the tensor outside all transforms; otherwise one level.
    """
    t: Any = tensor
    while isinstance(t._aval.place, transforms.TransformPlace):
        t = transforms.held_of(t._sync())[0]
        if not recurse:
            break
    return t


__all__ = ["debug_unwrap"]
