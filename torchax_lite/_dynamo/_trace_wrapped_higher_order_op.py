"""What FlexAttention's mask functions are called under."""

from __future__ import annotations

import contextlib


class TransformGetItemToIndex(contextlib.nullcontext[None]):
    """``mask[i, j]`` with tensors ``i`` and ``j`` under ``vmap`` is indexing anyway: nothing changes."""
