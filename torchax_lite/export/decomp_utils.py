"""Decompositions of ops in exported programs: not here."""

from .._absent import fill

fill(
    globals(),
    "an exported program is a StableHLO module and, where the source can be traced, a torch.fx graph: module().graph",
    classes="CustomDecompTable",
)
