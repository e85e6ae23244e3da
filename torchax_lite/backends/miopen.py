"""``torch.backends.miopen``: a setting that is kept and read back; XLA selects the algorithms."""

from __future__ import annotations

import sys
from typing import Any

from ._settings import changed

immediate = False


def flags(immediate: bool = False) -> Any:
    """Another setting for the length of a ``with`` block."""
    return changed(sys.modules[__name__], {"immediate": immediate})


__all__ = ["flags", "immediate"]
