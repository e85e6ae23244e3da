"""``torch.backends.mkldnn``: oneDNN is not used; XLA's own CPU code is. Settings are kept and read back."""

from __future__ import annotations

import sys
from typing import Any

from ._settings import Settings, changed, check_bool, check_precision, checked_module

enabled = True
deterministic = False
allow_tf32: bool | None = None
fp32_precision = "none"
conv, matmul, rnn = (Settings({"fp32_precision": "none"}, {"fp32_precision": check_precision}) for _ in range(3))
VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2


def is_available() -> bool:
    """Whether PyTorch computes with oneDNN (never)."""
    return False


def is_acl_available() -> bool:
    """Whether PyTorch computes with Arm's Compute Library (never)."""
    return False


class verbose:
    """Context manager that would print what oneDNN does: nothing.

    Args:
        level: ``VERBOSE_OFF``, ``VERBOSE_ON`` or ``VERBOSE_ON_CREATION``.
    """

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to switch back."""


def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none"
) -> Any:
    """Other settings for the length of a ``with`` block."""
    new = {
        "enabled": enabled, "deterministic": deterministic, "allow_tf32": allow_tf32, "fp32_precision": fp32_precision,
    }  # fmt: skip
    return changed(sys.modules[__name__], new)


checked_module(__name__, {"enabled": check_bool("set_enabled_mkldnn"), "fp32_precision": check_precision})
__all__ = [
    "VERBOSE_OFF", "VERBOSE_ON", "VERBOSE_ON_CREATION", "allow_tf32", "conv", "deterministic", "enabled", "flags",
    "fp32_precision", "is_acl_available", "is_available", "matmul", "rnn", "verbose",
]  # fmt: skip
