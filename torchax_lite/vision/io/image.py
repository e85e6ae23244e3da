"""Images as tensors ``(C, H, W)`` of bytes: files, JPEG, PNG, GIF, WebP and AVIF."""

from __future__ import annotations

import io
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError, features

import torchax_lite as torch
from torchax_lite import Tensor

from .._arrays import from_host


class ImageReadMode(Enum):
    """What channels an image is read with: its own (``UNCHANGED``), or converted."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_MODES = {
    ImageReadMode.GRAY: "L",
    ImageReadMode.GRAY_ALPHA: "LA",
    ImageReadMode.RGB: "RGB",
    ImageReadMode.RGB_ALPHA: "RGBA",
}


def read_file(path: Any) -> Tensor:
    """The bytes of a file, ``(n,)``.

    Raises:
        RuntimeError: the file cannot be opened.
    """
    try:
        return from_host(np.fromfile(str(path), np.uint8))
    except OSError as error:
        raise RuntimeError(f"[Errno {error.errno}] {error.strerror}: '{path}'") from error


def write_file(filename: Any, data: Tensor) -> None:
    """Write bytes ``(n,)`` to a file."""
    if not data.is_cpu:
        raise RuntimeError("Input tensor should be on CPU")
    if data.dtype != torch.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if data.ndim != 1:
        raise RuntimeError("Input data should be a 1-dimensional tensor")
    Path(str(filename)).write_bytes(data.numpy().tobytes())


def _mode(mode: Any) -> ImageReadMode:
    return ImageReadMode[mode.upper()] if isinstance(mode, str) else mode


def _check_encoded(data: Any) -> None:
    if not data.is_cpu:
        raise ValueError("Input tensor must be a CPU tensor")
    if data.dtype != torch.uint8:
        raise RuntimeError(f"Expected a torch.uint8 tensor, got {data.dtype}")
    if data.ndim != 1 or data.numel() == 0:
        raise RuntimeError("Expected a non empty 1-dimensional tensor")


def _opened(data: Tensor, kinds: tuple[str, ...] | None) -> Image.Image:
    """The Pillow image of encoded bytes, in one of the formats ``kinds`` (any where None).

    Raises:
        RuntimeError: another format, or damaged data.
    """
    _check_encoded(data)
    try:
        return Image.open(io.BytesIO(data.numpy().tobytes()), formats=kinds)
    except UnidentifiedImageError as error:
        wanted = "jpeg, png, gif, webp or avif" if kinds is None else " or ".join(kind.lower() for kind in kinds)
        raise RuntimeError(f"Unsupported or damaged image data: expected {wanted}") from error


def _expanded(img: Image.Image) -> Image.Image:
    """The image with palettes and single bits as values, as its own channels are."""
    if img.mode == "P":
        return img.convert("RGBA" if "transparency" in img.info else "RGB")
    if img.mode == "1":
        return img.convert("L")
    if "transparency" in img.info and img.mode in ("L", "RGB"):
        return img.convert("LA" if img.mode == "L" else "RGBA")
    return img


def _tensor(img: Image.Image, mode: ImageReadMode, apply_exif_orientation: bool) -> Tensor:
    """A Pillow image as a tensor with the channels of a mode."""
    try:
        if apply_exif_orientation:
            img = ImageOps.exif_transpose(img)
        img = _expanded(img) if mode is ImageReadMode.UNCHANGED or img.mode.startswith("I") else img
        if mode is not ImageReadMode.UNCHANGED and not img.mode.startswith("I"):
            img = img.convert(_MODES[mode])
        array = np.array(img)
    except (OSError, SyntaxError) as error:
        raise RuntimeError(f"damaged image data: {error}") from error
    if img.mode.startswith("I"):
        array = array.astype(np.uint16)
    if array.ndim == 2:
        array = array[:, :, None]
    return from_host(array).permute(2, 0, 1)


def decode_png(input: Tensor, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The image of PNG data; 16-bit gray gives uint16."""
    return _tensor(_opened(input, ("PNG",)), _mode(mode), apply_exif_orientation)


def decode_jpeg(
    input: Any, mode: Any = ImageReadMode.UNCHANGED, device: Any = "cpu", apply_exif_orientation: bool = False
) -> Any:
    """The image of JPEG data, or those of a list; moved to ``device`` once decoded."""
    if isinstance(input, list):
        if not input:
            raise ValueError("Input list must contain at least one element")
        if not all(isinstance(t, Tensor) for t in input):
            raise ValueError("All elements of the input list must be tensors.")
        if not all(t.is_cpu for t in input):
            raise ValueError("Input list must contain tensors on CPU.")
        return [decode_jpeg(t, mode, device, apply_exif_orientation) for t in input]
    mode = _mode(mode)
    if mode in (ImageReadMode.GRAY_ALPHA, ImageReadMode.RGB_ALPHA):
        raise RuntimeError("The provided mode is not supported for JPEG files")
    return _tensor(_opened(input, ("JPEG",)), mode, apply_exif_orientation).to(device)


def decode_webp(input: Tensor, mode: Any = ImageReadMode.UNCHANGED) -> Tensor:
    """The image of WebP data."""
    return _decode_optional(input, mode, "webp", "WEBP")


def decode_avif(input: Tensor, mode: Any = ImageReadMode.UNCHANGED) -> Tensor:
    """The image of AVIF data, where Pillow was built with AVIF."""
    return _decode_optional(input, mode, "avif", "AVIF")


def _decode_optional(input: Tensor, mode: Any, feature: str, kind: str) -> Tensor:
    if not features.check(feature):
        raise NotImplementedError(f"decode_{feature}: the installed Pillow was built without {kind}")
    return _tensor(_opened(input, (kind,)), _mode(mode), False)


def decode_heic(input: Tensor, mode: Any = ImageReadMode.UNCHANGED) -> Tensor:
    """There is no decoder of HEIC."""
    raise NotImplementedError("torchvision.io.decode_heic: HEIC is not decoded here")


def decode_gif(input: Tensor) -> Tensor:
    """The frames of GIF data ``(T, 3, H, W)``, or the only one ``(3, H, W)``."""
    frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(_opened(input, ("GIF",)))]
    made = from_host(np.stack(frames)).permute(0, 3, 1, 2)
    return made[0] if len(frames) == 1 else made


def decode_image(input: Any, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The image of encoded data, or of a file, in any of the formats."""
    data = input if isinstance(input, Tensor) else read_file(str(input))
    img = _opened(data, None)
    if img.format == "GIF":
        return decode_gif(data)
    if img.format == "JPEG":
        return decode_jpeg(data, mode, apply_exif_orientation=apply_exif_orientation)  # type: ignore[no-any-return]
    return _tensor(img, _mode(mode), apply_exif_orientation)


def read_image(path: Any, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The image in a file."""
    return decode_image(read_file(path), mode, apply_exif_orientation=apply_exif_orientation)


def _encoded(input: Any, save: Callable[[Image.Image, io.BytesIO], None]) -> Tensor:
    """Bytes of an image ``(1 or 3, H, W)``."""
    if input.dtype != torch.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if input.ndim != 3:
        raise RuntimeError("Input data should be a 3-dimensional tensor")
    if input.shape[0] not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {input.shape[0]}")
    array = np.ascontiguousarray(input.numpy(force=True).transpose(1, 2, 0))
    buffer = io.BytesIO()
    save(Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array), buffer)
    return from_host(np.frombuffer(buffer.getvalue(), np.uint8).copy())


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """An image as PNG data ``(n,)``."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError("Compression level should be between 0 and 9")
    return _encoded(input, lambda img, out: img.save(out, "PNG", compress_level=compression_level))


def encode_jpeg(input: Any, quality: int = 75) -> Any:
    """An image as JPEG data ``(n,)``, or a list of them."""
    if quality < 1 or quality > 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    if isinstance(input, list):
        if not input:
            raise ValueError("encode_jpeg requires at least one input tensor when a list is passed")
        return [encode_jpeg(image, quality) for image in input]
    return _encoded(input, lambda img, out: img.save(out, "JPEG", quality=quality))


def write_png(input: Tensor, filename: Any, compression_level: int = 6) -> None:
    """Write an image to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: Any, quality: int = 75) -> None:
    """Write an image to a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))
