"""Helpers around tensors and modules: ``hooks`` (hook handles) and ``data`` (datasets and loaders).

Submodules that need the finished core are imported when first asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_LAZY = ("data", "hooks")


def __getattr__(name: str) -> ModuleType:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
