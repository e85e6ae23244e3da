"""``torch.backends.cudnn``: settings that are kept and read back; XLA selects the algorithms.

Carried out are those of the precision of float32 convolutions: TensorFloat32 on a GPU unless ``allow_tf32 = False``.
"""

from __future__ import annotations

import sys
from typing import Any

from ..ops.precision import set_precision
from ._settings import Settings, changed, check_bool, check_cuda_precision, checked_module

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
depthwise_kernel = "auto"
allow_tf32: bool
fp32_precision: str
_general = "none"


def _apply() -> None:
    own = conv.fp32_precision
    set_precision("convolutions", "high" if (_general if own == "none" else own) == "tf32" else "highest")


conv = Settings({"fp32_precision": "tf32"}, {"fp32_precision": check_cuda_precision}, _apply)
rnn = Settings({"fp32_precision": "tf32"}, {"fp32_precision": check_cuda_precision})


def _allows_tf32(_: Any) -> bool:
    """Whether float32 convolutions may use TensorFloat32.

    Raises:
        RuntimeError: where ``conv.fp32_precision`` and ``rnn.fp32_precision`` differ.
    """
    if conv.fp32_precision != rnn.fp32_precision:
        raise RuntimeError(
            "PyTorch is checking whether allow_tf32 is enabled for cuDNN without a specific operator name, but "
            "torch.backends.cudnn.conv.fp32_precision and torch.backends.cudnn.rnn.fp32_precision differ"
        )
    return bool(conv.fp32_precision == "tf32")


def _allow_tf32(_: Any, value: bool) -> None:
    check_bool("set_allow_tf32_cublas")(value)
    conv.fp32_precision = rnn.fp32_precision = "tf32" if value else "none"


def _set_general(_: Any, value: str) -> None:
    global _general
    check_cuda_precision(value)
    _general = value
    _apply()


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
        "deterministic": check_bool("set_deterministic_cudnn"),
    },
    allow_tf32=property(_allows_tf32, _allow_tf32), fp32_precision=property(lambda _: _general, _set_general),
)  # fmt: skip
__all__ = [
    "allow_tf32", "benchmark", "benchmark_limit", "conv", "depthwise_kernel", "deterministic", "enabled", "flags",
    "fp32_precision", "is_acceptable", "is_available", "rnn", "version",
]  # fmt: skip
