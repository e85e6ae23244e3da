"""Decoders of files by their extensions."""

from __future__ import annotations

import io
import json
import os.path
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

import torchax_lite as torch

from .common import StreamWrapper

__all__ = ["Decoder", "ImageHandler", "basichandlers", "extension_extract_fn", "handle_extension", "imagehandler"]

_NUMBERS = ("cls", "cls2", "class", "count", "index", "inx", "id")


def basichandlers(extension: str, data: bytes) -> Any:
    """The text, number, JSON object, pickle or checkpoint that a file holds; None for other extensions."""
    if extension in "txt text transcript":
        return data.decode("utf-8")
    if extension in _NUMBERS:
        try:
            return int(data)
        except ValueError:
            return None
    if extension in "json jsn":
        return json.loads(data)
    if extension in ("pyd", "pickle"):
        return pickle.loads(data)
    if extension == "pt":
        return torch.load(io.BytesIO(data))
    return None


_MODES = ("l", "rgb", "rgba")
imagespecs: dict[str, tuple[str, str | None, str]] = {
    **{f"{m}8": ("numpy", "uint8", m) for m in _MODES},
    **{m: ("numpy", "float", m) for m in _MODES},
    **{f"torch{m}8": ("torch", "uint8", m) for m in _MODES},
    **{f"torch{m}": ("torch", "float", m) for m in _MODES},
    **{f"pil{m}": ("pil", None, m) for m in _MODES},
    "torch": ("torch", "float", "rgb"),
    "pil": ("pil", None, "rgb"),
}
"""From an image specification to the kind of object, its element type, and Pillow's mode in small letters."""


def handle_extension(extensions: str, f: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    """A handler that is ``f`` for keys with the first of these extensions (separated by spaces), and gives None else."""
    targets = [target.split(".") for target in extensions.lower().split()]

    def handler(key: str, data: Any) -> Any:
        parts = key.lower().split(".")
        for target in targets:
            if len(target) <= len(parts):
                return f(data) if parts[-len(target) :] == target else None
        return None

    return handler


class ImageHandler:
    """Decodes images with Pillow.

    Args:
        imagespec: a name in ``imagespecs``: ``rgb8`` is a uint8 array, ``torch`` a float tensor (channels first, 0 to 1),
            ``pil`` a Pillow image.
    """

    def __init__(self, imagespec: str) -> None:
        if imagespec not in imagespecs:
            raise AssertionError(f"unknown image specification: {imagespec}")
        self.imagespec = imagespec.lower()

    def __call__(self, extension: str, data: bytes) -> Any:
        if extension.lower() not in ("jpg", "jpeg", "png", "ppm", "pgm", "pbm", "pnm"):
            return None
        try:
            import PIL.Image
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Package `PIL` is required to be installed for default image decoder."
                "Please use `pip install Pillow` to install the package"
            ) from error
        kind, element, mode = imagespecs[self.imagespec]
        with io.BytesIO(data) as stream:
            image = PIL.Image.open(stream).convert(mode.upper())
        if kind == "pil":
            return image
        array = np.asarray(image)
        if kind == "numpy":
            return array if element == "uint8" else array.astype("f") / 255.0
        tensor = torch.tensor(np.array(array.transpose(2, 0, 1)))
        return tensor if element == "uint8" else tensor / 255.0


def imagehandler(imagespec: str) -> ImageHandler:
    """The image decoder for a specification."""
    return ImageHandler(imagespec)


def extension_extract_fn(pathname: str) -> str:
    """A path's extension without the dot."""
    return os.path.splitext(pathname)[1][1:]


class Decoder:
    """Decodes pairs of a key and data by the first handler that gives something.

    Args:
        handler: functions of an extension and data.
        key_fn: from a key to what handlers are given as extension.
    """

    def __init__(self, *handler: Callable[..., Any], key_fn: Callable[[str], str] = extension_extract_fn) -> None:
        self.handlers = list(handler)
        self.key_fn = key_fn

    def add_handler(self, *handler: Callable[..., Any]) -> None:
        """Put handlers before all others."""
        self.handlers = [*handler, *self.handlers]

    def decode1(self, key: str, data: Any) -> Any:
        """One entry's data, decoded; as it is where no handler knows it."""
        if not data:
            return data
        inner = data.file_obj if isinstance(data, StreamWrapper) else data
        if isinstance(inner, (io.BufferedIOBase, io.RawIOBase)):
            stream = data
            data = b"".join(stream)
            stream.close()
        for handler in self.handlers:
            result = handler(key, data)
            if result is not None:
                return result
        return data

    def decode(self, data: Any) -> dict[str, Any]:
        """A dict of the decoded data of a pair, or of each pair in an iterable."""
        result = {}
        for key, value in [data] if isinstance(data, tuple) else data or ():
            if key[0] == "_" and isinstance(value, bytes):
                result[key] = value.decode("utf-8")
            else:
                result[key] = self.decode1(self.key_fn(key), value)
        return result

    def __call__(self, data: Any) -> dict[str, Any]:
        return self.decode(data)
