"""``torch.storage``: the memory behind tensors."""

from __future__ import annotations

import io
from typing import Any

from .tensor.storage_api import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]


def _load_from_bytes(b: bytes) -> Any:
    """What plain pickles of PyTorch's tensors call: the storage in a file of :func:`torch.save`."""
    from .serialization import load

    return load(io.BytesIO(b), weights_only=False)
