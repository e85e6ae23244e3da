"""Learning-rate schedulers: ``scheduler.step()`` after ``optimizer.step()`` sets the next rate of each group.

Rates are Python numbers (or tensors filled in place) that enter the next update as inputs: a rate that changes at
every step compiles nothing.
"""

from ._base import EPOCH_DEPRECATION_WARNING, LRScheduler, _LRScheduler
from ._compose import ChainedScheduler, SequentialLR
from ._curves import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from ._cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from ._plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
