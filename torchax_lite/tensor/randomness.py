"""Random numbers of tensors: the in-place fills, dropout's masks, and the names that torch and Tensor take.

On the CPU the numbers are PyTorch's, drawn on the host in the order in which elements lie in memory. On
accelerators ops of ``ops/random_ops.py`` draw inside the program, from keys of the device's generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import aval
from . import dispatch
from .arguments import float_of, floats_of, int_of, no_overload
from .casting import format_strides
from .draws import (
    ANY_INTEGER,
    bernoulli_law,
    bernoulli_node,
    cauchy_law,
    draw,
    exponential_law,
    fill,
    geometric_law,
    integer_law,
    log_normal_law,
    normal_law,
    store,
    uniform_law,
)
from .generator import Generator
from .layouts import preserve_format
from .random_factories import normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm
from .random_samplers import _sample_dirichlet, _standard_gamma, bernoulli, binomial, multinomial, poisson
from .tensor import Tensor


def uniform_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``uniform_(from=0, to=1)``: fill with uniform samples of [from, to)."""
    low, high = floats_of("uniform_", args, kwargs, {"from": 0.0, "to": 1.0})
    return fill(self, uniform_law(low, high), generator, "uniform_", "UniformBackward0")


def normal_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``normal_(mean=0, std=1)``: fill with normal samples."""
    mean, std = floats_of("normal_", args, kwargs, {"mean": 0.0, "std": 1.0})
    return fill(self, normal_law(mean, std), generator, "normal_", "NormalBackward0")


_RANDOM_FORMS = (
    "*, torch.Generator generator = None", "int from, int to, *, torch.Generator generator = None",
    "int to, *, torch.Generator generator = None",
)  # fmt: skip


def random_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``random_(from=0, to=None)``: fill with integers of [from, to), or of all the dtype's from 0 on."""
    if len(args) > 2:
        raise TypeError(f"random_() takes 2 positional arguments but {len(args)} were given")
    names = ("to",) if len(args) == 1 and "to" not in kwargs else ("from", "to")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    bounds = {k: int_of(v) for k, v in given.items() if not (k == "to" and v is None and "from" in given)}
    misfit = set(given) - {"from", "to"} or len(given) != len(args) + len(kwargs) or None in bounds.values()
    if misfit or set(given) == {"from"}:
        raise no_overload("random_", _RANDOM_FORMS, args, kwargs)
    if not given:
        return fill(self, ANY_INTEGER, generator, "random_", "RandomBackward2")
    law = integer_law(bounds.get("from") or 0, bounds.get("to"))
    return fill(self, law, generator, "random_", "RandomBackward0" if "from" in given else "RandomBackward1")


def bernoulli_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``bernoulli_(p=0.5)``: fill with 1 with probability ``p`` (a number, or a tensor that broadcasts), else 0."""
    given = args[0] if len(args) == 1 and not kwargs else kwargs.get("p", 0.5) if not args else None
    if isinstance(given, Tensor):
        dispatch.check_writable(self)
        if given.device.type != self.device.type and "meta" not in (given.device.type, self.device.type):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{self.device} and {given.device}!"
            )
        node = bernoulli_node(self._aval, self._strides, given, generator)
        return store(self, node, (self, given), "BernoulliBackward1")
    p = float_of(given)
    if p is None or set(kwargs) - {"p"}:
        forms = (
            "Tensor p, *, torch.Generator generator = None", "float p = 0.5, *, torch.Generator generator = None"
        )  # fmt: skip
        raise no_overload("bernoulli_", forms, args, kwargs)
    return fill(self, bernoulli_law(p), generator, "bernoulli_", "BernoulliBackward2")


def exponential_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``exponential_(lambd=1)``: fill with exponential samples of rate ``lambd``."""
    (rate,) = floats_of("exponential_", args, kwargs, {"lambd": 1.0})
    return fill(self, exponential_law(rate), generator, "exponential_", "ExponentialBackward0")


def geometric_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``geometric_(p)``: fill with the number of trials up to the first success."""
    (p,) = floats_of("geometric_", args, kwargs, {"p": None})
    return fill(self, geometric_law(p), generator, "geometric_", "GeometricBackward0")


def cauchy_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``cauchy_(median=0, sigma=1)``: fill with Cauchy samples."""
    median, sigma = floats_of("cauchy_", args, kwargs, {"median": 0.0, "sigma": 1.0})
    return fill(self, cauchy_law(median, sigma), generator, "cauchy_", "CauchyBackward0")


def log_normal_(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
    """``log_normal_(mean=1, std=2)``: fill with ``exp`` of normal samples."""
    mean, std = floats_of("log_normal_", args, kwargs, {"mean": 1.0, "std": 2.0})
    return fill(self, log_normal_law(mean, std), generator, "log_normal_", "LogNormalBackward0")


def dropout_mask(input: Tensor, p: float, shape: Sequence[int] | None = None) -> Tensor:
    """The bool mask that dropout with probability ``p`` draws for ``input``: True with probability ``1 - p``.

    Without ``shape`` it has the memory format of ``input`` (which decides which draw an element gets); with one
    (feature dropout: ``(N, C, 1, ...)``) it is contiguous.
    """
    strides = format_strides(input, preserve_format) if shape is None else None
    a = aval(input._aval.shape if shape is None else tuple(shape), np.dtype(np.bool_), input._aval.place)
    made: Tensor = dispatch.wrap(draw(bernoulli_law(1.0 - p), a, strides, None, "dropout"))
    if strides is not None:
        made._strides = made._storage.strides = strides
    return made


FUNCTIONS: dict[str, Any] = {
    f.__name__: f
    for f in (
        rand, rand_like, randn, randn_like, randint, randint_like, randperm, normal, bernoulli, multinomial, poisson,
        binomial, _standard_gamma, _sample_dirichlet,
    )
}  # fmt: skip
"""Function forms for the torch namespace."""

for _method in (
    uniform_, normal_, random_, bernoulli_, exponential_, geometric_, cauchy_, log_normal_, bernoulli, multinomial,
):  # fmt: skip
    setattr(Tensor, _method.__name__, _method)
