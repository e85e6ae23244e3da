"""``torch.cuda.nvtx``: NVTX ranges are not available; JAX's profiler names its own."""

from __future__ import annotations

from typing import Any


def _missing(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"torch.cuda.nvtx.{name} is not available; use jax.profiler.TraceAnnotation")

    function.__name__ = name
    return function


mark, range, range_end, range_pop, range_push, range_start = map(
    _missing, ("mark", "range", "range_end", "range_pop", "range_push", "range_start")
)
