"""``torch.utils.serialization``: the settings of :func:`torch.save` and :func:`torch.load`."""

from __future__ import annotations

from . import config

__all__ = ["config"]
