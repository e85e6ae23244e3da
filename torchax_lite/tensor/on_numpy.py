"""Ops on NumPy: a worker of a loader runs all that it can so, and most workers never start XLA.

The bodies of the ops in ``SAME_ON_NUMPY`` mean the same with NumPy in the place of ``jax.numpy``: they are run so, at
once. What has a NumPy twin declared (``op(host=...)``) or in ``TWINS`` is run by that. Everything else, and what is not
on the host already, is recorded and run by XLA as in any process. Elsewhere :func:`small_values` looks so at what a few
recorded ops make of host values, without running them.
"""

from __future__ import annotations

import copy
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..engine.avals import CPU, make_recorder
from ..engine.recorder import Node, Recorder, Site, site_by_id
from ..ops.common import canonical_dim, canonical_dims, quotient
from ..ops.lowering import Number
from ..ops.padding import _pairs
from ..ops.view_slices import _selected, slice_bounds
from .dispatch import WriteSite
from .sites import NUMBER_DTYPE, OpSite

SAME_ON_NUMPY = frozenset(
    "add sub rsub mul div neg abs sign square sqrt reciprocal ceil floor trunc round eq ne lt le gt ge isnan isfinite "
    "logical_not logical_and logical_or logical_xor maximum minimum clamp clamp_min clamp_max where "
    "bitwise_not bitwise_and bitwise_or bitwise_xor to_copy clone copy_into reshape_copy full sum mean all any "
    "view permute transpose t squeeze.all squeeze.dims unsqueeze expand roll exp log sin cos masked_fill "
    "max min max.dim min.dim amax amin argmax argmin max.other min.other one_hot remainder".split()
)


def _flip(self: Any, dims: Any) -> Any:
    return np.flip(self, canonical_dims(dims, self.ndim)) if dims and self.ndim else self


def _arange(start: Any, step: Any, length: int, dtype: Any) -> Any:
    wide = np.int64 if start.dtype.kind in "iub" and step.dtype.kind in "iub" else np.float64
    return (start.astype(wide) + np.arange(length, dtype=wide) * step.astype(wide)).astype(dtype)


def _index_select(self: Any, dim: int, index: Any) -> Any:
    if self.ndim == 0 or (index.size and not (0 <= index.min() and index.max() < self.shape[dim])):
        raise NotImplementedError
    return np.take(self, index.reshape(-1), axis=dim)


def _index(self: Any, indices: Any) -> Any:
    return self[tuple(slice(None) if i is None else i for i in indices)]


def _pad(self: Any, pad: Any, value: Any) -> Any:
    edges = _pairs(pad, self.ndim)
    inner = self[
        tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(self.shape, edges, strict=True))
    ]
    widths = [(max(low, 0), max(high, 0)) for low, high in edges]
    return np.pad(inner, widths, constant_values=value.astype(self.dtype))


def _select(self: Any, dim: int, index: int) -> Any:
    d, i = _selected(self.shape, dim, index)
    return self[(slice(None),) * d + (i,)]


def _select_moving(self: Any, index: Any, dim: int) -> Any:
    return self[(slice(None),) * dim + (int(index),)]


def _slice(self: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    d = canonical_dim(dim, self.ndim)
    first, n = slice_bounds(self.shape[d], start, end, step)
    return self[(slice(None),) * d + (slice(first, first + n * step, step),)]


def _slice_moving(self: Any, start: Any, dim: int, length: int) -> Any:
    return self[(slice(None),) * dim + (slice(int(start), int(start) + length),)]


TWINS: dict[str, Callable[..., Any]] = {
    "flip": _flip, "arange": _arange, "index_select": _index_select, "index": _index, "constant_pad_nd": _pad,
    "select": _select, "select.moving": _select_moving, "slice": _slice, "slice.moving": _slice_moving,
}  # fmt: skip
"""NumPy bodies of ops whose own bodies use ``jax.lax``; they take the body's parameters."""


class _NumPy:
    """NumPy under the name ``jnp``; what it does not have, or knows nothing of (bfloat16), is JAX's or missing."""

    issubdtype = staticmethod(jnp.issubdtype)
    finfo = staticmethod(jnp.finfo)
    iinfo = staticmethod(jnp.iinfo)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


_NUMPY = _NumPy()


class _Refuse:
    """Stands for ``jax`` and ``lax`` in bodies on NumPy: any use of them means that XLA must run the op."""

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


_functions: dict[Any, Any] = {}
_namespaces: dict[int, dict[str, Any]] = {}


def _on_numpy(function: Any) -> Any:
    """A copy of an op's body (or of a helper of its module) that sees NumPy as ``jnp``."""
    found = _functions.get(function)
    if found is None:
        namespace = _namespace(function.__globals__)
        found = _functions[function] = types.FunctionType(
            function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
        )
        found.__kwdefaults__ = function.__kwdefaults__
    return found


class _Namespace(dict[str, Any]):
    """Globals of a module of ops, with NumPy for ``jnp`` and the module's helpers on NumPy too."""

    def __init__(self, original: dict[str, Any]) -> None:
        super().__init__(__builtins__=original["__builtins__"], __name__=original["__name__"])
        self._original = original

    def __missing__(self, name: str) -> Any:
        value = self._original[name]
        if name == "jnp":
            value = _NUMPY
        elif value is quotient:
            value = operator.truediv  # NumPy rounds a quotient once by itself
        elif name in ("jax", "lax", "jsp"):
            value = _Refuse()
        elif isinstance(value, types.FunctionType) and value.__module__.startswith(_OPS):
            value = _on_numpy(value)
        elif hasattr(value, "body") and hasattr(value, "schema"):
            value = _on_numpy(value.body)
        self[name] = value
        return value


_OPS = __name__.partition(".")[0] + ".ops"


def _namespace(original: dict[str, Any]) -> dict[str, Any]:
    return _namespaces.setdefault(id(original), _Namespace(original))


def host_function(site: Site) -> Callable[[Sequence[Any], Sequence[Any]], list[Any]] | None:
    """What computes a site on NumPy arrays and numbers; None where only XLA can."""
    if any(a.dtype.kind not in "biuf" for a in (*site.in_avals, *site.out_avals)):
        return None
    if isinstance(site, WriteSite):
        return _write_function(site)
    if not isinstance(site, OpSite):
        return None
    op = site.op
    if op.host is not None:
        body = op.host
    elif op.name in TWINS:
        body = TWINS[op.name]
    elif op.name in SAME_ON_NUMPY:
        body = _on_numpy(op.body)
    else:
        return None
    changed = copy.copy(op)
    changed.body = body
    binding = copy.copy(site.binding)
    binding.op = changed
    # A constant would be made by JAX: it is handed in like a number instead.
    given = [n for t in binding.tensors for n in (t if isinstance(t, list) else [t]) if isinstance(n, Number)]
    given += [n for n in binding.scalars if n is not None]
    binding.scalars = [None if n is None else Number(n.kind) for n in binding.scalars]
    makers = [(NUMBER_DTYPE[n.kind], n.constant) for n in given]
    specs = [(a.shape, a.dtype) for a in site.out_avals]

    def run(arrays: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
        own = iter(numbers)
        values = binding.run(arrays, [make(next(own) if constant is None else constant) for make, constant in makers])
        results = [np.asarray(v) for v in values]
        if [(r.shape, r.dtype) for r in results] != specs or any(type(v).__module__ != "numpy" for v in values):
            raise NotImplementedError
        return results

    return run


def _write_function(site: WriteSite) -> Callable[[Sequence[Any], Sequence[Any]], list[Any]] | None:
    """A write through views, as NumPy views of a copy."""
    views = [host_function(s) for s in site.chain]
    counts = [len(s.number_kinds) for s in site.chain]

    def run(arrays: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
        base, value = np.array(arrays[0]), arrays[1]
        part, rest = base, list(numbers)
        for view, n in zip(views, counts, strict=True):
            (part,) = view([part], rest[:n])  # type: ignore[misc]
            del rest[:n]
        if part.size and not np.shares_memory(part, base):
            raise NotImplementedError
        part[...] = value
        return [base]

    return None if None in views else run


class HostRecorder(Recorder):
    """Runs what it can at once, on NumPy; records the rest."""

    def record(self, site: Site, nodes: Sequence[Node], numbers: Sequence[Any] = ()) -> Any:
        run = self.runners.get(site, self)
        if run is self:
            run = self.runners[site] = host_function(site)
        if run is not None:
            arrays = [n.value for n in nodes]
            if all(type(a) is np.ndarray for a in arrays):
                try:
                    with np.errstate(all="ignore"):
                        values = run(arrays, numbers)
                except Exception:
                    self.runners[site] = None  # XLA has the last word, on errors too
                else:
                    made = [Node(a, v) for a, v in zip(site.out_avals, values, strict=True)]
                    return made[0] if site.single else made
        return super().record(site, nodes, numbers)

    runners: dict[Site, Any]


def compute_on_host() -> None:
    """From now on ops on host values run on NumPy in this process (a worker, which has recorded nothing yet)."""
    recorder = make_recorder(CPU)
    if type(recorder) is Recorder:
        recorder.__class__ = HostRecorder
        recorder.runners = {}


MOST_OPS = 64
"""Longer pending programs are not looked at by :func:`small_values`."""
_MOST_STEPS = 8
_MOST_VALUES = 4096


def small_values(node: Node) -> np.ndarray[Any, Any] | None:
    """The values of a small pending node, if a few ops make them of small host values and NumPy has those ops."""
    recorder = node.aval.recorder
    if type(recorder) is not Recorder or node.aval.size > _MOST_VALUES:
        return None
    with recorder.lock:
        if node.prog is not recorder.prog or recorder.n_ops > MOST_OPS:
            return None
        key = (tuple(recorder.code), tuple(recorder.ints), tuple(recorder.floats), node.idx)
        known = _without_arrays.get(key)
        if known is not None:
            return known
        found: dict[int, np.ndarray[Any, Any]] = {}
        read: list[int] = []
        try:
            with np.errstate(all="ignore"):
                value = _evaluate(recorder, _producers(recorder), node.idx, found, read)
        except Exception:
            return None  # XLA has the last word, on errors too
        if not read and len(_without_arrays) < _MOST_KNOWN:
            _without_arrays[key] = value
        return value


_without_arrays: dict[Any, np.ndarray[Any, Any]] = {}
"""What follows from numbers alone (``arange``, ``full``), by the pending program and the node."""

_MOST_KNOWN = 256


def _producers(recorder: Recorder) -> dict[int, tuple[Site, int, Sequence[int], list[Any]]]:
    """By the index of each result: its site, the site's first result, the indices of its inputs, its numbers."""
    made: dict[int, tuple[Site, int, Sequence[int], list[Any]]] = {}
    code, count, i = recorder.code, 0, 0
    streams = {"f": iter(recorder.floats), "c": iter(recorder.complexes), "i": iter(recorder.ints)}
    while i < len(code):
        word = code[i]
        i += 1
        if word < 0:
            count += 1
            continue
        site = site_by_id(word)
        numbers = [next(streams[k if k in "fc" else "i"]) for k in site.number_kinds]
        entry = (site, count, code[i : i + site.n_in], numbers)
        made.update((count + k, entry) for k in range(site.n_out))
        i += site.n_in
        count += site.n_out
    return made


def _evaluate(
    recorder: Recorder, producers: Any, idx: int, found: dict[int, Any], read: list[int]
) -> np.ndarray[Any, Any]:
    """The value of a node; LookupError where it takes too much, or what NumPy has not. ``read``: inputs used."""
    if idx in found:
        return found[idx]  # type: ignore[no-any-return]
    entry = producers.get(idx)
    if entry is None:
        value = recorder.nodes[idx].value
        if type(value) is not np.ndarray or value.size > _MOST_VALUES:
            raise LookupError
        read.append(idx)
        return value
    site, first, inputs, numbers = entry
    if len(found) >= _MOST_STEPS or any(a.size > _MOST_VALUES for a in site.out_avals):
        raise LookupError
    run = _site_functions.get(site, site)
    if run is site:
        run = _site_functions[site] = host_function(site)
    if run is None:
        raise LookupError
    arrays = [_evaluate(recorder, producers, k, found, read) for k in inputs]
    for k, value in enumerate(run(arrays, numbers)):
        found[first + k] = value
    return found[idx]  # type: ignore[no-any-return]


_site_functions: dict[Site, Any] = {}
