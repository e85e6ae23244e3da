"""Transforms of images: the classes of v1, ``functional`` operations, and ``v2`` for images with their annotations."""

from __future__ import annotations

import importlib
from typing import Any

from . import functional, transforms
from .autoaugment import *
from .transforms import *


def __getattr__(name: str) -> Any:
    if name == "v2":
        return importlib.import_module(".v2", __name__)
    raise AttributeError(f"module 'torchvision.transforms' has no attribute '{name}'")
