"""``torch.utils.mobile_optimizer``: TorchScript for phones, which does not exist here."""

from __future__ import annotations

import enum
from typing import Any, NoReturn

__all__ = ["LintCode", "MobileOptimizerType", "generate_mobile_module_lints", "optimize_for_mobile"]


class LintCode(enum.Enum):
    """Kinds of remarks about a module."""

    BUNDLED_INPUT = 1
    REQUIRES_GRAD = 2
    DROPOUT = 3
    BATCHNORM = 4


class MobileOptimizerType(enum.Enum):
    """Optimizations that may be left out."""

    CONV_BN_FUSION = 0
    INSERT_FOLD_PREPACK_OPS = 1
    REMOVE_DROPOUT = 2
    FUSE_ADD_RELU = 3
    HOIST_CONV_PACKED_PARAMS = 4
    CONV_1D_TO_2D = 5
    VULKAN_AUTOMATIC_GPU_TRANSFER = 6


def _missing(name: str) -> NoReturn:
    raise NotImplementedError(
        f"torch.utils.mobile_optimizer.{name} is not available; export a module by jax.export (torchax_lite.interop)"
    )


def optimize_for_mobile(script_module: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("optimize_for_mobile")


def generate_mobile_module_lints(script_module: Any) -> NoReturn:
    """Not available."""
    _missing("generate_mobile_module_lints")
