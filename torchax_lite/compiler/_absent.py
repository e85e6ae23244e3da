"""Namespaces of PyTorch that do not exist here: their names are there and say what to use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def functions(namespace: str, instead: Mapping[str, str]) -> Callable[[str], Any]:
    """A module ``__getattr__``: each name of ``instead`` is a function that raises NotImplementedError.

    Args:
        namespace: ``torch.onnx``, for the text.
        instead: names, and what to use instead of each.
    """

    def get(name: str) -> Any:
        if name not in instead:
            raise AttributeError(f"module '{namespace}' has no attribute '{name}'")

        def missing(*args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError(f"{namespace}.{name}: {instead[name]}")

        missing.__name__ = missing.__qualname__ = name
        missing.__doc__ = f"Not supported: {instead[name]}."
        return missing

    return get
