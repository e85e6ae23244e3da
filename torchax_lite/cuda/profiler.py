"""``torch.cuda.profiler``: JAX's profiler; it writes to the folder in ``TORCHAX_LITE_PROFILE`` (``profile`` by default)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["profile", "start", "stop"]


def start() -> None:
    """Start recording."""
    import jax

    jax.profiler.start_trace(os.environ.get("TORCHAX_LITE_PROFILE", "profile"))


def stop() -> None:
    """Stop recording and write what was recorded."""
    import jax

    jax.profiler.stop_trace()


@contextlib.contextmanager
def profile() -> Iterator[None]:
    """Record the block."""
    start()
    try:
        yield
    finally:
        stop()
