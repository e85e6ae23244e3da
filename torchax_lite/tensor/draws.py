"""Drawing: laws of random numbers, who draws them (the host or a program), and their place on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import random as host
from ..engine.avals import Aval, aval
from ..engine.recorder import Node
from ..ops.registry import OPS
from ..random.checks import SIGNIFICAND_BITS, not_implemented
from . import dispatch, dtypes
from .casting import cast
from .creation import record
from .device import to_place
from .generator import generator_for
from .modes import modes
from .sites import DiffSite
from .strides import is_contiguous, memory_order
from .tape import attach
from .tensor import Tensor
from .value_checks import known_values

Array = np.ndarray[Any, Any]

# -- laws --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Law:
    """A distribution: how the host draws it, and which op draws it on an accelerator."""

    host: Callable[[host.CPUGenerator, int, np.dtype[Any], bool], Array]
    """``host(generator, n, dtype, contiguous)``: n values in memory order; with n = 0 only checks."""
    op: str
    scalars: tuple[Any, ...]
    kernel: str = ""
    """Name in the error about dtypes that cannot be filled; empty where any dtype can."""


def uniform_law(low: float, high: float) -> Law:
    return Law(lambda g, n, d, c: host.uniform(g, n, d, low, high), "random_uniform", (low, high))


def normal_law(mean: float, std: float) -> Law:
    return Law(
        lambda g, n, d, c: host.normal(g, n, d, mean, std, c), "random_normal", (mean, std), kernel="normal_kernel_cpu"
    )


def integer_law(low: int, high: int | None) -> Law:
    """Integers of [low, high); without ``high`` up to the dtype's largest, by ``random_int``'s rules."""
    return Law(lambda g, n, d, c: host.random_int(g, n, d, low, high), "random_integers", (low, high))


ANY_INTEGER = Law(lambda g, n, d, c: host.random_full(g, n, d), "random_integers", (0, None))
PERMUTATION = Law(lambda g, n, d, c: host.randperm(g, n, d), "random_permutation", ())


def bernoulli_law(p: float) -> Law:
    def sample(g: host.CPUGenerator, n: int, d: np.dtype[Any], c: bool) -> Array:
        if d.kind == "c":
            raise not_implemented("bernoulli_scalar_cpu_", d)
        return host.bernoulli_scalar(g, n, p).astype(d)

    return Law(sample, "random_bernoulli", (p,))


def exponential_law(rate: float) -> Law:
    def sample(g: host.CPUGenerator, n: int, d: np.dtype[Any], c: bool) -> Array:
        return host.exponential(g, n, d, rate)

    return Law(sample, "random_exponential", (rate,), kernel="exponential_cpu")


def geometric_law(p: float) -> Law:
    return Law(lambda g, n, d, c: host.geometric(g, n, d, p), "random_geometric", (p,))


def cauchy_law(median: float, sigma: float) -> Law:
    return Law(lambda g, n, d, c: host.cauchy(g, n, d, median, sigma), "random_cauchy", (median, sigma))


def log_normal_law(mean: float, std: float) -> Law:
    return Law(
        lambda g, n, d, c: host.log_normal(g, n, d, mean, std), "random_log_normal", (mean, std),
        kernel="log_normal_cpu",
    )  # fmt: skip


# -- drawing -----------------------------------------------------------------------------------------------------------


def _logical(flat: Array, shape: tuple[int, ...], strides: tuple[int, ...] | None) -> Array:
    """Values in memory order as a contiguous array in index order."""
    if strides is None:
        return flat.reshape(shape)
    order = memory_order(shape, strides)
    laid = flat.reshape([shape[d] for d in order])
    return np.ascontiguousarray(laid.transpose(np.argsort(order))).reshape(shape)


def _in_memory_order(array: Array, strides: tuple[int, ...] | None) -> Array:
    """The elements of an array, flat, in the order in which a tensor with these strides holds them."""
    if strides is None:
        return array.reshape(-1)
    return array.transpose(memory_order(array.shape, strides)).reshape(-1)


def draw(law: Law, a: Aval, strides: tuple[int, ...] | None, generator: Any, function: str) -> Node:
    """Node with samples for a tensor of this aval and these strides."""
    if modes.transforms:
        from . import batched_draws

        return batched_draws.draw(law, a, strides, generator, function, draw, law is PERMUTATION)
    place = a.place
    if place.kind == "meta":
        return Node(a)
    source = generator_for(generator, place, function)._host
    if isinstance(source, host.CPUGenerator):
        contiguous = strides is None or is_contiguous(a.shape, strides)
        return Node(a, _logical(law.host(source, a.size, a.dtype, contiguous), a.shape, strides))
    law.host(CHECKER, 0, a.dtype, True)
    if law.kernel and a.dtype.kind in "biu":
        raise not_implemented(law.kernel, a.dtype)
    scalars, statics = _device_arguments(law, a)
    return record(OPS[law.op], place, (source.key(), *scalars), statics)._sync()


CHECKER = host.CPUGenerator()


def _device_arguments(law: Law, a: Aval) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Scalars (but the key) and statics of a law's op."""
    dtype = dtypes.from_numpy_dtype(a.dtype)
    if law.op == "random_permutation":
        return (), (a.size, dtype)
    if law.op != "random_integers":
        return tuple(float(s) for s in law.scalars), (a.shape, dtype)
    low, high = law.scalars
    if high is None:
        kind = a.dtype.kind
        if kind in "iu":
            high = min(int(np.iinfo(a.dtype).max), 2**63 - 1) + 1
        else:
            high = 2 if kind == "b" else (1 << SIGNIFICAND_BITS[a.dtype]) + 1
    return (low, _signed(high - low)), (a.shape, dtype, high - low >= 2**28)


def _signed(x: int) -> int:
    x %= 2**64
    return x - 2**64 if x >= 2**63 else x


class _ZeroGrad(DiffSite):
    """A draw on the tape: its inputs (parameters, overwritten values) get zero gradients.

    ``missing`` names an op for which PyTorch has no derivative; its backward raises.
    """

    __slots__ = ("missing",)

    def __init__(self, in_avals: tuple[Aval, ...], out: Aval, name: str, missing: str) -> None:
        super().__init__(_never, in_avals, "", (out,), "random", f"zero_grad{missing}", name, out.place)
        self.automatic = False
        self.saves_in = ()
        self.missing = missing

    def vjp_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> DiffSite:
        if self.missing:
            raise RuntimeError(f"derivative for aten::{self.missing} is not implemented")
        return super().vjp_site(needs, given)

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool],
    ) -> list[Any]:  # fmt: skip
        import jax.numpy as jnp

        return [jnp.zeros(a.shape, a.dtype) for a, need in zip(self.in_avals, needs, strict=True) if need]


def _never(*arrays: Any) -> list[Any]:
    raise AssertionError("draws are made before they are put on the tape")


_tape_sites: dict[Any, _ZeroGrad] = {}


def on_tape(out: Tensor, node: Node, inputs: Sequence[Tensor], name: str, missing: str = "") -> bool:
    """Give ``out`` a place in the graph where an input requires grad; whether it did."""
    if not (modes.grad and out.dtype._category >= 2 and any(t.requires_grad for t in inputs)):
        return False
    avals = tuple(t._aval for t in inputs)
    key = (avals, out._aval, name, missing)
    site = _tape_sites.get(key)
    if site is None:
        site = _tape_sites[key] = _ZeroGrad(avals, out._aval, name, missing)
    attach(site, inputs, (), (), (out,), (node,))
    return True


def store(t: Tensor, node: Node, inputs: Sequence[Tensor], name: str) -> Tensor:
    """Overwrite ``t`` with a draw, on the tape too."""
    value = Tensor.__new__(Tensor)
    value._aval, value._storage = t._aval, t._storage
    dispatch.assign(t, node, value if on_tape(value, node, inputs, name) else None)
    return t


def fill(t: Tensor, law: Law, generator: Any, function: str, name: str) -> Tensor:
    """Fill a tensor in place; returns it."""
    dispatch.check_writable(t)
    node = draw(law, t._aval, t._strides, generator, function)
    if modes.transforms:
        from .batched_draws import check_fill

        check_fill(t, node)
    return store(t, node, (t,), name)


def check_out(function: str, out: Any, dtype: dtypes.dtype | None, device: Any, shape: tuple[int, ...]) -> None:
    """The rules of ``out=``: the given dtype and device are its own, no gradients; resizes it."""
    if not isinstance(out, Tensor):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if dtype is not None and dtype is not out.dtype:
        names = dtypes.scalar_type_name(dtype), dtypes.scalar_type_name(out.dtype)
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    if device is not None and to_place(device).type != out.device.type:
        given = to_place(device).type
        raise RuntimeError(f"device type {given} does not match device type of out parameter ({out.device.type})")
    if modes.grad and out.requires_grad:
        raise RuntimeError(
            f"{function}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if out._aval.shape != shape:
        out.resize_(shape)


# -- parameters that are tensors --------------------------------------------------------------------------------------


def on_host(t: Tensor) -> bool:
    """Whether draws for a tensor are made on the host (and not in a program, nor left out on ``meta``)."""
    return t._aval.place.type == "cpu" and t._aval.place.kind != "meta"


def sampled(function: str, op: str, tensors: Sequence[Tensor], statics: tuple[Any, ...], generator: Any) -> Tensor:
    """The result of an accelerator's sampler on tensors (of no values on ``meta``)."""
    place = tensors[0]._aval.place
    key = 0 if place.kind == "meta" else generator_for(generator, place, function)._counter().key()
    out: Tensor = dispatch.call(OPS[op], [t.detach() for t in tensors], (key,), statics)
    return out


def host_values(t: Tensor, function: str) -> Array:
    if t._aval.place.kind == "trace":
        raise NotImplementedError(f"{function}() under a JAX transform: its parameters must have values")
    return t._host_array()


def host_generator(given: Any, t: Tensor, function: str) -> host.CPUGenerator:
    found = generator_for(given, t._aval.place, function)._host
    assert isinstance(found, host.CPUGenerator)
    return found


def wrap_like(array: Array, like: Tensor) -> Tensor:
    made: Tensor = dispatch.wrap(Node(aval(array.shape, array.dtype, like._aval.place), array))
    if modes.inference:
        made._inference = True
    return made


def bernoulli_node(a: Aval, strides: Any, p: Tensor, generator: Any) -> Node:
    """Node of 0s and 1s for a tensor of this aval, with probabilities ``p`` that broadcast to it."""
    if p._aval.dtype.kind not in "fV":
        raise not_implemented("bernoulli_tensor_cpu_p_", p._aval.dtype)
    place = a.place
    known = known_values(p)
    if p._aval.shape != a.shape:
        p = p.detach().expand(a.shape)
    if modes.transforms and p._aval.place.kind == "transform":
        from .random_samplers import bernoulli

        return bernoulli(p.detach(), generator=generator).to(dtypes.from_numpy_dtype(a.dtype))._sync()  # type: ignore[no-any-return]
    if place.type != "cpu" or place.kind == "meta":
        statics = (dtypes.from_numpy_dtype(a.dtype),)
        return sampled("bernoulli", "random_bernoulli_tensor", (p,), statics, generator)._sync()
    if known is None and place.kind != "trace":
        return _bernoulli_of_pending(a, strides, p.detach(), generator)
    flat = _in_memory_order(host_values(p, "bernoulli"), strides)
    drawn = host.bernoulli_tensor(host_generator(generator, p, "bernoulli"), flat)
    return Node(a, _logical(drawn.astype(a.dtype), a.shape, strides))


def _bernoulli_of_pending(a: Aval, strides: Any, p: Tensor, generator: Any) -> Node:
    """Uniforms of the host, compared with the probabilities within the program that computes those."""
    source = host_generator(generator, p, "bernoulli")
    flat = host.uniforms_for_probabilities(source, a.size, p._aval.dtype)
    uniforms = wrap_like(_logical(flat, a.shape, strides), p)
    ones: Tensor = dispatch.call(OPS["lt"], [uniforms, cast(p, uniforms.dtype)], (), ())
    node: Node = cast(ones, dtypes.from_numpy_dtype(a.dtype))._sync()
    return node
