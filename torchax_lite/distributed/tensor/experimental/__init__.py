"""Experiments with distributed tensors: names that refuse to be used."""

from ..._placeholders import fill

fill(globals(), functions="context_parallel implicit_replication local_map register_sharding")
