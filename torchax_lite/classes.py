"""``torch.classes``: classes of compiled extensions; there are none."""

from __future__ import annotations

from typing import Any

loaded_libraries: set[str] = set()


def load_library(path: str) -> None:
    """Compiled extensions of PyTorch cannot be loaded."""
    raise NotImplementedError(f"torch.classes.load_library({path!r}): compiled extensions of PyTorch cannot be loaded")


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"no class {self._name}.{name}")
        raise RuntimeError(f"Class {self._name}.{name} not registered!")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.classes' has no attribute {name!r}")
    return _Namespace(name)
