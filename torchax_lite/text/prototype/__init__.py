"""What torchtext tried out: transforms and vocabularies by factories."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["transforms"]


def __getattr__(name: str) -> Any:
    if name in ("generate", "transforms", "vocab_factory"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
