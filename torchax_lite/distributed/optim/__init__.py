"""``torch.distributed.optim``: optimizers over several processes; names that refuse to be used."""

from .._placeholders import fill

fill(globals(), classes="DistributedOptimizer PostLocalSGDOptimizer ZeroRedundancyOptimizer")
