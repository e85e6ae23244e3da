"""Declarations of ops; as ``torch.ops`` also the namespaces of operators (``torch.ops.aten``, and those of programs)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_") or (Path(__file__).parent / f"{name}.py").exists():
        raise AttributeError(f"module 'torch.ops' has no attribute '{name}'")
    if name in ("load_library", "loaded_libraries"):
        raise NotImplementedError(f"torch.ops.{name}: libraries of compiled PyTorch operators cannot be loaded")
    return importlib.import_module("torchax_lite.library").op_namespace(name)
