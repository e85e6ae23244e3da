"""Checks of arguments that several transforms share."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any


def _setup_size(size: Any, error_msg: str) -> Any:
    """Height and width of a number, or of a sequence of one or two."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(error_msg)
    return size


def _check_sequence_input(x: Any, name: str, req_sizes: tuple[int, ...]) -> None:
    """Refuse what is not a sequence of one of the given lengths."""
    wanted = " or ".join(str(s) for s in req_sizes)
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {wanted}.")
    if len(x) not in req_sizes:
        raise ValueError(f"{name} should be a sequence of length {wanted}.")


def _setup_angle(x: Any, name: str, req_sizes: tuple[int, ...] = (2,)) -> list[float]:
    """A range of angles: ``[-x, x]`` of a number, or a sequence as floats."""
    if isinstance(x, numbers.Number):
        if x < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be positive.")
        x = [-x, x]  # type: ignore[operator]
    else:
        _check_sequence_input(x, name, req_sizes)
    return [float(d) for d in x]


def check_affine_ranges(translate: Any, scale: Any, center: Any) -> None:
    """Refuse shares of the image outside 0 to 1, scales that are not positive, and centres without two numbers."""
    if translate is not None:
        _check_sequence_input(translate, "translate", req_sizes=(2,))
        if not all(0.0 <= t <= 1.0 for t in translate):
            raise ValueError("translation values should be between 0 and 1")
    if scale is not None:
        _check_sequence_input(scale, "scale", req_sizes=(2,))
        if any(s <= 0 for s in scale):
            raise ValueError("scale values should be positive")
    if center is not None:
        _check_sequence_input(center, "center", req_sizes=(2,))


def check_erasing(value: Any, scale: Any, ratio: Any) -> None:
    """The checks of ``RandomErasing``'s arguments; warns of ranges that run downwards."""
    if not isinstance(value, (numbers.Number, str, tuple, list)):
        raise TypeError("Argument value should be either a number or str or a sequence")
    if isinstance(value, str) and value != "random":
        raise ValueError("If value is str, it should be 'random'")
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)
    if scale[0] < 0 or scale[1] > 1:
        raise ValueError("Scale should be between 0 and 1")


def check_linear_map(transformation_matrix: Any, mean_vector: Any) -> None:
    """Refuse a matrix that is not square, or a vector that does not fit it."""
    m, v = transformation_matrix, mean_vector
    if m.size(0) != m.size(1):
        raise ValueError(f"transformation_matrix should be square. Got {tuple(m.size())} rectangular matrix.")
    if v.size(0) != m.size(0):
        raise ValueError(
            f"mean_vector should have the same length {v.size(0)} as any one of the dimensions of the "
            f"transformation_matrix [{tuple(m.size())}]"
        )
    if m.device != v.device:
        raise ValueError(f"Input tensors should be on the same device. Got {m.device} and {v.device}")
    if m.dtype != v.dtype:
        raise ValueError(f"Input tensors should have the same dtype. Got {m.dtype} and {v.dtype}")


def linear_map(tensor: Any, matrix: Any, mean: Any) -> Any:
    """``(flattened image - mean) @ matrix``, in the image's shape."""
    shape = tensor.shape
    c, h, w = shape[-3:]
    n = c * h * w
    if n != matrix.shape[0]:
        raise ValueError(
            f"Input tensor and transformation matrix have incompatible shape.[{c} x {h} x {w}] != {matrix.shape[0]}"
        )
    if tensor.device.type != mean.device.type:
        raise ValueError(
            "Input tensor should be on the same device as transformation matrix and mean vector. "
            f"Got {tensor.device} vs {mean.device}"
        )
    flat = tensor.reshape(-1, n) - mean
    return flat.mm(matrix.to(flat.dtype)).reshape(shape)
