"""What tests share that compare with PyTorch's recorded answers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load_recorder(name: str) -> ModuleType:
    """The module ``tests/recorders/name.py``, whose cases and observers a test runs on this package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "recorders" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def close(ours: object, theirs: object) -> bool:
    """Whether a program's outcome is the recorded one: numbers nearly, everything else exactly."""
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(close, ours, theirs))
    if isinstance(theirs, float):
        return ours == pytest.approx(theirs, rel=2e-3, abs=1e-5)
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
