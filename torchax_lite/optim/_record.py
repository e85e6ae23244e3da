"""``multi_tensor_update``: one recorded op that overwrites many tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..engine.recorder import Site
from ..tensor import dispatch

_sites: dict[Any, Site] = {}
CAPACITY = 512
"""Sites kept; the oldest is dropped first (an executable that uses it keeps it)."""


def multi_tensor_update(
    fn: Callable[..., list[list[Any]]],
    tensors: Sequence[Sequence[Any]],
    scalars: Sequence[float],
    statics: tuple[tuple[str, Any], ...],
    mutated: tuple[int, ...],
) -> None:
    """Record ``fn`` over lists of tensors as one op and overwrite the lists named by ``mutated``.

    Args:
        fn: ``fn(arrays, scalars, **statics) -> new arrays`` of the mutated lists, in their order; pure, hashable, with a
            stable ``repr``.
        tensors: lists of tensors on one device.
        scalars: numbers that enter the program as float64 inputs.
        statics: keyword arguments that are part of the program's structure.
        mutated: indices of the lists that the results replace.
    """
    flat = [t for column in tensors for t in column]
    nodes = [t._storage.node if t._view is None and t._storage.node is not None else t._sync() for t in flat]
    key = (fn, statics, mutated, len(scalars), *map(len, tensors), *[n.aval for n in nodes])
    site = _sites.get(key)
    if site is None:
        site = _make_site(fn, [len(c) for c in tensors], [n.aval for n in nodes], len(scalars), statics, mutated)
        if len(_sites) >= CAPACITY:
            _sites.pop(next(iter(_sites)))
        _sites[key] = site
    results = site.record(site, nodes, [float(s) for s in scalars])
    if site.single:
        results = [results]
    values = iter(results)
    for i in mutated:
        for t in tensors[i]:
            dispatch.assign(t, next(values))


def _make_site(
    fn: Callable[..., list[list[Any]]], lengths: list[int], avals: list[Any], n_scalars: int,
    statics: tuple[tuple[str, Any], ...], mutated: tuple[int, ...],
) -> Site:  # fmt: skip
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    n = len(avals)

    def run(*args: Any) -> list[Any]:
        columns = [list(args[s : s + k]) for s, k in zip(starts, lengths, strict=True)]
        results = fn(columns, list(args[n:]), **dict(statics))
        return [x for column in results for x in column]

    out_avals = tuple(avals[starts[i] + k] for i in mutated for k in range(lengths[i]))
    where, _ = dispatch.common_place(avals)
    label = f"{fn!r}{lengths}{statics!r}{mutated}"
    site = Site(run, tuple(avals), "f" * n_scalars, out_avals, getattr(fn, "__name__", "update"), label, where)
    site.replaces = tuple(starts[i] + k for i in mutated for k in range(lengths[i]))
    return site
