"""The old name of :mod:`torchtext.prototype`."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("transforms", "vocab_factory"):
        warnings.warn(
            "experimental package has been moved to prototype. You may change all imports from "
            "`torchtext.experimental` to `torchtext.prototype`",
            UserWarning,
            stacklevel=2,
        )
        return importlib.import_module(f"{__name__.rpartition('.')[0]}.prototype.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
