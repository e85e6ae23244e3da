"""``torch.backends.nnpack``: NNPACK is not used; XLA's own CPU code is."""

from __future__ import annotations

import sys
from typing import Any

from ._settings import changed

enabled = True


def is_available() -> bool:
    """Whether PyTorch computes with NNPACK (never)."""
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Keep a setting; returns the one before."""
    global enabled
    before, enabled = enabled, _enabled
    return (before,)


def flags(enabled: bool = False) -> Any:
    """Another setting for the length of a ``with`` block."""
    return changed(sys.modules[__name__], {"enabled": enabled})


__all__ = ["flags", "is_available", "set_flags"]
