"""``torch.accelerator.Graph``: programs are captured by themselves here, so there is nothing to capture by hand."""

from __future__ import annotations

from typing import Any


class Graph:
    """Not available; every repeated program already runs as one executable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "torch.accelerator.Graph is not available: repeated work is compiled and run as one program without it"
        )
