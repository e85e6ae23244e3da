"""Averages of models over processes."""

from . import averagers

__all__ = ["averagers"]
