"""One recorded op over lists of tensors: ``multi_tensor_update`` overwrites some, ``multi_tensor_results`` makes new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..engine.avals import aval
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
        fn: ``fn(arrays, scalars, **statics) -> new arrays`` of the mutated lists, in their order; pure, hashable, known
            by its module and name (or its ``repr``, if it has none).
        tensors: lists of tensors on one device.
        scalars: numbers that enter the program as float64 inputs.
        statics: keyword arguments that are part of the program's structure.
        mutated: indices of the lists that the results replace.
    """
    nodes = []
    for column in tensors:
        for t in column:
            node = t._storage.node
            nodes.append(node if node is not None and t._view is None else t._sync())
    key = (fn, statics, mutated, len(scalars), *map(len, tensors), *[n.aval for n in nodes])
    site = _sites.get(key)
    if site is None:
        site = _remember(key, _make_site(fn, [len(c) for c in tensors], nodes, len(scalars), statics, mutated))
    results = site.record(site, nodes, [float(s) for s in scalars])
    if site.single:
        results = [results]
    values = iter(results)
    for i in mutated:
        for t, value in zip(tensors[i], values):
            dispatch.assign(t, value)


def multi_tensor_results(
    fn: Callable[..., list[Any]],
    tensors: Sequence[Sequence[Any]],
    scalars: Sequence[float] = (),
    statics: tuple[tuple[str, Any], ...] = (),
) -> list[Any]:
    """Record ``fn`` over lists of tensors as one op and return its results as new tensors, which autograd does not see.

    Args:
        fn: ``fn(arrays, scalars, **statics) -> arrays``; a pure function of a module.
        tensors, scalars, statics: as for :func:`multi_tensor_update`.
    """
    nodes = [t._sync() for column in tensors for t in column]
    key = (fn, statics, None, len(scalars), *map(len, tensors), *[n.aval for n in nodes])
    site = _sites.get(key)
    if site is None:
        site = _remember(key, _make_site(fn, [len(c) for c in tensors], nodes, len(scalars), statics, None))
    results = site.record(site, nodes, [float(s) for s in scalars])
    return [dispatch.wrap(node) for node in ([results] if site.single else results)]


def _remember(key: Any, site: Site) -> Site:
    if len(_sites) >= CAPACITY:
        _sites.pop(next(iter(_sites)))
    _sites[key] = site
    return site


def _make_site(
    fn: Callable[..., list[Any]], lengths: list[int], nodes: Sequence[Any], n_scalars: int,
    statics: tuple[tuple[str, Any], ...], mutated: tuple[int, ...] | None,
) -> Site:  # fmt: skip
    avals = tuple(node.aval for node in nodes)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    n = len(avals)
    where, _ = dispatch.common_place(avals)

    def run(*args: Any) -> list[Any]:
        columns = [list(args[s : s + k]) for s, k in zip(starts, lengths, strict=True)]
        results = fn(columns, list(args[n:]), **dict(statics))
        return results if mutated is None else [x for column in results for x in column]

    if mutated is None:
        replaces: tuple[int, ...] = ()
        out_avals = _results_of(run, avals, n_scalars, where)
    else:
        replaces = tuple(starts[i] + k for i in mutated for k in range(lengths[i]))
        out_avals = tuple(avals[i] for i in replaces)
    name = f"{fn.__module__}.{fn.__qualname__}" if hasattr(fn, "__qualname__") else repr(fn)
    label = f"{name}{lengths}{statics!r}{mutated}"
    site = Site(run, avals, "f" * n_scalars, out_avals, getattr(fn, "__name__", "update"), label, where)
    site.replaces = replaces
    return site


def _results_of(run: Callable[..., list[Any]], avals: Sequence[Any], n_scalars: int, where: Any) -> tuple[Any, ...]:
    import jax

    specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals]
    with jax.enable_x64(True):
        shapes = jax.eval_shape(run, *specs, *[jax.ShapeDtypeStruct((), "float64")] * n_scalars)
    return tuple(aval(tuple(r.shape), r.dtype, where) for r in shapes)
