"""Images."""

from __future__ import annotations

from typing import Any

import PIL.Image

from ._tv_tensor import TVTensor


def without_pillow(data: Any) -> Any:
    """A Pillow image as a tensor; anything else as it is."""
    if isinstance(data, PIL.Image.Image):
        from ..transforms.functional import pil_to_tensor

        return pil_to_tensor(data)
    return data


class Image(TVTensor):
    """Images ``(..., C, H, W)``; two dims get a channel.

    Args:
        data: anything ``torch.as_tensor`` takes, or a Pillow image.
        dtype: inferred if left out.
        device: inferred if left out.
        requires_grad: that of ``data`` if left out.
    """

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Image:
        tensor = cls._to_tensor(without_pillow(data), dtype=dtype, device=device, requires_grad=requires_grad)
        if tensor.ndim < 2:
            raise ValueError(f"Tensor must be 2D or higher, got {tensor.ndim}D tensor.")
        return (tensor.unsqueeze(0) if tensor.ndim == 2 else tensor).as_subclass(cls)  # type: ignore[no-any-return]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return self._make_repr()
