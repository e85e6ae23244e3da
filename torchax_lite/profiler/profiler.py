"""Where programs find ``profile`` and ``schedule``."""

from . import ProfilerAction, profile, schedule, tensorboard_trace_handler

__all__ = ["profile", "schedule", "tensorboard_trace_handler"]


def _default_schedule_fn(_: int) -> ProfilerAction:
    """Record every step."""
    return ProfilerAction.RECORD
