"""What ``import torchtext`` means here: tokenizers, vocabularies, transforms, datasets from local files, classic fields."""

from __future__ import annotations

import importlib
from typing import Any

from ..dropin import VERSIONS as _VERSIONS
from . import data, functional, utils, vocab

__version__ = _VERSIONS["torchtext"]

_LAZY = ("datasets", "experimental", "legacy", "models", "nn", "prototype", "transforms")

__all__ = [
    "data",
    "datasets",
    "experimental",
    "functional",
    "models",
    "nn",
    "prototype",
    "transforms",
    "utils",
    "vocab",
]


def disable_torchtext_deprecation_warning() -> None:
    """Nothing: there is no such warning here."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "_CACHE_DIR":
        return utils.cache_dir()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
