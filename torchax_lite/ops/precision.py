"""Precision of float32 products and convolutions: what compiled programs depend on beside their ops.

On a CPU everything is computed in full float32. On accelerators float32 products are too, unless
``torch.set_float32_matmul_precision`` lowers that, and convolutions use TensorFloat32 (on a TPU three bfloat16 parts)
until ``torch.backends.cudnn.allow_tf32 = False``: PyTorch's defaults.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax

from .registry import OPS

PRECISIONS = {"highest": lax.Precision.HIGHEST, "high": lax.Precision.HIGH, "medium": lax.Precision.DEFAULT}
_current = {"products": "highest", "convolutions": "high"}
_FLOAT32 = (np.dtype(np.float32), np.dtype(np.complex64))


def set_precision(kind: str, name: str) -> None:
    """Precision of float32 ``products`` or ``convolutions``: ``highest`` (float32), ``high`` or ``medium``."""
    if name not in PRECISIONS:
        raise RuntimeError(f"{name} is not one of 'highest', 'high', or 'medium'.")
    if _current[kind] != name:
        _current[kind] = name
        for op in OPS.values():
            op.sites.clear()


def precision(kind: str) -> str:
    """The name set by :func:`set_precision`."""
    return _current[kind]


def settings() -> str:
    """All of it as text, for the keys of programs that are kept on disk."""
    return "".join(_current.values())


def _of(kind: str, dtype: Any) -> lax.Precision:
    return PRECISIONS[_current[kind]] if np.dtype(dtype) in _FLOAT32 else lax.Precision.HIGHEST


def of_products(dtype: Any) -> lax.Precision:
    """``jax.lax.Precision`` that products of this dtype are computed with."""
    return _of("products", dtype)


def of_convolutions(dtype: Any) -> lax.Precision:
    """``jax.lax.Precision`` that convolutions of this dtype are computed with."""
    return _of("convolutions", dtype)
