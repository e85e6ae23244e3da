"""``torch.distributed.nn``: collectives that gradients pass through."""

from . import functional
from .functional import *  # noqa: F403

__all__ = [*functional.__all__, "functional"]
