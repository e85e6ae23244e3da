"""Helpers around tensors and modules: ``hooks`` (hook handles) and ``data`` (datasets and loaders).

Submodules that need the finished core are imported when first asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_LAZY = (
    "_pytree", "backend_registration", "benchmark", "checkpoint", "collect_env", "cpp_extension", "data", "deterministic",
    "dlpack", "flop_counter", "hooks", "mobile_optimizer", "model_zoo", "module_tracker", "tensorboard",
    "throughput_benchmark", "weak",
)  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
