"""Masks."""

from __future__ import annotations

from typing import Any

from ._image import without_pillow
from ._tv_tensor import TVTensor


class Mask(TVTensor):
    """Masks of segmentation or detection, ``(..., H, W)``.

    Args:
        data: anything ``torch.as_tensor`` takes, or a Pillow image.
        dtype: inferred if left out.
        device: inferred if left out.
        requires_grad: that of ``data`` if left out.
    """

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Mask:
        tensor = cls._to_tensor(without_pillow(data), dtype=dtype, device=device, requires_grad=requires_grad)
        return tensor.as_subclass(cls)  # type: ignore[no-any-return]
