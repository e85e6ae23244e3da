"""Videos."""

from __future__ import annotations

from typing import Any

from ._tv_tensor import TVTensor


class Video(TVTensor):
    """Videos ``(..., T, C, H, W)``.

    Args:
        data: anything ``torch.as_tensor`` takes, with at least four dims.
        dtype: inferred if left out.
        device: inferred if left out.
        requires_grad: that of ``data`` if left out.
    """

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Video:
        tensor = cls._to_tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
        if data.ndim < 4:
            raise ValueError
        return tensor.as_subclass(cls)  # type: ignore[no-any-return]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return self._make_repr()
