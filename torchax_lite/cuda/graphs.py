"""CUDA graphs: not available by hand; XLA captures the programs that it runs into graphs by itself."""

from __future__ import annotations

from typing import Any

from .streams import is_current_stream_capturing

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing", "make_graphed_callables"]


def _missing(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"torch.cuda.{name} is not available: JAX schedules whole programs itself; repeated steps run as one executable, "
        "which XLA captures into CUDA graphs on its own"
    )


class CUDAGraph:
    """Not available."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _missing("CUDAGraph")


class graph:
    """Not available."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _missing("graph")


def graph_pool_handle() -> Any:
    """Not available."""
    raise _missing("graph_pool_handle")


def make_graphed_callables(*args: Any, **kwargs: Any) -> Any:
    """Not available."""
    raise _missing("make_graphed_callables")
