"""``functionalize``: programs here have no mutation to remove."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` itself: every op is recorded as a pure one, whatever the program writes in place.

    Args:
        remove: ``"mutations"`` or ``"mutations_and_views"``; both hold already.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            "functionalize(f, remove='mutations'): received invalid argument for remove=. Valid options are:\n"
            '     remove="mutations": all inplace and out= operators will be removed from the program, and replaced with '
            'their out-of-place equivalents.\n     remove="mutations_and_views": In addition to the above, all aliasing '
            "operators {view} will be replaced with their non-aliasing counterparts, {view}_copy.\n"
        )

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped


__all__ = ["functionalize"]
