"""Counters that scripts read."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

counters: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""Stays empty: see ``torchax_lite.engine.stats()`` for what was compiled."""


def is_compile_supported(device_type: Any) -> bool:
    """True: programs are compiled for every device."""
    return True
