"""Processes of a job."""

from . import errors

__all__ = ["errors"]
