"""Bounding boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from torchax_lite import Tensor

from ._tv_tensor import TVTensor, first_of


class BoundingBoxFormat(Enum):
    """What the numbers of a box are.

    ``XYXY``: left, top, right, bottom. ``XYWH``: left, top, width, height. ``CXCYWH``: centre, width, height.
    ``XYWHR`` and ``CXCYWHR``: the same, turned by R degrees. ``XYXYXYXY``: the four corners from the top left clockwise.
    """

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


_ROTATED = ("XYWHR", "CXCYWHR", "XYXYXYXY")


def is_rotated_bounding_format(format: BoundingBoxFormat | str) -> bool:
    """Whether boxes of this format may be turned.

    Raises:
        ValueError: neither a format nor a string.
    """
    if isinstance(format, BoundingBoxFormat):
        return format.name in _ROTATED
    if isinstance(format, str):
        return format in _ROTATED
    raise ValueError(f"format should be str or BoundingBoxFormat, got {type(format)}")


CLAMPING_MODE_TYPE = str | None


class BoundingBoxes(TVTensor):
    """Bounding boxes ``(N, 4)``, or ``(N, 5)`` and ``(N, 8)`` for turned ones.

    Args:
        data: anything ``torch.as_tensor`` takes.
        format: what the numbers are.
        canvas_size: height and width of the image.
        clamping_mode: how transforms treat boxes that leave the image: ``"soft"``, ``"hard"``, or None for not at all.
        dtype: inferred if left out.
        device: inferred if left out.
        requires_grad: that of ``data`` if left out.

    Raises:
        ValueError: turned boxes of integers, more than two dims, another clamping mode.
    """

    format: BoundingBoxFormat
    canvas_size: tuple[int, int]
    clamping_mode: CLAMPING_MODE_TYPE

    @classmethod
    def _wrap(
        cls, tensor: Tensor, *, format: BoundingBoxFormat | str, canvas_size: tuple[int, int],
        clamping_mode: CLAMPING_MODE_TYPE = "soft", check_dims: bool = True,
    ) -> BoundingBoxes:  # fmt: skip
        if check_dims:
            if tensor.ndim == 1:
                tensor = tensor.unsqueeze(0)
            elif tensor.ndim != 2:
                raise ValueError(f"Expected a 1D or 2D tensor, got {tensor.ndim}D")
        if clamping_mode is not None and clamping_mode not in ("hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {clamping_mode}.")
        boxes: BoundingBoxes = tensor.as_subclass(cls)
        boxes.format = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        boxes.canvas_size = canvas_size
        boxes.clamping_mode = clamping_mode
        return boxes

    @classmethod
    def wrap(cls, tensor: Tensor, like: BoundingBoxes, **kwargs: Any) -> BoundingBoxes:
        """The tensor as boxes with ``like``'s metadata, or what the keywords say instead."""
        fields = {name: kwargs.get(name, getattr(like, name)) for name in ("format", "canvas_size", "clamping_mode")}
        return cls._wrap(tensor, **fields)

    def __new__(
        cls, data: Any, *, format: BoundingBoxFormat | str, canvas_size: tuple[int, int],
        clamping_mode: CLAMPING_MODE_TYPE = "soft", dtype: Any = None, device: Any = None,
        requires_grad: bool | None = None,
    ) -> BoundingBoxes:  # fmt: skip
        tensor = cls._to_tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
        if not tensor.is_floating_point() and is_rotated_bounding_format(format):
            raise ValueError(f"Rotated bounding boxes should be floating point tensors, got {tensor.dtype}.")
        return cls._wrap(tensor, format=format, canvas_size=canvas_size, clamping_mode=clamping_mode)

    @classmethod
    def _wrap_output(cls, output: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        first = first_of(BoundingBoxes, args, kwargs)
        fields = {"format": first.format, "canvas_size": first.canvas_size, "clamping_mode": first.clamping_mode}
        if isinstance(output, Tensor) and not isinstance(output, BoundingBoxes):
            return BoundingBoxes._wrap(output, **fields, check_dims=False)
        if isinstance(output, (tuple, list)):
            return type(output)(BoundingBoxes._wrap(part, **fields, check_dims=False) for part in output)
        return output

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return self._make_repr(format=self.format, canvas_size=self.canvas_size, clamping_mode=self.clamping_mode)
