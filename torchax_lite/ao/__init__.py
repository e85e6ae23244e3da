"""``torch.ao``: only the names of its parts; see :mod:`torch.ao.quantization`."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("quantization",):
        return importlib.import_module(f".{name}", __name__)
    if name in ("nn", "ns", "pruning"):
        raise NotImplementedError(
            f"torch.ao.{name}: quantized modules are not supported; bfloat16 by torch.autocast is"
        )
    raise AttributeError(f"module 'torch.ao' has no attribute '{name}'")
