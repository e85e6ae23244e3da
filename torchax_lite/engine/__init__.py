"""Programs of array operations: recorded, compiled by XLA once a structure, cached, run. Knows nothing of torch."""

from .avals import CPU, Aval, Place, aval, place
from .observe import Compile, Stats, explain, reset_stats, stats
from .recorder import Node, Site, flush_all, pending_ops, step_boundary

__all__ = [
    "CPU", "Aval", "Compile", "Node", "Place", "Site", "Stats", "aval", "explain", "flush_all", "pending_ops", "place",
    "reset_stats", "stats", "step_boundary",
]  # fmt: skip
