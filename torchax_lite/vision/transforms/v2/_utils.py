"""Checks of arguments, and questions about samples."""

from __future__ import annotations

import collections.abc
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import PIL.Image

from torchax_lite import Tensor

from ... import tv_tensors
from .._arguments import _check_sequence_input as _check_sequence_input
from .._arguments import _setup_angle as _setup_angle
from .._arguments import _setup_size as _setup_size
from .functional import get_dimensions, get_size
from .functional._utils import is_pure_tensor as is_pure_tensor

SIZE_ERROR = "Please provide only two dimensions (h, w) for size."


def _setup_number_or_seq(arg: Any, name: str) -> list[float]:
    """Two floats of a number, or of a sequence of one or two."""
    if not isinstance(arg, (int, float, Sequence)):
        raise TypeError(f"{name} should be a number or a sequence of numbers. Got {type(arg)}")
    if isinstance(arg, (int, float)):
        return [float(arg), float(arg)]
    if len(arg) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 1 or 2. Got {len(arg)}")
    for element in arg:
        if not isinstance(element, (int, float)):
            raise ValueError(f"{name} should be a sequence of numbers. Got {type(element)}")
    return [float(arg[0]), float(arg[-1])]


def _check_fill_arg(fill: Any) -> None:
    if isinstance(fill, dict):
        for value in fill.values():
            _check_fill_arg(value)
    elif fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg, only Numbers, tuples, lists and dicts are allowed.")


def _setup_fill_arg(fill: Any) -> dict[Any, Any]:
    """Fills by type of input; one for all under ``"others"``."""
    _check_fill_arg(fill)
    by_type = fill if isinstance(fill, dict) else {"others": fill}
    for key, value in by_type.items():
        by_type[key] = value if value is None or isinstance(value, (int, float)) else [float(v) for v in value]
    return by_type


def _get_fill(fill_dict: dict[Any, Any], inpt_type: type) -> Any:
    return fill_dict[inpt_type] if inpt_type in fill_dict else fill_dict.get("others")


def _check_padding_arg(padding: Any) -> None:
    fine = isinstance(padding, int) or (
        isinstance(padding, (tuple, list)) and len(padding) in (1, 2, 4) and all(isinstance(p, int) for p in padding)
    )
    if not fine:
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element of tuple or list, got {padding}.")


def _check_padding_mode_arg(padding_mode: str) -> None:
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def _find_labels_default_heuristic(inputs: Any) -> Any:
    """The labels of a sample: a pure tensor, or what has "label" in its key."""
    if isinstance(inputs, (tuple, list)):
        inputs = inputs[1]
    if is_pure_tensor(inputs):
        return inputs
    if not isinstance(inputs, collections.abc.Mapping):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple "
            f"whose second item is a dictionary or a tensor, but got {inputs} instead."
        )
    exact = [key for key in inputs if key.lower() == "labels"]
    close = [key for key in inputs if "label" in key.lower()]
    if not exact + close:
        raise ValueError(
            "Could not infer where the labels are in the sample. Try passing a callable as the labels_getter parameter?"
            "If there are no labels in the sample by design, pass labels_getter=None."
        )
    return inputs[(exact + close)[0]]


def no_labels(inputs: Any) -> None:
    """The labels of samples that have none."""


def _parse_labels_getter(labels_getter: Any) -> Callable[[Any], Any]:
    if labels_getter == "default":
        return _find_labels_default_heuristic
    if callable(labels_getter):
        return labels_getter  # type: ignore[no-any-return]
    if labels_getter is None:
        return no_labels
    raise ValueError(f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}.")


def _first(flat_inputs: list[Any], kind: type, message: str) -> Any:
    for inpt in flat_inputs:
        if isinstance(inpt, kind):
            return inpt
    raise ValueError(message)


def get_bounding_boxes(flat_inputs: list[Any]) -> tv_tensors.BoundingBoxes:
    """The first bounding boxes of a sample."""
    return _first(flat_inputs, tv_tensors.BoundingBoxes, "No bounding boxes were found in the sample")  # type: ignore[no-any-return]


def get_keypoints(flat_inputs: list[Any]) -> tv_tensors.KeyPoints:
    """The first key points of a sample."""
    return _first(flat_inputs, tv_tensors.KeyPoints, "No keypoints were found in the sample")  # type: ignore[no-any-return]


IMAGES = (is_pure_tensor, tv_tensors.Image, PIL.Image.Image, tv_tensors.Video)


def _only(found: set[Any], missing: str, what: str) -> Any:
    if not found:
        raise TypeError(f"No {missing} was found in the sample")
    if len(found) > 1:
        listed = "', '".join(str(item) for item in sorted(found))
        raise ValueError(f"Found multiple {what} dimensions in the sample: '{listed}'")
    return found.pop()


def query_chw(flat_inputs: list[Any]) -> tuple[int, int, int]:
    """Channels, height and width of the images of a sample.

    Raises:
        TypeError: there is none.
        ValueError: they differ.
    """
    found = {tuple(get_dimensions(x)) for x in flat_inputs if check_type(x, IMAGES)}
    return _only(found, "image or video", "CxHxW")  # type: ignore[no-any-return]


def query_size(flat_inputs: list[Any]) -> tuple[int, int]:
    """Height and width of the images of a sample, and of what belongs to them.

    Raises:
        TypeError: there is none.
        ValueError: they differ.
    """
    kinds = (*IMAGES, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)
    found = {tuple(get_size(x)) for x in flat_inputs if check_type(x, kinds)}
    return _only(found, "image, video, mask, bounding box of keypoint", "HxW")  # type: ignore[no-any-return]


def check_type(obj: Any, types_or_checks: Any) -> bool:
    """Whether an object is of one of the types, or passes one of the checks."""
    return any(isinstance(obj, t) if isinstance(t, type) else t(obj) for t in types_or_checks)


def has_any(flat_inputs: list[Any], *types_or_checks: Any) -> bool:
    """Whether one part of a sample is of one of the types."""
    return any(check_type(x, types_or_checks) for x in flat_inputs)


def has_all(flat_inputs: list[Any], *types_or_checks: Any) -> bool:
    """Whether a sample has a part of each of the types."""
    return all(has_any(flat_inputs, t) for t in types_or_checks)


def as_labels(labels: Any) -> Any:
    """The labels that a getter found as a sequence of tensors, or None."""
    message = "The labels in the input to forward() must be a tensor or None, got {} instead."
    if labels is None or isinstance(labels, Tensor):
        return None if labels is None else (labels,)
    if not isinstance(labels, (tuple, list)):
        raise ValueError(message.format(type(labels)))
    for entry in labels:
        if not isinstance(entry, Tensor):
            raise ValueError(message.format(type(entry)))
    return labels
