"""The versions: of the PyTorch interface that this package answers for, and of the package itself."""

from __future__ import annotations

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "rocm", "torchax_lite", "xpu"]

#: What ``torch.__version__`` and ``importlib.metadata.version("torch")`` say under the drop-in.
__version__: str = "2.13.0+torchax.lite"

#: The version of this package (the distribution ``torchax-lite``).
torchax_lite: str = "0.1.0"

debug: bool = False
cuda: str | None = None
git_version: str = "unknown"
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
