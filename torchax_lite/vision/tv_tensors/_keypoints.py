"""Key points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchax_lite import Tensor

from ._tv_tensor import TVTensor, first_of


class KeyPoints(TVTensor):
    """Points ``(..., 2)``: x and y in pixels.

    Args:
        data: anything ``torch.as_tensor`` takes.
        canvas_size: height and width of the image.
        dtype: inferred if left out.
        device: inferred if left out.
        requires_grad: that of ``data`` if left out.

    Raises:
        ValueError: the last dim is not of size 2.
    """

    canvas_size: tuple[int, int]

    @classmethod
    def _wrap(cls, tensor: Tensor, *, canvas_size: tuple[int, int], check_dims: bool = True) -> KeyPoints:
        if check_dims:
            if tensor.ndim == 1:
                tensor = tensor.unsqueeze(0)
            elif tensor.shape[-1] != 2:
                raise ValueError(f"Expected a tensor of shape (..., 2), not {tensor.shape}")
        points: KeyPoints = tensor.as_subclass(cls)
        points.canvas_size = canvas_size
        return points

    @classmethod
    def wrap(cls, tensor: Tensor, like: KeyPoints, **kwargs: Any) -> KeyPoints:
        """The tensor as points with ``like``'s metadata, or what the keywords say instead."""
        return cls._wrap(tensor, canvas_size=kwargs.get("canvas_size", like.canvas_size))

    def __new__(
        cls, data: Any, *, canvas_size: tuple[int, int], dtype: Any = None, device: Any = None,
        requires_grad: bool | None = None,
    ) -> KeyPoints:  # fmt: skip
        tensor = cls._to_tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
        return cls._wrap(tensor, canvas_size=canvas_size)

    @classmethod
    def _wrap_output(cls, output: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        size = first_of(KeyPoints, args, kwargs).canvas_size
        if isinstance(output, Tensor) and not isinstance(output, KeyPoints):
            return KeyPoints._wrap(output, canvas_size=size, check_dims=False)
        if isinstance(output, (tuple, list)):
            return type(output)(KeyPoints._wrap(part, canvas_size=size, check_dims=False) for part in output)
        return output

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return self._make_repr(canvas_size=self.canvas_size)
