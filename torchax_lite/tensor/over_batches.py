"""Samplers that also work while function transforms run; loads nothing until one does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .modes import modes


def over_batches(core: int | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a sampler whose parameters are tensors work under transforms.

    Args:
        core: how many dims of its input one draw takes; None for a sampler that works element by element.
    """

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not modes.transforms:
                return fn(*args, **kwargs)
            from .batched_draws import sample

            return sample(fn, args, kwargs, core)

        return wrapped

    return decorate


__all__ = ["over_batches"]
