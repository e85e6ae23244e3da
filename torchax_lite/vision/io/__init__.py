"""Reading and writing images, by Pillow. There is no video."""

from __future__ import annotations

from typing import Any

from .image import (
    ImageReadMode,
    decode_avif,
    decode_gif,
    decode_heic,
    decode_image,
    decode_jpeg,
    decode_png,
    decode_webp,
    encode_jpeg,
    encode_png,
    read_file,
    read_image,
    write_file,
    write_jpeg,
    write_png,
)

__all__ = [
    "ImageReadMode", "decode_avif", "decode_gif", "decode_heic", "decode_image", "decode_jpeg", "decode_png",
    "decode_webp", "encode_jpeg", "encode_png", "read_file", "read_image", "write_file", "write_jpeg", "write_png",
]  # fmt: skip

_VIDEO = frozenset("VideoReader read_video read_video_timestamps write_video".split())


def __getattr__(name: str) -> Any:
    if name in _VIDEO:

        def missing(*args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError(f"torchvision.io.{name}: videos are not decoded here (nor by torchvision 0.29)")

        missing.__name__ = missing.__qualname__ = name
        missing.__unsupported__ = "videos are not decoded here"  # type: ignore[attr-defined]
        return missing
    raise AttributeError(f"module 'torchvision.io' has no attribute '{name}'")
