"""PyTorch's CPU random numbers to the bit, in NumPy: the generator and flat fills in memory order."""

from .fills import (
    bernoulli_scalar,
    bernoulli_tensor,
    cauchy,
    dropout_noise,
    exponential,
    geometric,
    log_normal,
    normal,
    random_full,
    random_int,
    uniform,
)
from .mt19937 import DEFAULT_SEED, CPUGenerator, check_seed
from .sampling import binomial, multinomial, poisson, randperm

__all__ = [
    "DEFAULT_SEED",
    "CPUGenerator",
    "bernoulli_scalar",
    "bernoulli_tensor",
    "binomial",
    "cauchy",
    "check_seed",
    "dropout_noise",
    "exponential",
    "geometric",
    "log_normal",
    "multinomial",
    "normal",
    "poisson",
    "random_full",
    "random_int",
    "randperm",
    "uniform",
]
