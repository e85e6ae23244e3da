"""``torch.utils.deterministic``: what deterministic mode does besides.

``fill_uninitialized_memory`` is kept: memory is never uninitialised here (``torch.empty`` gives zeros).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Module(ModuleType):
    _fill = True

    @property
    def fill_uninitialized_memory(self) -> bool:
        """Whether ``torch.empty`` and the like fill their memory in deterministic mode."""
        return self._fill

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: Any) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"fill_uninitialized_memory expects a bool, but got {type(mode).__name__}")
        self._fill = mode


sys.modules[__name__].__class__ = _Module
