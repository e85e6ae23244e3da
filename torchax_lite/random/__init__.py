"""PyTorch's CPU random numbers to the bit, in NumPy: the generator and flat fills in memory order.

As ``torch.random`` the package also shows the functions on the default generators (from ``tensor/generator.py``).
"""

from typing import Any

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
    uniforms_for_probabilities,
)
from .gamma import dirichlet, standard_gamma
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
    "dirichlet",
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
    "standard_gamma",
    "uniform",
    "uniforms_for_probabilities",
]

_TORCH_RANDOM = frozenset(
    {
        "Generator",
        "default_generator",
        "fork_rng",
        "get_rng_state",
        "initial_seed",
        "manual_seed",
        "seed",
        "set_rng_state",
        "thread_safe_generator",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _TORCH_RANDOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ..tensor import generator

    return getattr(generator, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_TORCH_RANDOM})
