"""``torch.backends.opt_einsum``: JAX finds the order of contractions with opt_einsum; the settings are kept."""

from __future__ import annotations

import sys
from typing import Any

from ._settings import changed

enabled = True
strategy: str | None = "auto"


def is_available() -> bool:
    """Whether the package opt_einsum is installed (JAX needs it)."""
    import importlib.util

    return importlib.util.find_spec("opt_einsum") is not None


def get_opt_einsum() -> Any:
    """The package opt_einsum; None where it is not installed."""
    if not is_available():
        return None
    import opt_einsum  # type: ignore[import-untyped]

    return opt_einsum


def flags(enabled: bool | None = None, strategy: str | None = None) -> Any:
    """Other settings for the length of a ``with`` block."""
    here = sys.modules[__name__]
    return changed(here, {k: v for k, v in {"enabled": enabled, "strategy": strategy}.items() if v is not None})


__all__ = ["enabled", "flags", "get_opt_einsum", "is_available", "strategy"]
