"""Erasing, mixing samples of a batch, and compression as JPEG."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import PIL.Image

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.utils._pytree import tree_flatten, tree_unflatten

from ... import tv_tensors
from ..._kernels import mixing
from .. import _colors
from .. import _draws as draws
from .._arguments import check_erasing
from . import functional as F
from ._geometry import warn_pass_through
from ._transform import Transform, _RandomApplyTransform
from ._utils import _check_sequence_input, _parse_labels_getter, has_any, is_pure_tensor, query_chw, query_size


class RandomErasing(_RandomApplyTransform):
    """A random rectangle replaced by a value or by noise, with probability ``p``."""

    _v1_transform_cls = _colors.RandomErasing

    def __init__(
        self, p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: Any = 0.0,
        inplace: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(p=p)
        check_erasing(value, scale, ratio)
        self.scale = scale
        self.ratio = ratio
        if isinstance(value, (int, float)):
            value = [float(value)]
        elif isinstance(value, str):
            value = None
        elif isinstance(value, (list, tuple)):
            value = [float(v) for v in value]
        self.value = value
        self.inplace = inplace

    def _call_kernel(self, functional: Any, inpt: Any, *args: Any, **kwargs: Any) -> Any:
        warn_pass_through(self, inpt)
        return super()._call_kernel(functional, inpt, *args, **kwargs)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        c, h, w = query_chw(flat_inputs)
        if self.value is not None and len(self.value) not in (1, c):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {c} (number of inpt channels)"
            )
        found = draws.erased_area(c, h, w, self.scale, self.ratio, self.value) or (0, 0, h, w, None)
        return dict(zip(("i", "j", "h", "w", "v"), found, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if params["v"] is None:
            return inpt
        return self._call_kernel(F.erase, inpt, **params, inplace=self.inplace)


class _BaseMixUpCutMix(Transform):
    """Base of `MixUp` and `CutMix`.

    Args:
        alpha: parameter of the beta distribution of the share.
        num_classes: needed where labels are indices.
        labels_getter: ``"default"`` (by place or key), or a function of the sample.
    """

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None, labels_getter: Any = "default") -> None:
        super().__init__()
        self.alpha = float(alpha)
        self._dist = torch.distributions.Beta(torch.tensor([alpha]), torch.tensor([alpha]))
        self.num_classes = num_classes
        self._labels_getter = _parse_labels_getter(labels_getter)

    def _check_labels(self, labels: Any) -> None:
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                "labels should be index based with shape (batch_size,) or probability based with shape "
                f"(batch_size, num_classes), but got a tensor of shape {labels.shape} instead."
            )
        if labels.ndim == 2 and self.num_classes is not None and labels.shape[-1] != self.num_classes:
            raise ValueError(
                "When passing 2D labels, the number of elements in last dimension must match num_classes: "
                f"{labels.shape[-1]} != {self.num_classes}. You can Leave num_classes to None."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(sample)
        wanted = self._needs_transform_list(flat)
        if has_any(flat, PIL.Image.Image, tv_tensors.BoundingBoxes, tv_tensors.Mask, tv_tensors.KeyPoints):
            raise ValueError(
                f"{type(self).__name__}() does not support PIL images, bounding boxes, keypoints and masks."
            )
        labels = self._labels_getter(sample)
        self._check_labels(labels)
        drawn = self.make_params([x for x, want in zip(flat, wanted, strict=True) if want])
        params = {"labels": labels, "batch_size": labels.shape[0], **drawn}
        wanted[next(i for i, x in enumerate(flat) if x is labels)] = True
        made = [self.transform(x, params) if want else x for x, want in zip(flat, wanted, strict=True)]
        return tree_unflatten(made, spec)

    def _check_image_or_video(self, inpt: Tensor, *, batch_size: int) -> None:
        dims = 5 if isinstance(inpt, tv_tensors.Video) else 4
        if inpt.ndim != dims:
            raise ValueError(f"Expected a batched input with {dims} dims, but got {inpt.ndim} dimensions instead.")
        if inpt.shape[0] != batch_size:
            raise ValueError(
                "The batch size of the image or video does not match the batch size of the labels: "
                f"{inpt.shape[0]} != {batch_size}."
            )

    def _mixup_label(self, label: Tensor, *, lam: float) -> Tensor:
        share = np.asarray(float(lam))
        if label.ndim == 1:
            if label.dtype != torch.int64:
                raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
            return mixing.mixed_classes(label, share, classes=self.num_classes)
        return mixing.mixed(label if label.dtype.is_floating_point else label.float(), share)

    def _mix(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        raise NotImplementedError

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if inpt is params["labels"]:
            return self._mixup_label(inpt, lam=params["lam"])
        wrapped = isinstance(inpt, (tv_tensors.Image, tv_tensors.Video))
        if not (wrapped or is_pure_tensor(inpt)):
            return inpt
        self._check_image_or_video(inpt, batch_size=params["batch_size"])
        made = self._mix(inpt.as_subclass(Tensor) if wrapped else inpt, params)
        return tv_tensors.wrap(made, like=inpt) if wrapped else made


class MixUp(_BaseMixUpCutMix):
    """Each sample of a batch blended with the one before it, labels likewise."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"lam": float(self._dist.sample(()))}

    def _mix(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        return mixing.mixed(inpt, np.asarray(params["lam"]))


class CutMix(_BaseMixUpCutMix):
    """A rectangle of each sample of a batch replaced by that of the one before it; labels blended by its share."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        lam = float(self._dist.sample(()))
        h, w = query_size(flat_inputs)
        x, y = draws.integer(0, w), draws.integer(0, h)
        r = 0.5 * math.sqrt(1.0 - lam)
        half_w, half_h = int(r * w), int(r * h)
        x1, y1 = max(x - half_w, 0), max(y - half_h, 0)
        x2, y2 = min(x + half_w, w), min(y + half_h, h)
        return {"box": (x1, y1, x2, y2), "lam": float(1.0 - (x2 - x1) * (y2 - y1) / (w * h))}

    def _mix(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        return mixing.pasted(inpt, np.asarray(params["box"]))


class JPEG(Transform):
    """The image as JPEG of a (random) quality gives it back."""

    def __init__(self, quality: Any) -> None:
        super().__init__()
        if isinstance(quality, int):
            if isinstance(quality, bool):
                raise TypeError("quality can't be bool")
            quality = [quality, quality]
        else:
            _check_sequence_input(quality, "quality", req_sizes=(2,))
        if not (1 <= quality[0] <= quality[1] <= 100 and isinstance(quality[0], int) and isinstance(quality[1], int)):
            raise ValueError(f"quality must be an integer from 1 to 100, got quality ={quality!r}")
        self.quality = quality

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"quality": torch.randint(self.quality[0], self.quality[1] + 1, ()).item()}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.jpeg, inpt, quality=params["quality"])
