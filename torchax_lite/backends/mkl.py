"""``torch.backends.mkl``: Intel's MKL is not used; XLA's own CPU code is."""

from __future__ import annotations

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """Whether PyTorch computes with Intel's MKL (never)."""
    return False


class verbose:
    """Context manager that would print what MKL does: nothing.

    Args:
        enable: ``VERBOSE_OFF`` or ``VERBOSE_ON``.
    """

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to switch back."""


__all__ = ["VERBOSE_OFF", "VERBOSE_ON", "is_available", "verbose"]
