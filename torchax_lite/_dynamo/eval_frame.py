"""Where programs find ``OptimizedModule``."""

from torchax_lite.compiler._optimized import OptimizedModule

from . import is_dynamo_supported

__all__ = ["OptimizedModule", "is_dynamo_supported"]
