"""``torch.storage``: the memory behind tensors."""

from __future__ import annotations

from .tensor.storage_api import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
