"""``torch.backends.cudnn``: settings that are kept and read back; XLA selects the algorithms."""

from __future__ import annotations

import sys
from typing import Any

from ._settings import Settings, changed, check_bool, check_precision, checked_module

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True
fp32_precision = "none"
depthwise_kernel = "auto"
conv = Settings({"fp32_precision": "tf32"}, {"fp32_precision": check_precision})
rnn = Settings({"fp32_precision": "tf32"}, {"fp32_precision": check_precision})


def is_available() -> bool:
    """Whether PyTorch's cuDNN code is there (never)."""
    return False


def version() -> int | None:
    """cuDNN's version as PyTorch would call it (it does not)."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """Whether PyTorch would give a tensor to cuDNN (it does not)."""
    return False


def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10, deterministic: bool = False,
    allow_tf32: bool = True, fp32_precision: str = "none", depthwise_kernel: str = "auto",
) -> Any:  # fmt: skip
    """Other settings for the length of a ``with`` block."""
    new = {
        "enabled": enabled, "benchmark": benchmark, "benchmark_limit": benchmark_limit, "deterministic": deterministic,
        "allow_tf32": allow_tf32, "fp32_precision": fp32_precision, "depthwise_kernel": depthwise_kernel,
    }  # fmt: skip
    return changed(sys.modules[__name__], new)


checked_module(
    __name__,
    {
        "enabled": check_bool("set_enabled_cudnn"), "benchmark": check_bool("set_benchmark_cudnn"),
        "deterministic": check_bool("set_deterministic_cudnn"), "allow_tf32": check_bool("set_allow_tf32_cublas"),
        "fp32_precision": check_precision,
    },
)  # fmt: skip
__all__ = [
    "allow_tf32", "benchmark", "benchmark_limit", "conv", "depthwise_kernel", "deterministic", "enabled", "flags",
    "fp32_precision", "is_acceptable", "is_available", "rnn", "version",
]  # fmt: skip
