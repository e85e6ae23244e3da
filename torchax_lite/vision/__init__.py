"""Images for `torchax_lite`: what ``import torchvision`` means under the drop-in (torchvision 0.29's interface).

Submodules are imported when first asked for; ``import torchvision`` alone costs nothing and needs no Pillow.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..dropin import VERSIONS

__version__ = VERSIONS["torchvision"]

_LAZY = ("datasets", "extension", "io", "models", "ops", "transforms", "tv_tensors", "utils", "version")

_IMAGE_BACKENDS = ("PIL", "accimage")
_image_backend = "PIL"


def set_image_backend(backend: str) -> None:
    """Choose the package that dataset loaders decode images with.

    Raises:
        ValueError: `backend` is neither ``"PIL"`` nor ``"accimage"``.
    """
    global _image_backend
    if backend not in _IMAGE_BACKENDS:
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL' and 'accimage'")
    _image_backend = backend


def get_image_backend() -> str:
    """The name of the package that dataset loaders decode images with."""
    return _image_backend


def set_video_backend(backend: str) -> None:
    """Accepted for older scripts: torchvision 0.29 knows one backend, and ignores what is asked for."""


def get_video_backend() -> str:
    """The name of the video backend, as torchvision 0.29 answers it (this package decodes no video)."""
    return "pyav"


def disable_beta_transforms_warning() -> None:
    """Does nothing: the warning it silenced is gone."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        try:
            return importlib.import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name == f"{__name__}.{name}":
                raise AttributeError(f"module 'torchvision' has no attribute '{name}' here yet") from None
            raise
    raise AttributeError(f"module 'torchvision' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
