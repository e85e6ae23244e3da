"""Samplers whose parameters are tensors: ``bernoulli``, ``multinomial``, ``poisson``, ``binomial``, gamma, Dirichlet."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random as host
from ..ops.lowering import broadcast
from ..ops.registry import OPS
from ..random.checks import not_implemented
from ..random.sampling import check_multinomial
from . import dispatch, dtypes
from .arguments import float_of, int_of, need_tensor, no_overload
from .casting import format_strides
from .draws import (
    CHECKER,
    bernoulli_law,
    bernoulli_node,
    check_out,
    draw,
    host_generator,
    host_values,
    on_host,
    on_tape,
    sampled,
    store,
    wrap_like,
)
from .generator import Generator
from .layouts import preserve_format
from .modes import modes
from .over_batches import over_batches
from .strides import memory_order
from .tensor import Tensor

_BERNOULLI_FORMS = (
    "Tensor input, *, torch.Generator generator = None, Tensor out = None",
    "Tensor input, float p, *, torch.Generator generator = None",
)


@over_batches()
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
    """1 with probability ``input`` (or with the number ``p``, in the shape and dtype of ``input``), else 0."""
    need_tensor("bernoulli", input)
    shape = input._aval.shape
    if p is not None:
        number = float_of(p)
        if number is None or out is not None:
            raise no_overload("bernoulli", _BERNOULLI_FORMS, (input, p), {} if out is None else {"out": out})
        made: Tensor = dispatch.wrap(draw(bernoulli_law(number), input._aval, None, generator, "bernoulli"))
        on_tape(made, made._storage.node, (input,), "NotImplemented", "bernoulli")  # type: ignore[arg-type]
        return made
    if out is not None:
        if modes.grad and (input._requires_grad or out._requires_grad):
            raise RuntimeError(
                "bernoulli(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad."
            )
        check_out("bernoulli", out, None, None, shape)
        dispatch.check_writable(out)
        return store(out, bernoulli_node(out._aval, out._strides, input, generator), (out,), "")
    if input._aval.dtype.kind == "c":
        raise not_implemented("bernoulli_tensor_cpu_self_", input._aval.dtype)
    made = dispatch.wrap(bernoulli_node(input._aval, None, input, generator))
    on_tape(made, made._storage.node, (input,), "BernoulliBackward0")  # type: ignore[arg-type]
    return made


@over_batches(1)
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Category indices (int64) drawn with probabilities proportional to ``input`` or to its rows.

    Without replacement the categories of a row differ.
    """
    need_tensor("multinomial", input)
    n = int_of(num_samples)
    if n is None:
        kind = dispatch.type_name(num_samples)
        raise TypeError(f"multinomial(): argument 'num_samples' (position 2) must be int, not {kind}")
    if not isinstance(replacement, (bool, np.bool_)):
        kind = dispatch.type_name(replacement)
        raise TypeError(f"multinomial(): argument 'replacement' (position 3) must be bool, not {kind}")
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {dtypes.scalar_type_name(out.dtype)}")
    if on_host(input):
        p = host_values(input, "multinomial")
        strides = format_strides(input, preserve_format)  # of the exponential samples that PyTorch compares with
        by_columns = strides is not None and memory_order(p.shape, strides) == [1, 0]
        source = host_generator(generator, input, "multinomial")
        made = wrap_like(host.multinomial(source, p, n, bool(replacement), by_columns), input)
    else:
        check_multinomial(input._aval.shape, input._aval.dtype, n, bool(replacement))
        if input._aval.place.kind != "meta":
            _check_distribution(input)
        made = sampled("multinomial", "random_multinomial", (input,), (n, bool(replacement)), generator)
    if out is None:
        return made
    dispatch.write_out(out, made, "multinomial")
    return out


def _check_distribution(p: Tensor) -> None:
    p = p.detach()
    if not bool(((p >= 0) & p.isfinite()).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((p > 0).any(dim=-1).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


@over_batches()
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson counts, in the dtype of the rates ``input``."""
    need_tensor("poisson", input)
    _check_generator("poisson", generator)
    if on_host(input):
        rate = host_values(input, "poisson")
        drawn = host.poisson(host_generator(generator, input, "poisson"), rate.reshape(-1))
        made = wrap_like(drawn.reshape(rate.shape), input)
    else:
        host.poisson(CHECKER, np.empty(0, input._aval.dtype))
        made = sampled("poisson", "random_poisson", (input,), (), generator)
    on_tape(made, made._storage.node, (input,), "PoissonBackward0")  # type: ignore[arg-type]
    return made


@over_batches()
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in ``count`` trials of probability ``prob``, broadcast."""
    need_tensor("binomial", count, "count")
    need_tensor("binomial", prob, "prob", 2)
    _check_generator("binomial", generator)
    if on_host(count):
        shape = broadcast([count._aval.shape, prob._aval.shape])
        n, p = (np.broadcast_to(host_values(t, "binomial"), shape) for t in (count, prob))
        drawn = host.binomial(host_generator(generator, count, "binomial"), n.reshape(-1), p.reshape(-1))
        made = wrap_like(drawn.reshape(shape), count)
    else:
        host.binomial(CHECKER, np.empty(0, count._aval.dtype), np.empty(0, prob._aval.dtype))
        made = sampled("binomial", "random_binomial", (count, prob), (), generator)
    on_tape(made, made._storage.node, (count, prob), "NotImplemented", "binomial")  # type: ignore[arg-type]
    return made


@over_batches()
def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma samples of rate 1 with the concentrations ``input``, which get their implicit gradient."""
    need_tensor("_standard_gamma", input)
    _check_generator("_standard_gamma", generator)
    if on_host(input):
        concentration = host_values(input, "_standard_gamma")
        flat = host.standard_gamma(host_generator(generator, input, "_standard_gamma"), concentration.reshape(-1))
        made = wrap_like(flat.reshape(concentration.shape), input)
    else:
        host.standard_gamma(CHECKER, np.empty(0, input._aval.dtype))
        made = sampled("_standard_gamma", "random_standard_gamma", (input,), (), generator)
    return _by_concentration("_standard_gamma_sample", input, made)


@over_batches(1)
def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Dirichlet samples with the concentrations ``input`` along the last dim; no gradient."""
    need_tensor("_sample_dirichlet", input)
    _check_generator("_sample_dirichlet", generator)
    if on_host(input):
        concentration = host_values(input, "_sample_dirichlet")
        return wrap_like(host.dirichlet(host_generator(generator, input, "_sample_dirichlet"), concentration), input)
    host.dirichlet(CHECKER, np.empty(0, input._aval.dtype))
    return sampled("_sample_dirichlet", "random_dirichlet", (input,), (), generator)


def dirichlet_sample(concentration: Tensor) -> Tensor:
    """As ``_sample_dirichlet``, with the implicit gradient by the concentrations."""
    return _by_concentration("_dirichlet_sample", concentration, _sample_dirichlet(concentration))


def _by_concentration(op: str, concentration: Tensor, drawn: Tensor) -> Tensor:
    """The drawn samples, on the tape where the concentrations require grad."""
    if not (modes.grad and concentration.requires_grad):
        return drawn
    out: Tensor = dispatch.call(OPS[op], [concentration, drawn], (), ())
    return out


def _check_generator(function: str, given: Any) -> None:
    if given is not None and not isinstance(given, Generator):
        kind = type(given).__name__
        raise TypeError(f"{function}(): argument 'generator' (position 2) must be torch.Generator, not {kind}")
