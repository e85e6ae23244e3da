"""Operations on Pillow images, by Pillow itself."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

Fill = float | Sequence[float] | None


def _is_pil_image(img: Any) -> bool:
    return isinstance(img, Image.Image)


def _check(img: Any) -> None:
    if not isinstance(img, Image.Image):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")


def _from_array(array: np.ndarray[Any, Any], mode: str) -> Image.Image:
    """An image of a mode from the bytes of an array ``(H, W)`` or ``(H, W, bands)``."""
    return Image.frombuffer(mode, (array.shape[1], array.shape[0]), array.tobytes(), "raw", mode, 0, 1)


def get_dimensions(img: Any) -> list[int]:
    """Bands, height and width."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"Unexpected type {type(img)}")
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"Unexpected type {type(img)}")
    return list(img.size)


def get_image_num_channels(img: Any) -> int:
    """How many bands."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"Unexpected type {type(img)}")
    return len(img.getbands())


def hflip(img: Image.Image) -> Image.Image:
    """The image mirrored left to right."""
    _check(img)
    return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Image.Image) -> Image.Image:
    """The image mirrored top to bottom."""
    _check(img)
    return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def adjust_brightness(img: Image.Image, brightness_factor: float) -> Image.Image:
    """``brightness_factor`` times the image."""
    _check(img)
    return ImageEnhance.Brightness(img).enhance(brightness_factor)


def adjust_contrast(img: Image.Image, contrast_factor: float) -> Image.Image:
    """The image blended with its mean gray."""
    _check(img)
    return ImageEnhance.Contrast(img).enhance(contrast_factor)


def adjust_saturation(img: Image.Image, saturation_factor: float) -> Image.Image:
    """The image blended with its gray version."""
    _check(img)
    return ImageEnhance.Color(img).enhance(saturation_factor)


def adjust_sharpness(img: Image.Image, sharpness_factor: float) -> Image.Image:
    """The image blended with its smoothed version."""
    _check(img)
    return ImageEnhance.Sharpness(img).enhance(sharpness_factor)


def adjust_hue(img: Image.Image, hue_factor: float) -> Image.Image:
    """The hue turned by ``hue_factor`` (-0.5 to 0.5) of a full turn, in 256 steps."""
    if not (-0.5 <= hue_factor <= 0.5):
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    _check(img)
    mode = img.mode
    if mode in {"L", "1", "I", "F"}:
        return img
    h, s, v = img.convert("HSV").split()
    turned = np.array(h, dtype=np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)
    return Image.merge("HSV", (_from_array(turned, "L"), s, v)).convert(mode)


def adjust_gamma(img: Image.Image, gamma: float, gain: float = 1.0) -> Image.Image:
    """``255 * gain * (image / 255) ** gamma``."""
    _check(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    mode = img.mode
    table = [int((255 + 1 - 1e-3) * gain * pow(level / 255.0, gamma)) for level in range(256)] * 3
    return img.convert("RGB").point(table).convert(mode)


def _sides(padding: Any) -> list[int]:
    """Left, top, right and bottom of a padding argument."""
    if isinstance(padding, int):
        return [padding] * 4
    return [padding[0], padding[1]] * 2 if len(padding) == 2 else list(padding)


def pad(
    img: Image.Image,
    padding: int | Sequence[int],
    fill: Fill = 0,
    padding_mode: Literal["constant", "edge", "reflect", "symmetric"] = "constant",
) -> Image.Image:
    """The image with borders of a colour, or of its own pixels.

    Raises:
        TypeError, ValueError: arguments of other types, lengths or modes.
    """
    _check(img)
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if isinstance(padding, list):
        padding = tuple(padding)
    if isinstance(padding, tuple):
        if len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        padding = padding[0] if len(padding) == 1 else padding
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        made = ImageOps.expand(img, border=padding, **_parse_fill(fill, img, name="fill"))  # type: ignore[arg-type]
    else:
        made = _pad_with_pixels(img, _sides(padding), padding_mode)
    if palette is not None:
        made.putpalette(palette)
    return made


def _pad_with_pixels(img: Image.Image, sides: list[int], mode: str) -> Image.Image:
    left, top, right, bottom = (max(-side, 0) for side in sides)
    if left or top or right or bottom:
        img = img.crop((left, top, img.width - right, img.height - bottom))
    left, top, right, bottom = (max(side, 0) for side in sides)
    array = np.asarray(img)
    widths = [(top, bottom), (left, right)] + [(0, 0)] * (array.ndim - 2)
    return Image.fromarray(np.pad(array, widths, mode=mode))  # type: ignore[call-overload]


def crop(img: Image.Image, top: int, left: int, height: int, width: int) -> Image.Image:
    """A rectangle of the image; black where it leaves the image."""
    _check(img)
    return img.crop((left, top, left + width, top + height))


def resize(img: Image.Image, size: list[int] | int, interpolation: int = Image.Resampling.BILINEAR) -> Image.Image:
    """The image resized to ``[height, width]``."""
    _check(img)
    if not (isinstance(size, list) and len(size) == 2):
        raise TypeError(f"Got inappropriate size arg: {size}")
    return img.resize((size[1], size[0]), interpolation)


def _parse_fill(fill: Fill, img: Image.Image, name: str = "fillcolor") -> dict[str, Any]:
    """A fill argument as Pillow's keyword ``name``: one value, or one for each band.

    Raises:
        ValueError: as many values as neither one nor the bands.
    """
    bands = get_image_num_channels(img)
    value: Any = 0 if fill is None else fill
    if isinstance(value, (int, float)) and bands > 1:
        value = (value,) * bands
    if isinstance(value, (list, tuple)):
        if len(value) == 1:
            value = value * bands
        elif len(value) != bands:
            raise ValueError(
                "The number of elements in 'fill' does not match the number of channels of the image "
                f"({len(value)} != {bands})"
            )
        value = tuple(value)
    if img.mode != "F":
        value = tuple(int(v) for v in value) if isinstance(value, tuple) else int(value)
    return {name: value}


def affine(
    img: Image.Image, matrix: Sequence[float], interpolation: int = Image.Resampling.NEAREST, fill: Fill = None
) -> Image.Image:
    """The image under an inverse affine map of six numbers."""
    _check(img)
    return img.transform(img.size, Image.Transform.AFFINE, matrix, interpolation, **_parse_fill(fill, img))


def rotate(
    img: Image.Image,
    angle: float,
    interpolation: int = Image.Resampling.NEAREST,
    expand: bool = False,
    center: tuple[int, int] | None = None,
    fill: Fill = None,
) -> Image.Image:
    """The image turned counter-clockwise by degrees."""
    _check(img)
    return img.rotate(angle, interpolation, expand, center, **_parse_fill(fill, img))


def perspective(
    img: Image.Image,
    perspective_coeffs: Sequence[float],
    interpolation: int = Image.Resampling.BICUBIC,
    fill: Fill = None,
) -> Image.Image:
    """The image under an inverse perspective map of eight numbers."""
    _check(img)
    return img.transform(
        img.size, Image.Transform.PERSPECTIVE, perspective_coeffs, interpolation, **_parse_fill(fill, img)
    )


def to_grayscale(img: Image.Image, num_output_channels: int) -> Image.Image:
    """The luminance, as one band or as three equal ones."""
    _check(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    gray = img.convert("L")
    return gray if num_output_channels == 1 else Image.merge("RGB", (gray, gray, gray))


def invert(img: Image.Image) -> Image.Image:
    """The negative."""
    _check(img)
    return ImageOps.invert(img)


def posterize(img: Image.Image, bits: int) -> Image.Image:
    """Only the highest bits of each value."""
    _check(img)
    return ImageOps.posterize(img, bits)


def solarize(img: Image.Image, threshold: int) -> Image.Image:
    """Values that reach the threshold inverted."""
    _check(img)
    return ImageOps.solarize(img, threshold)


def autocontrast(img: Image.Image) -> Image.Image:
    """Each band stretched to the full range."""
    _check(img)
    return ImageOps.autocontrast(img)


def equalize(img: Image.Image) -> Image.Image:
    """Each band with a flat histogram."""
    _check(img)
    return ImageOps.equalize(img)
