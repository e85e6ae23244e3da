"""``nn.functional``: the functions behind the layers, with PyTorch's names and signatures.

The families live in ``nn/_functional/``; the operations themselves are declared in ``ops/``.
"""

from __future__ import annotations

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
    grouped as _grouped,
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
from ._functional.grouped import *  # noqa: F403
from ._functional.linear import *  # noqa: F403
from ._functional.linear_cross_entropy import *  # noqa: F403
from ._functional.loss import *  # noqa: F403
from ._functional.normalization import *  # noqa: F403
from ._functional.padding import *  # noqa: F403
from ._functional.pooling import *  # noqa: F403
from ._functional.sparse import *  # noqa: F403
from ._functional.vision import *  # noqa: F403

__all__ = [
    *_activation.__all__, *_attention.__all__, *_distance.__all__, *_dropout.__all__, *_grouped.__all__,
    *_linear.__all__, *_linear_cross_entropy.__all__, *_loss.__all__,
    *_normalization.__all__, *_padding.__all__, *_pooling.__all__, *_sparse.__all__, *_vision.__all__,
]  # fmt: skip
