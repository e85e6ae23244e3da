"""Functions composed of public ones: no array code of their own, a layer above tensors and autograd.

``FUNCTIONS`` maps a namespace to its functions, ``METHODS`` a Tensor method's name to its function.
"""

from __future__ import annotations

from . import (
    contraction,
    copies,
    data_dependent,
    factorizations,
    joining,
    linalg,
    lowrank,
    members,
    native_forms,
    norms,
    rearranging,
    segments,
    sparse_members,
    spectral,
    spellings,
    statistics,
    wide_products,
    windows,
)
from .registry import FUNCTIONS, METHODS, composite

__all__ = [
    "FUNCTIONS", "METHODS", "composite", "contraction", "copies", "data_dependent", "factorizations", "joining", "linalg", "lowrank", "members", "native_forms", "norms", "rearranging",
    "segments", "sparse_members", "spectral", "spellings", "statistics", "wide_products", "windows",
]  # fmt: skip
