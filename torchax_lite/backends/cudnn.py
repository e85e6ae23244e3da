"""``torch.backends.cudnn``: settings that are kept and read back; XLA selects the algorithms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether PyTorch's cuDNN code is there (never)."""
    return False


def version() -> int | None:
    """cuDNN's version as PyTorch would call it (it does not)."""
    return None


@contextmanager
def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10, deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:  # fmt: skip
    """Other settings for the length of a ``with`` block."""
    settings = globals()
    new = {
        "enabled": enabled, "benchmark": benchmark, "benchmark_limit": benchmark_limit, "deterministic": deterministic,
        "allow_tf32": allow_tf32,
    }  # fmt: skip
    old = {name: settings[name] for name in new}
    settings.update(new)
    try:
        yield
    finally:
        settings.update(old)


__all__ = [
    "allow_tf32", "benchmark", "benchmark_limit", "deterministic", "enabled", "flags", "is_available", "version",
]  # fmt: skip
