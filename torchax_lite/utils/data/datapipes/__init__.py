"""Data pipes: datasets that are chained by methods, such as ``pipe.map(fn).batch(8)``."""

from . import iter, map

__all__ = ["iter", "map"]
