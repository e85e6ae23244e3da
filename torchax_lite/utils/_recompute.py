"""Barriers that keep XLA from merging a recomputation with the forward that it repeats, or running it early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.recorder import Node, Site
from ..tensor import dispatch
from ..tensor.strides import preserve_strides
from ..tensor.tensor import Tensor

_sites: dict[Any, Site] = {}


def _barrier(*arrays: Any) -> Sequence[Any]:
    from jax import lax

    return lax.optimization_barrier(arrays)  # type: ignore[no-any-return]


def _cpu_barrier(*arrays: Any) -> Sequence[Any]:
    """Each array as it is, unless the first element of the last one is NaN and is not, which XLA does not see through.

    On the CPU, XLA drops barriers before it merges equal computations.
    """
    import jax.numpy as jnp

    *values, gradient = arrays
    probe = gradient.reshape(-1)[0]
    never = (probe != probe) & (probe == probe)
    return [*(jnp.where(never, jnp.zeros((), v.dtype), v) for v in values), gradient]


def _site(avals: tuple[Any, ...], n_gradients: int) -> Site:
    last = avals[-1]
    on_cpu = (
        bool(n_gradients) and last.place.kind == "device" and last.place.jax_device.platform == "cpu" and last.size > 0
    )
    key = (avals, on_cpu)
    found = _sites.get(key)
    if found is None:
        name = f"recompute_barrier{'_cpu' if on_cpu else ''}"
        found = _sites[key] = Site(_cpu_barrier if on_cpu else _barrier, avals, "", avals, name, name)
    return found


def fresh_inputs(tensors: Sequence[Tensor], after: Sequence[Tensor]) -> list[Tensor]:
    """Leaves with the values of ``tensors`` that XLA takes for new ones, and that exist only after ``after`` does.

    They require grad where ``tensors`` do. ``after`` are the gradients that made the recomputation necessary.
    """
    made: list[Tensor | None] = [None] * len(tensors)
    places = {t._aval.place for t in tensors}
    for place in places:
        chosen = [i for i, t in enumerate(tensors) if t._aval.place is place]
        nodes: list[Node] = [tensors[i]._sync() for i in chosen]
        gradients = [g._sync() for g in after if g._aval.place is place]
        nodes += gradients
        site = _site(tuple(n.aval for n in nodes), len(gradients))
        results = site.record(site, nodes)
        for i, node in zip(chosen, [results] if site.single else results, strict=False):
            made[i] = _leaf(tensors[i], node)
    return made  # type: ignore[return-value]


def _leaf(like: Tensor, node: Node) -> Tensor:
    out: Tensor = dispatch.wrap(node)
    if like._strides is not None:
        out._strides = out._storage.strides = preserve_strides(out._aval.shape, like.stride())
    out._requires_grad = like._requires_grad
    return out


__all__ = ["fresh_inputs"]
