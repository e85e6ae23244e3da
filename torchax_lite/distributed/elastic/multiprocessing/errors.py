"""Errors of a job's processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["ChildFailedError", "ProcessFailure", "record"]


class ProcessFailure:
    """What is known of a process that failed."""

    def __init__(self, local_rank: int, pid: int, exitcode: int, error_file: str) -> None:
        self.local_rank, self.pid, self.exitcode, self.error_file = local_rank, pid, exitcode, error_file


class ChildFailedError(Exception):
    """A process of the job failed."""

    def __init__(self, name: str, failures: dict[int, ProcessFailure]) -> None:
        self.name, self.failures = name, failures
        ranks = ", ".join(f"rank {rank} (exit code {f.exitcode})" for rank, f in failures.items())
        super().__init__(f"{name} FAILED: {ranks}")


def record(fn: Callable[..., Any], error_handler: Any = None) -> Callable[..., Any]:
    """The function as it is: one process reports its own errors."""
    return fn
