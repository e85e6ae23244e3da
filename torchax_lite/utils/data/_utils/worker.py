"""What a dataset can ask about the loader's worker that it runs in."""

from __future__ import annotations

from typing import Any

_worker_info: Any = None


def get_worker_info() -> Any:
    """Return the current worker's information, None in the main process."""
    return _worker_info
