"""Imports every op family, so that the registry is complete."""

from __future__ import annotations

import importlib
from pathlib import Path

_NOT_FAMILIES = {"__init__", "registry", "schema", "lowering", "samples", "families", "common", "exact", "generate"}


def family_names() -> list[str]:
    """Module names of the families, sorted."""
    return sorted(f.stem for f in Path(__file__).parent.glob("*.py") if f.stem not in _NOT_FAMILIES)


ALIASES: dict[str, str] = {}
"""Other names of ops: new public name (``absolute``, ``special.erf``) -> base name of the op."""

for _name in family_names():
    _module = importlib.import_module(f".{_name}", __package__)
    ALIASES.update(getattr(_module, "ALIASES", {}))
