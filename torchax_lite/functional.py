"""``torch.functional``: functions of ``torch`` that PyTorch writes in Python, under their second name."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

__all__ = [  # noqa: F822
    "align_tensors", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cdist", "chain_matmul", "einsum", "lu", "meshgrid", "norm", "split", "stft", "tensordot",
    "unique", "unique_consecutive", "unravel_index",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__ and hasattr(torch, name):
        return getattr(torch, name)
    raise AttributeError(f"module 'torch.functional' has no attribute '{name}'")


def __dir__() -> list[str]:
    return list(__all__)
