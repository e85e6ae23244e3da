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


def get_name() -> str:
    """There is no MPS device."""
    raise NotImplementedError("torch.backends.mps.get_name is not available: JAX has no MPS platform here")


def get_core_count() -> int:
    """There is no MPS device."""
    raise NotImplementedError("torch.backends.mps.get_core_count is not available: JAX has no MPS platform here")


__all__ = ["get_core_count", "get_name", "is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]
