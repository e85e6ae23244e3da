"""``torch._functorch``: parts of ``torch.func`` under the names that libraries use."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("apis", "make_functional", "vmap"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch._functorch' has no attribute {name!r}")
