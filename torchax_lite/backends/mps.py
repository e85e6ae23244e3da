"""``torch.backends.mps``: Apple's GPUs, which JAX's public platforms do not offer here."""


def is_available() -> bool:
    """Whether an MPS device can be used (never)."""
    return False


def is_built() -> bool:
    """Whether MPS support is built in (never)."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether an MPS device runs on macOS 13 or later (never)."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Whether an MPS device runs on this macOS or later (never)."""
    return False


__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]
