"""Fake tensors: classes without instances."""

from __future__ import annotations

from typing import Any

from .._absent import empty_class

_USE = 'use tensors on device="meta", which have shapes and no values'
FakeTensor = empty_class("_subclasses.FakeTensor", _USE)
FakeTensorMode = empty_class("_subclasses.FakeTensorMode", _USE)

__all__ = ["FakeTensor", "FakeTensorMode", "is_fake"]


def is_fake(x: Any) -> bool:
    """False."""
    return False
