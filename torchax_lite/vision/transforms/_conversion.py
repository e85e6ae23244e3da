"""Between Pillow images, NumPy arrays and tensors."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from ...tensor.dtypes import to_numpy_dtype
from .._arrays import from_host
from . import _functional_pil as F_pil

_INT16 = "I;16" if sys.byteorder == "little" else "I;16B"
_ARRAY_TYPES: dict[str, Any] = {"I": np.int32, _INT16: np.int16, "F": np.float32}
_MODES = {np.dtype(np.uint8): "L", np.dtype(np.int16): _INT16, np.dtype(np.int32): "I", np.dtype(np.float32): "F"}
_PERMITTED = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}
_DEFAULTS = {2: "LA", 3: "RGB", 4: "RGBA"}


def _channels_first(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(array.transpose(2, 0, 1))


def _scaled(array: np.ndarray[Any, Any]) -> Tensor:
    """Bytes ``(H, W, C)`` as floats ``(C, H, W)`` from 0 to 1, of the default dtype."""
    dtype = to_numpy_dtype(torch.get_default_dtype())
    made = _channels_first(array).astype(dtype)
    made /= dtype.type(255)
    return from_host(made)


def to_tensor(pic: Any) -> Tensor:
    """A Pillow image or an array ``(H, W, C)`` as a tensor ``(C, H, W)``; bytes become floats from 0 to 1.

    Raises:
        TypeError: anything else.
        ValueError: an array of neither two nor three dims.
    """
    if not (F_pil._is_pil_image(pic) or isinstance(pic, np.ndarray)):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic[:, :, None] if pic.ndim == 2 else pic
        if array.dtype == np.uint8:
            return _scaled(array)
        made = array.transpose(2, 0, 1)
        return torch.from_numpy(made if made.flags.c_contiguous else np.ascontiguousarray(made))
    array = np.array(pic, _ARRAY_TYPES.get(pic.mode, np.uint8))
    if pic.mode == "1":
        array = 255 * array
    array = array.reshape(pic.size[1], pic.size[0], F_pil.get_image_num_channels(pic))
    return _scaled(array) if array.dtype == np.uint8 else from_host(_channels_first(array))


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow image as a tensor ``(C, H, W)`` of its own values (laid out as Pillow has them).

    Raises:
        TypeError: anything else.
    """
    if not F_pil._is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic)
    img = from_host(array.reshape(pic.size[1], pic.size[0], F_pil.get_image_num_channels(pic)))
    return img.permute(2, 0, 1)


def to_pil_image(pic: Any, mode: str | None = None) -> Image.Image:
    """A tensor ``(C, H, W)`` or an array ``(H, W, C)`` as a Pillow image; floats are scaled by 255 and cut off.

    Raises:
        TypeError: another type, or a dtype that no mode stands for.
        ValueError: neither two nor three dims, more than four channels, or a mode that does not fit.
    """
    if isinstance(pic, Tensor):
        array = pic.numpy(force=True)
        array = array.transpose(1, 2, 0) if pic.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    channels = array.shape[-1]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if np.issubdtype(array.dtype, np.floating) and mode != "F":
        array = (array * 255).astype(np.uint8)
    if channels == 1:
        array = array[:, :, 0]
        expected = _MODES.get(array.dtype)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {np.dtype}. Should be {expected}")
        mode = expected
    else:
        if mode is not None and mode not in _PERMITTED[channels]:
            raise ValueError(f"Only modes {_PERMITTED[channels]} are supported for {channels}D inputs")
        if mode is None and array.dtype == np.uint8:
            mode = _DEFAULTS[channels]
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return F_pil._from_array(array, mode)
