"""Recording: array ops become a linear program of integers, run as a whole at a cut.

A program is one flat list ``code``. A new input appends ``-1 - aval.id``; an op appends its site id and the
indices of its inputs. Every input and every result takes the next index. The list, and which results are still
alive at the cut, is the structural key; values are no part of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from . import observe
from .avals import Aval, Place, aval_by_id
from .errors import translated
from .executor import EXECUTABLES, Instruction, Program
from .snapshots import SMALL


class Node:
    """One SSA value: its aval and, once its program has run, its value.

    ``value`` is a ``jax.Array``, a NumPy array that lies on the host still, a JAX tracer (places of kind ``trace``)
    or None while pending (always, on ``meta``).
    """

    __slots__ = ("__weakref__", "aval", "idx", "prog", "value")

    def __init__(self, aval: Aval, value: Any = None, prog: Any = None, idx: int = 0) -> None:
        self.aval = aval
        self.value = value
        self.prog = prog
        self.idx = idx


_new = object.__new__


class Site:
    """An op with its static attributes and input avals; interned by the layer above.

    Args:
        fn: ``fn(*arrays, *numbers) -> list of arrays``, pure, traceable by JAX; numbers are 0-d arrays.
        in_avals: avals of the arrays.
        number_kinds: ``b``/``i``/``f``/``c`` for each number.
        out_avals: avals of the results.
        label: stable text that says what ``fn`` computes, apart from the avals; ``None`` keeps programs with this
            site out of the disk cache.

    ``replaces`` may say, for each result, which input it takes the place of (in-place updates).
    """

    __slots__ = (
        "bytes", "ext", "fast", "fn", "id", "in_avals", "label", "n_in", "n_out", "name", "number_kinds", "out_aval",
        "out_avals", "record", "recorder", "replaces", "single",
    )  # fmt: skip

    def __init__(
        self,
        fn: Callable[..., Sequence[Any]],
        in_avals: tuple[Aval, ...],
        number_kinds: str,
        out_avals: tuple[Aval, ...],
        name: str,
        label: str | None,
        where: Place | None = None,
    ) -> None:
        self.fn = fn
        self.in_avals = in_avals
        self.number_kinds = number_kinds
        self.out_avals = out_avals
        self.name = name
        self.label = label
        self.n_in = len(in_avals)
        self.n_out = len(out_avals)
        self.single = len(out_avals) == 1
        self.out_aval = out_avals[0] if out_avals else None
        self.bytes = sum(a.bytes for a in out_avals)
        self.recorder: Recorder = out_avals[0].recorder if out_avals else where.recorder  # type: ignore[union-attr]
        self.record = self.recorder.record
        self.fast = self.single and type(self.recorder) is Recorder
        self.ext: Any = None
        self.replaces: tuple[int, ...] = ()
        with _sites_lock:
            self.id = len(_sites)
            _sites.append(self)


_sites: list[Site] = []
_sites_lock = threading.Lock()


def site_by_id(id: int) -> Site:
    """The site with this id."""
    return _sites[id]


class Recorder:
    """The pending program of one place."""

    def __init__(self, where: Place) -> None:
        self.place = where
        self.lock = threading.RLock()
        self.eager = os.environ.get("TORCHAX_LITE_EAGER", "") not in ("", "0")
        self.chunk = 0
        self.chunk_misses = 0
        self._reset()

    def _reset(self) -> None:
        self.prog = object()
        self.code: list[int] = []
        self.nodes: list[Node] = []
        self.inputs: list[Any] = []
        self.floats: list[float] = []
        self.ints: list[int] = []
        self.complexes: list[complex] = []
        self.count = 0
        self.n_ops = 0
        self.bytes = 0
        self.tape = False
        self.updated = False
        self.limit = 1 if self.eager else self.chunk or FREE_LIMIT

    # -- recording -------------------------------------------------------------------------------------------------

    def record(self, site: Site, nodes: Sequence[Node], numbers: Sequence[Any] = ()) -> Any:
        """Append one op; returns its node, or a list of nodes when the site has several results."""
        with self.lock:
            prog = self.prog
            words = [site.id]
            for n in nodes:
                if n.prog is not prog:
                    self._add_input(n)
                words.append(n.idx)
            self.code += words
            if numbers:
                self._add_numbers(site.number_kinds, numbers)
            i = self.count
            result: Any
            if site.single:
                result = _new(Node)
                result.aval = site.out_aval
                result.value = None
                result.prog = prog
                result.idx = i
                self.nodes.append(result)
                self.count = i + 1
            else:
                result = [Node(a, None, prog, i + k) for k, a in enumerate(site.out_avals)]
                self.nodes += result
                self.count = i + site.n_out
            self.bytes += site.bytes
            self.n_ops = n_ops = self.n_ops + 1
            if n_ops >= self.limit or self.bytes > BYTES_LIMIT:
                self._at_limit()
            return result

    def _add_numbers(self, kinds: str, numbers: Sequence[Any]) -> None:
        for kind, x in zip(kinds, numbers, strict=True):
            if kind == "f":
                self.floats.append(x)
            elif kind == "c":
                self.complexes.append(x)
            else:
                self.ints.append(x if -(2**63) <= x < 2**63 else (x + 2**63) % 2**64 - 2**63)

    def _add_input(self, n: Node) -> None:
        value, aval = n.value, n.aval
        if value is None:
            if aval.recorder is not self:
                aval.recorder.flush("device transfer")
            value = n.value
            if value is None:
                raise RuntimeError("the value of this tensor was lost: the program that computes it failed earlier")
        if value.__class__ is np.ndarray:
            self.bytes += aval.bytes
            if n.prog is not None and aval.bytes > SMALL and value.dtype.kind not in "iub":
                n.value = value = upload(value, self.place)  # it comes back: one upload serves from now on
        n.prog = self.prog
        n.idx = i = self.count
        self.count = i + 1
        self.code.append(-1 - aval.id)
        self.nodes.append(n)
        self.inputs.append(value)

    # -- cuts ------------------------------------------------------------------------------------------------------

    def flush(self, cause: str) -> None:
        """Run everything pending."""
        if not self.n_ops:
            return
        with self.lock:
            if not self.n_ops:
                return
            self._run(cause)

    def _run(self, cause: str) -> bool:
        """Run the pending program and hand its live results their values; True when its executable was known.

        An op that fails takes only what depends on it along; an interrupt before the run leaves everything pending.
        """
        pending = _pending(self)
        code, nodes, inputs = self.code, self.nodes, self.inputs
        numbers = (self.floats, self.ints, self.complexes)
        self._reset()
        counts = reference_counts(nodes)
        live = [i for i, n in enumerate(nodes) if counts[i] > _ONLY_OURS and n.value is None]
        observe.STATS.flushes += 1
        if not live:
            return True
        owners = [n for n in nodes if n.value is not None]
        for n in owners:
            if getrefcount(n) <= _OWNED:
                n.value = None
        key = (tuple(code), tuple(live))
        entry = EXECUTABLES.get(key)
        known = entry is not None
        try:
            if entry is None:
                entry = EXECUTABLES.prepare(key, parse(code, live), self.place, cause)
            else:
                observe.STATS.cache_hits += 1
            values, error = entry.run(inputs, numbers, lambda p: donatable(p.input_indices, counts, inputs))
        except BaseException:
            for n, v in zip(owners, inputs, strict=True):
                n.value = v
            for name, value in zip(_PENDING, pending, strict=True):
                setattr(self, name, value)
            raise
        for i, v in zip(live, values, strict=True):
            n = nodes[i]
            n.value = v
            n.prog = None
        if error is not None:
            error.add_note(f"torchax_lite: while running a program cut by {cause} at {observe.user_line()}")
            raise translated(error)
        return known

    def _at_limit(self) -> None:
        """The pending cap is reached: cut where the recorded stream repeats itself, so that few programs suffice."""
        if self.eager:
            self.flush("eager")
            return
        if self.chunk:
            before = self.chunk
            self._cut_now("periodic cut")
            if self.chunk_misses > 3:
                self.chunk = 0
                self.chunk_misses = 0
                self.limit = FREE_LIMIT
            else:
                self.chunk = before
            return
        if self.bytes > BYTES_LIMIT:
            self.flush("pending bytes")
            return
        if self.tape and self.n_ops < TAPE_LIMIT:
            self.limit = TAPE_LIMIT
            return
        p = period([ins.site.id for ins in parse(self.code, ()).instructions])
        if p == 0 and self.n_ops < HARD_LIMIT:
            self.limit = min(self.n_ops * 2, HARD_LIMIT)
            return
        self.chunk = p * max(1, FREE_LIMIT // p) if p else 0
        self.chunk_misses = 0
        self._cut_now("periodic cut" if p else "pending ops")

    def _cut_now(self, cause: str) -> None:
        if not self._run(cause):
            self.chunk_misses += 1


_PENDING = (
    "prog", "code", "nodes", "inputs", "floats", "ints", "complexes", "count", "n_ops", "bytes", "tape", "updated", "limit",
)  # fmt: skip
"""Attributes that make up the pending program."""
_pending = attrgetter(*_PENDING)
FREE_LIMIT = 256
"""Pending ops after which a program without gradients looks for its period."""
TAPE_LIMIT = 4096
"""The same for a program that records gradients (its natural cut is the update of the parameters)."""
HARD_LIMIT = 8192
"""Pending ops after which a program is cut wherever it is."""
BYTES_LIMIT = 4 << 30
"""Bytes of pending results after which a program is cut."""


class TraceRecorder:
    """Places of kind ``trace``: inputs hold JAX tracers, so an op runs at once."""

    eager = True
    n_ops = 0
    tape = False
    updated = False

    def __init__(self, where: Place) -> None:
        self.place = where
        self.lock = threading.RLock()

    def record(self, site: Site, nodes: Sequence[Node], numbers: Sequence[Any] = ()) -> Any:
        import jax
        import jax.numpy as jnp

        arrays = []
        for n in nodes:
            if n.value is None:
                n.aval.recorder.flush("use under a JAX transform")
            arrays.append(n.value)
        with jax.enable_x64(True):
            values = site.fn(
                *arrays, *(jnp.asarray(x, _NUMBER_DTYPE[k]) for k, x in zip(site.number_kinds, numbers, strict=True))
            )
        results = [Node(a, v) for a, v in zip(site.out_avals, values, strict=True)]
        return results[0] if site.single else results

    def flush(self, cause: str) -> None:
        """Nothing is ever pending here."""


_NUMBER_DTYPE = {"f": np.float64, "i": np.int64, "b": np.int64, "c": np.complex128}


class MetaRecorder:
    """The ``meta`` place: shapes and dtypes only."""

    eager = True
    n_ops = 0
    tape = False
    updated = False

    def __init__(self, where: Place) -> None:
        self.place = where
        self.lock = threading.RLock()

    def record(self, site: Site, nodes: Sequence[Node], numbers: Sequence[Any] = ()) -> Any:
        results = [Node(a) for a in site.out_avals]
        return results[0] if site.single else results

    def flush(self, cause: str) -> None:
        """Nothing is ever pending here."""


_RECORDERS: list[Recorder] = []


def recorder_for(where: Place) -> Any:
    """A new recorder for a place."""
    if where.kind == "trace":
        return TraceRecorder(where)
    if where.kind == "meta":
        return MetaRecorder(where)
    made = Recorder(where)
    _RECORDERS.append(made)
    return made


def flush_all(cause: str) -> None:
    """Run everything pending on every place."""
    for r in list(_RECORDERS):
        r.flush(cause)


def step_boundary() -> None:
    """The natural cut of a training loop: the end of an optimizer step."""
    for r in list(_RECORDERS):
        r.chunk = 0
        r.flush("optimizer step")


def pending_ops() -> int:
    """Number of recorded ops that have not run."""
    return sum(r.n_ops for r in _RECORDERS)


def parse(code: Sequence[int], live: Sequence[int]) -> Program:
    """Instructions of a flat program."""
    instructions = []
    avals: list[Aval] = []
    input_indices = []
    i, n = 0, len(code)
    while i < n:
        word = code[i]
        i += 1
        if word < 0:
            input_indices.append(len(avals))
            avals.append(aval_by_id(-1 - word))
            continue
        site = _sites[word]
        instructions.append(Instruction(site, tuple(code[i : i + site.n_in]), len(avals)))
        i += site.n_in
        avals.extend(site.out_avals)
    return Program(instructions, input_indices, avals, tuple(live))


def period(ids: Sequence[int]) -> int:
    """Smallest period of the second half of ``ids`` that repeats at least three times in it; 0 for none."""
    tail = list(ids[len(ids) // 2 :])[::-1]
    n = len(tail)
    fail = [0] * (n + 1)
    k = 0
    for i in range(1, n):
        while k and tail[i] != tail[k]:
            k = fail[k]
        if tail[i] == tail[k]:
            k += 1
        fail[i + 1] = k
    p = n - fail[n]
    return p if p * 3 <= n else 0


def upload(array: np.ndarray[Any, Any], where: Place) -> Any:
    """A NumPy array that nobody changes any more, as a ``jax.Array`` on a place."""
    import jax

    with jax.enable_x64(True):
        return jax.device_put(array, where.jax_device)


def donatable(indices: Sequence[int], counts: Sequence[int], inputs: Sequence[Any]) -> list[bool]:
    """For each input, whether its old value is out of everybody's reach once the program has run.

    Args:
        indices: of the inputs among the program's nodes.
        counts: reference counts of all nodes before the run.
        inputs: the arrays.
    """
    return [counts[i] <= _ONLY_OURS and n <= _ONLY_OURS for i, n in zip(indices, reference_counts(inputs), strict=True)]


def reference_counts(values: Sequence[Any]) -> list[int]:
    """Reference count of each item."""
    return [getrefcount(v) for v in values]


_ONLY_OURS = reference_counts([object()])[0]
"""The count of an item that nothing but its list holds."""


def _owned_count() -> int:
    """The count that :meth:`Recorder._run` sees of a node in both of its lists that nobody else holds."""
    nodes = [Node(None)]  # type: ignore[arg-type]
    owners = [n for n in nodes if n.value is None]
    for n in owners:
        count = getrefcount(n)
    return count


_OWNED = _owned_count()
