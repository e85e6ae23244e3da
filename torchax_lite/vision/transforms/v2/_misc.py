"""Normalising, smoothing, noise, dtypes, and sorting out annotations that are not valid."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import PIL.Image

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.utils._pytree import tree_flatten, tree_unflatten

from ... import tv_tensors
from .. import _basic, _colors
from .. import _draws as draws
from .._arguments import check_linear_map, linear_map
from . import functional as F
from ._transform import Transform
from ._utils import (
    _parse_labels_getter,
    _setup_number_or_seq,
    _setup_size,
    as_labels,
    get_bounding_boxes,
    get_keypoints,
    has_any,
    is_pure_tensor,
)  # fmt: skip
from .functional._misc import valid_boxes, valid_points


class Identity(Transform):
    """The sample as it is."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class Lambda(Transform):
    """Any function, applied to the parts of a sample that are of the given types (all if left out)."""

    _transformed_types = (object,)

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd = lambd
        self.types = types or self._transformed_types

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self.lambd(inpt) if isinstance(inpt, self.types) else inpt

    def extra_repr(self) -> str:
        name = getattr(self.lambd, "__name__", None)
        return ", ".join([*([name] if name else []), f"types={[t.__name__ for t in self.types]}"])


class _NoPillow(Transform):
    """A transform that refuses Pillow images."""

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, PIL.Image.Image):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class LinearTransformation(_NoPillow):
    """``(flattened image - mean_vector) @ transformation_matrix`` (whitening)."""

    _v1_transform_cls = _basic.LinearTransformation
    _transformed_types = (is_pure_tensor, tv_tensors.Image, tv_tensors.Video)

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        check_linear_map(transformation_matrix, mean_vector)
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        made = linear_map(inpt.as_subclass(Tensor), self.transformation_matrix, self.mean_vector)
        return tv_tensors.wrap(made, like=inpt) if isinstance(inpt, tv_tensors.TVTensor) else made


class Normalize(_NoPillow):
    """``(image - mean) / std``, channel by channel."""

    _v1_transform_cls = _basic.Normalize

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean = list(mean)
        self.std = list(std)
        self.inplace = inplace

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.normalize, inpt, mean=self.mean, std=self.std, inplace=self.inplace)


class GaussianBlur(Transform):
    """The image smoothed by a Gaussian of random deviation."""

    _v1_transform_cls = _colors.GaussianBlur

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = _setup_size(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(k <= 0 or k % 2 == 0 for k in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = _setup_number_or_seq(sigma, "sigma")
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {self.sigma}")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        sigma = draws.uniform(self.sigma[0], self.sigma[1])
        return {"sigma": [sigma, sigma]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.gaussian_blur, inpt, self.kernel_size, **params)


class GaussianNoise(Transform):
    """The image with Gaussian noise added."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean = mean
        self.sigma = sigma
        self.clip = clip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.gaussian_noise, inpt, mean=self.mean, sigma=self.sigma, clip=self.clip)


class ToDtype(Transform):
    """Tensors in another dtype: one for images and videos, or a dict by type (``"others"`` for the rest).

    ``scale`` brings values of images and videos to the range of their new dtype.
    """

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, (dict, torch.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        if isinstance(dtype, dict) and Tensor in dtype and (tv_tensors.Image in dtype or tv_tensors.Video in dtype):
            warnings.warn(
                "Got `dtype` values for `torch.Tensor` and either `tv_tensors.Image` or `tv_tensors.Video`. "
                "Note that a plain `torch.Tensor` will *not* be transformed by this (or any other transformation) "
                "in case a `tv_tensors.Image` or `tv_tensors.Video` is present in the input.",
                stacklevel=2,
            )
        self.dtype = dtype
        self.scale = scale

    def _wanted(self, inpt: Any, pictures: bool) -> Any:
        """The dtype for one part of a sample; None where it stays."""
        if isinstance(self.dtype, torch.dtype):
            return self.dtype if pictures else None
        for key in (type(inpt), "others"):
            if key in self.dtype:
                return self.dtype[key]
        raise ValueError(
            f"No dtype was specified for type {type(inpt)}. "
            "If you only need to convert the dtype of images or videos, you can just pass e.g. dtype=torch.float32. "
            'If you\'re passing a dict as dtype, you can use "others" as a catch-all key '
            'e.g. dtype={tv_tensors.Mask: torch.int64, "others": None} to pass-through the rest of the inputs.'
        )

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        pictures = is_pure_tensor(inpt) or isinstance(inpt, (tv_tensors.Image, tv_tensors.Video))
        dtype = self._wanted(inpt, pictures)
        if dtype is not None:
            return self._call_kernel(F.to_dtype, inpt, dtype=dtype, scale=self.scale)
        if self.scale and pictures:
            warnings.warn(
                "scale was set to True but no dtype was specified for images or videos: no scaling will be done.",
                stacklevel=2,
            )
        return inpt


class ConvertImageDtype(Transform):
    """Images in another dtype, values rescaled."""

    _v1_transform_cls = _basic.ConvertImageDtype

    def __init__(self, dtype: Any = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.to_dtype, inpt, dtype=self.dtype, scale=True)


class _Sanitize(Transform):
    """A transform that removes annotations, and their labels with them."""

    labels_getter: Any
    _labels_getter: Callable[[Any], Any]

    def _setup_labels(self, labels_getter: Any) -> None:
        self.labels_getter = labels_getter
        self._labels_getter = _parse_labels_getter(labels_getter)

    def _removed(self, inputs: tuple[Any, ...], find: Any, check: Any, mismatch: str) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        labels = as_labels(self._labels_getter(sample))
        flat, spec = tree_flatten(sample)
        found = find(flat)
        for label in labels or ():
            if found.shape[0] != label.shape[0]:
                raise ValueError(mismatch.format(found.shape, label.shape))
        params = {"valid": check(found), "labels": labels}
        return tree_unflatten([self.transform(x, params) for x in flat], spec)

    def _is_label(self, inpt: Any, params: dict[str, Any]) -> bool:
        return any(inpt is label for label in params["labels"] or ())


def _kept(inpt: Any, valid: Tensor) -> Any:
    made = inpt.as_subclass(Tensor)[valid]
    return tv_tensors.wrap(made, like=inpt) if isinstance(inpt, tv_tensors.TVTensor) else made


class SanitizeBoundingBoxes(_Sanitize):
    """Boxes outside their image, or too small, removed, with their labels and masks.

    Args:
        min_size: smallest width and height.
        min_area: smallest area.
        labels_getter: ``"default"`` (by key), a function of the sample, or None.
    """

    def __init__(self, min_size: float = 1.0, min_area: float = 1.0, labels_getter: Any = "default") -> None:
        super().__init__()
        if min_size < 1:
            raise ValueError(f"min_size must be >= 1, got {min_size}.")
        self.min_size = min_size
        if min_area < 1:
            raise ValueError(f"min_area must be >= 1, got {min_area}.")
        self.min_area = min_area
        self._setup_labels(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        return self._removed(
            inputs, get_bounding_boxes, lambda boxes: valid_boxes(boxes, self.min_size, self.min_area),
            "Number of boxes (shape={}) and must match the number of labels.Found labels with shape={}).",
        )  # fmt: skip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if not (self._is_label(inpt, params) or isinstance(inpt, (tv_tensors.BoundingBoxes, tv_tensors.Mask))):
            return inpt
        valid = params["valid"]
        if inpt.shape[:1] != valid.shape:  # masks that are not one for each box
            return inpt
        return _kept(inpt, valid)


class SanitizeKeyPoints(_Sanitize):
    """Points (or groups of points) outside their image removed, with their labels."""

    def __init__(self, labels_getter: Any = None) -> None:
        super().__init__()
        self._setup_labels(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        return self._removed(
            inputs, get_keypoints, valid_points,
            "Number of kepyoints (shape={}) must match the number of labels.Found labels with shape={}).",
        )  # fmt: skip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if self._is_label(inpt, params) or isinstance(inpt, tv_tensors.KeyPoints):
            return _kept(inpt, params["valid"])
        return inpt
