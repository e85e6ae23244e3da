"""The interface of torchtext up to 0.8, under the name that 0.9 to 0.11 have for it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["data", "datasets", "vocab"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
