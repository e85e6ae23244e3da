"""Tensor parallelism: names that refuse to be used; it needs several processes."""

from ..._placeholders import fill

fill(
    globals(),
    classes="ColwiseParallel ParallelStyle PrepareModuleInput PrepareModuleInputOutput PrepareModuleOutput RowwiseParallel SequenceParallel",
    functions="loss_parallel parallelize_module",
)
