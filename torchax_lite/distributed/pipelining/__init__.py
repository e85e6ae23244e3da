"""Pipelines over processes: names that refuse to be used."""

from enum import Enum

from .._placeholders import fill


class SplitPoint(Enum):
    """Where a pipeline is split."""

    BEGINNING = 1
    END = 2


fill(
    globals(),
    classes="Pipe PipelineStage Schedule1F1B ScheduleGPipe ScheduleInterleaved1F1B ScheduleLoopedBFS",
    functions="build_stage pipe_split pipeline",
)
