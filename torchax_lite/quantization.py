"""``torch.quantization``: the old name of :mod:`torch.ao.quantization`."""

from __future__ import annotations

from typing import Any

from .ao import quantization as _new
from .ao.quantization import DeQuantStub, QuantStub, QuantWrapper

__all__ = ["DeQuantStub", "QuantStub", "QuantWrapper"]


def __getattr__(name: str) -> Any:
    return getattr(_new, name)
