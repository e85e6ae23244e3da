"""``torch.linalg``: the declared ops and the composites of that namespace."""

from __future__ import annotations

from typing import Any

from ._generated import linalg as _ops
from .composite import FUNCTIONS as _COMPOSITES

_PUBLIC: dict[str, Any] = {name: getattr(_ops, name) for name in _ops.__all__} | _COMPOSITES["linalg"]
globals().update(_PUBLIC)
__all__ = sorted(_PUBLIC)  # noqa: PLE0605
