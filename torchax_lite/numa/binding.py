"""Binding of processes to NUMA nodes: the options exist, binding does not."""

from __future__ import annotations

import dataclasses
import enum

from .._absent import fill

__all__ = ["AffinityMode", "NumaOptions"]


class AffinityMode(str, enum.Enum):  # noqa: UP042  (as PyTorch has it: str() shows the name)
    """What a process is bound to."""

    NODE = "node"
    SOCKET = "socket"
    EXCLUSIVE = "exclusive"
    CORE_COMPLEX = "core-complex"


@dataclasses.dataclass(frozen=True)
class NumaOptions:
    """How processes are to be bound."""

    affinity_mode: AffinityMode
    should_fall_back_if_binding_fails: bool = False


fill(globals(), "start the program under numactl", functions="maybe_wrap_command_args_with_numa_binding")
