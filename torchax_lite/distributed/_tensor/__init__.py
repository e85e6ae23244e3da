"""The earlier place of ``torch.distributed.tensor``."""

from .. import tensor as _tensor
from ..tensor import *  # noqa: F403

__all__ = _tensor.__all__
