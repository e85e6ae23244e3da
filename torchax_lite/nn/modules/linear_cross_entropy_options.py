"""How ``linear_cross_entropy`` splits a batch."""

from __future__ import annotations

import dataclasses
from typing import Any

import torchax_lite as torch

__all__ = ["LinearCrossEntropyOptions"]

_POLICIES = ("auto", "accurate", "balanced", "compact")


def _factor(method: str) -> int | None:
    """The N of ``"aspect_ratio:N"``; None for anything else."""
    name, colon, factor = method.partition(":")
    factor = factor if colon else "1"
    return int(factor) if name == "aspect_ratio" and factor.isdigit() and int(factor) > 0 else None


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """Rows of a batch are done in pieces, whose logits alone are in memory at a time.

    Attributes:
        allow_retain_graph: whether backward can be done more than once.
        batch_chunk_size: rows in a piece; all if neither this nor a method is given.
        chunking_method: how to find the rows in a piece: ``"aspect_ratio"`` those whose logits are as large as the
            input (rounded up to a power of two), ``"aspect_ratio:N"`` an Nth of them, ``"auto"`` a choice by dtype.
        acc_policy: ``"accurate"``, ``"balanced"``, ``"compact"`` or ``"auto"``: which intermediates PyTorch keeps in
            ``acc_dtype``; here all of them are.
        acc_dtype: the dtype of sums: float32 for 16-bit inputs, or the input's own.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto") and _factor(self.chunking_method) is None:
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        rows = self.batch_chunk_size
        if rows is not None and not (isinstance(rows, int) and rows > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {rows!r}")
        if self.acc_dtype not in (None, torch.float16, torch.bfloat16, torch.float32, torch.float64):
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, got "
                f"{self.acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )

    def _rows(self, batch: int, features: int, classes: int, dtype: Any) -> int:
        """Rows in a piece for a batch of these sizes."""
        method = self.chunking_method
        if method == "auto":
            low = dtype in (torch.float16, torch.bfloat16)
            method = None if self.batch_chunk_size is not None else "aspect_ratio" if low else "aspect_ratio:2"
        if method is None:
            return max(1, batch if self.batch_chunk_size is None else min(self.batch_chunk_size, batch))
        wanted = -(-batch // -(-classes // features))
        rows = min((1 << (wanted - 1).bit_length()) // (_factor(method) or 1), batch)
        if self.batch_chunk_size is not None and self.batch_chunk_size != rows:
            raise ValueError(
                f"batch_chunk_size (={self.batch_chunk_size}) and chunking_method ('{method}') give different chunk "
                f"sizes ({self.batch_chunk_size} vs {rows}); pass only one."
            )
        return max(1, rows)

    def _check_dtype(self, dtype: Any) -> None:
        """Whether sums in ``acc_dtype`` are possible for inputs of ``dtype``."""
        mixed = dtype in (torch.float16, torch.bfloat16) and self.acc_dtype == torch.float32
        if self.acc_dtype is not None and self.acc_dtype != dtype and not mixed:
            raise RuntimeError(
                "linear_cross_entropy supports float32 acc_dtype with float16/bfloat16 inputs, but got "
                f"{self.acc_dtype} acc_dtype and {dtype} inputs."
            )
