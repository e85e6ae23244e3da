"""``nn.functional``: the functions behind the layers, with PyTorch's names and signatures.

The families live in ``nn/_functional/``; the operations themselves are declared in ``ops/``.
"""

from __future__ import annotations

from typing import Any

from ._functional import (
    activation as _activation,
)
from ._functional import (
    attention as _attention,
)
from ._functional import (
    distance as _distance,
)
from ._functional import (
    dropout as _dropout,
)
from ._functional import (
    linear as _linear,
)
from ._functional import (
    linear_cross_entropy as _linear_cross_entropy,
)
from ._functional import (
    loss as _loss,
)
from ._functional import (
    normalization as _normalization,
)
from ._functional import (
    padding as _padding,
)
from ._functional import (
    pooling as _pooling,
)
from ._functional import (
    sparse as _sparse,
)
from ._functional import (
    vision as _vision,
)
from ._functional.activation import *  # noqa: F403
from ._functional.attention import *  # noqa: F403
from ._functional.distance import *  # noqa: F403
from ._functional.dropout import *  # noqa: F403
from ._functional.linear import *  # noqa: F403
from ._functional.linear_cross_entropy import *  # noqa: F403
from ._functional.loss import *  # noqa: F403
from ._functional.normalization import *  # noqa: F403
from ._functional.padding import *  # noqa: F403
from ._functional.pooling import *  # noqa: F403
from ._functional.sparse import *  # noqa: F403
from ._functional.vision import *  # noqa: F403

__all__ = [
    *_activation.__all__, *_attention.__all__, *_distance.__all__, *_dropout.__all__, *_linear.__all__,
    *_linear_cross_entropy.__all__, *_loss.__all__,
    *_normalization.__all__, *_padding.__all__, *_pooling.__all__, *_sparse.__all__, *_vision.__all__,
    "grouped_mm", "scaled_grouped_mm", "scaled_mm",
]  # fmt: skip


def grouped_mm(mat_a: Any, mat_b: Any, *, offs: Any = None, bias: Any = None, out_dtype: Any = None) -> Any:
    """Matrix products of groups of rows: not available."""
    raise NotImplementedError("grouped_mm is not available")


def scaled_mm(
    mat_a: Any, mat_b: Any, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Any = None, output_dtype: Any = None,
    contraction_dim: Any = (), use_fast_accum: bool = False,
) -> Any:  # fmt: skip
    """Scaled float8 matrix product: not available."""
    raise NotImplementedError("scaled_mm is not available")


def scaled_grouped_mm(
    mat_a: Any, mat_b: Any, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Any = None, offs: Any = None, output_dtype: Any = None,
    contraction_dim: Any = (), use_fast_accum: bool = False,
) -> Any:  # fmt: skip
    """Scaled float8 matrix products of groups of rows: not available."""
    raise NotImplementedError("scaled_grouped_mm is not available")
