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


def _site(avals: tuple[Any, ...]) -> Site:
    found = _sites.get(avals)
    if found is None:
        found = _sites[avals] = Site(_barrier, avals, "", avals, "recompute_barrier", "recompute_barrier")
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
        nodes += [g._sync() for g in after if g._aval.place is place]
        site = _site(tuple(n.aval for n in nodes))
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
