"""The frame of the two-stage models."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn

from . import _host


def check_target_boxes(targets: list[dict[str, Any]] | None) -> None:
    """Raises AssertionError unless there are targets with boxes ``(N, 4)``."""
    torch._assert(targets is not None, "targets should not be none when in training mode")
    for target in targets or []:
        boxes = target["boxes"]
        torch._assert(isinstance(boxes, Tensor), f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        torch._assert(
            len(boxes.shape) == 2 and boxes.shape[-1] == 4,
            f"Expected target boxes to be a tensor of shape [N, 4], got {boxes.shape}.",
        )


def check_box_sizes(targets: list[dict[str, Any]] | None) -> None:
    """Raises AssertionError for a box without height or width."""
    for number, target in enumerate(targets or []):
        boxes = _host.values(target["boxes"])
        flat = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        if flat.any():
            bad = boxes[int(np.argmax(flat))].tolist()
            torch._assert(
                False,
                f"All bounding boxes should have positive height and width. Found invalid box {bad} for target at index "
                f"{number}.",
            )


def original_sizes(images: list[Tensor]) -> list[tuple[int, int]]:
    """Height and width of each image."""
    for image in images:
        torch._assert(
            len(image.shape[-2:]) == 2,
            f"expecting the last two dimensions of the Tensor to be H and W instead got {image.shape[-2:]}",
        )
    return [(image.shape[-2], image.shape[-1]) for image in images]


class GeneralizedRCNN(nn.Module):
    """Images through ``transform``, ``backbone``, ``rpn`` and ``roi_heads``: losses in training, else detections."""

    def __init__(self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: nn.Module) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads
        self._has_warned = False

    def eager_outputs(self, losses: dict[str, Tensor], detections: list[dict[str, Tensor]]) -> Any:
        """The losses in training, else the detections."""
        return losses if self.training else detections

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Losses by name, or for each image its "boxes", "labels", "scores" (and "masks").

        Args:
            images: ``(C, H, W)`` each, in [0, 1]. targets: "boxes" and "labels" (and "masks") of each, for training.
        """
        if self.training:
            check_target_boxes(targets)
        sizes = original_sizes(images)
        batch, targets = self.transform(images, targets)
        check_box_sizes(targets)
        features = self.backbone(batch.tensors)
        if isinstance(features, Tensor):
            features = OrderedDict([("0", features)])
        proposals, losses = self.rpn(batch, features, targets)
        detections, head_losses = self.roi_heads(features, proposals, batch.image_sizes, targets)
        detections = self.transform.postprocess(detections, batch.image_sizes, sizes)
        return self.eager_outputs({**head_losses, **losses}, detections)
