"""Where programs find ``OptimizedModule``."""

from torchax_lite.compiler._optimized import OptimizedModule

__all__ = ["OptimizedModule", "is_dynamo_supported"]


def is_dynamo_supported() -> bool:
    """True: compiled functions run."""
    return True
