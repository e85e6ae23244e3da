"""Executables: programs traced, compiled, cached in memory and on disk, and run."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import disk, observe, shapes
from .avals import Aval, Place

if TYPE_CHECKING:
    from .recorder import Site

_NUMBER_DTYPES = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.complex128))
_EMPTY = [np.empty(0, dtype) for dtype in _NUMBER_DTYPES]
CAPACITY = int(os.environ.get("TORCHAX_LITE_CACHE_PROGRAMS", "1024"))
"""Executables kept in memory; the least recently used is dropped first."""
MAPPINGS_SHARE = 0.5
"""Share of the process's allowed memory mappings (Linux) beyond which the older half of them is dropped."""
CHECK_EVERY = 32
"""Executables made between two looks at the number of mappings."""
SMALL_PROGRAM = 4
"""A program of at most this many ops, seen for the first time, may run op by op."""
QUICK_PROGRAM = 128
"""Ops of a program up to which its first compile is a quick one; in larger ones the quick emitters gain nothing."""
SETTLED = 2
"""The run in short order at which a program is compiled thoroughly, and its line no longer suspected of a storm."""
RECENT = 4
"""Runs of programs within which one that comes back has come back in short order."""
STORM = 8
"""Distinct programs cut at one user line after which new ones run op by op until seen twice."""


class Instruction(NamedTuple):
    """One op of a program: its site, the indices of its inputs, the index of its first result."""

    site: Site
    inputs: tuple[int, ...]
    out: int


class Program(NamedTuple):
    """A parsed program. Indices number inputs and results alike, in order of appearance."""

    instructions: list[Instruction]
    input_indices: list[int]
    avals: list[Aval]
    live: tuple[int, ...]

    def numbers(self) -> list[tuple[int, int]]:
        """For each number in order: (vector, position)."""
        counts = [0, 0, 0]
        found = []
        for ins in self.instructions:
            for kind in ins.site.number_kinds:
                vector = 0 if kind == "f" else 2 if kind == "c" else 1
                found.append((vector, counts[vector]))
                counts[vector] += 1
        return found

    def number_counts(self) -> tuple[int, int, int]:
        """Lengths of the float64, int64 and complex128 vectors."""
        kinds = "".join(ins.site.number_kinds for ins in self.instructions)
        return kinds.count("f"), kinds.count("i") + kinds.count("b"), kinds.count("c")

    def needed(self) -> list[bool]:
        """For each instruction, whether a live result depends on it."""
        wanted = set(self.live)
        keep = [False] * len(self.instructions)
        for k in range(len(self.instructions) - 1, -1, -1):
            ins = self.instructions[k]
            if any(i in wanted for i in range(ins.out, ins.out + ins.site.n_out)):
                keep[k] = True
                wanted.update(ins.inputs)
        return keep

    def evaluate(self, inputs: Sequence[Any], vectors: Sequence[Any]) -> list[Any]:
        """Run the program's bodies on arrays (or tracers)."""
        env: dict[int, Any] = dict(zip(self.input_indices, inputs, strict=True))
        numbers = iter(self.numbers())
        for ins, keep in zip(self.instructions, self.needed(), strict=True):
            taken = [next(numbers) for _ in ins.site.number_kinds]
            if not keep:
                continue
            values = ins.site.fn(*[env[i] for i in ins.inputs], *[vectors[v][p] for v, p in taken])
            for k, value in enumerate(values):
                env[ins.out + k] = value
        return [env[i] for i in self.live]

    def label(self) -> str | None:
        """Stable text of the structure, or None when some site has none."""
        parts = []
        for ins in self.instructions:
            if ins.site.label is None:
                return None
            # The results' avals too: what a derivative sums its gradient to does not show in its inputs.
            parts.append(f"{ins.site.label}{ins.inputs}{ins.site.number_kinds}->{ins.site.out_avals!r}")
        inputs = ";".join(f"{i}:{self.avals[i]!r}" for i in self.input_indices)
        return f"{inputs}|{';'.join(parts)}|{self.live}"


def donation_plan(program: Program, may_donate: Sequence[bool]) -> list[tuple[int, int]]:
    """Pairs (position of an input, position of the live result that takes its memory).

    A result of an update takes the memory of what it replaces. Other results take that of an input of the same aval
    which nothing reads after the result exists; a pair beyond that would make XLA copy.
    """
    makers: dict[int, tuple[int, Instruction]] = {}
    last_use: dict[int, int] = {}
    for k, ins in enumerate(program.instructions):
        for i in ins.inputs:
            last_use[i] = k
        for i in range(ins.out, ins.out + ins.site.n_out):
            makers[i] = k, ins
    free = {i: position for position, i in enumerate(program.input_indices) if may_donate[position]}
    pairs = []
    rest = []
    for position, i in enumerate(program.live):
        _, ins = makers[i]
        replaced = ins.site.replaces
        source = ins.inputs[replaced[i - ins.out]] if replaced else None
        if source in free and program.avals[source] is program.avals[i]:
            pairs.append((free.pop(source), position))
        else:
            rest.append((position, i))
    for position, i in rest:
        made_at, _ = makers[i]
        for source in list(free):
            if program.avals[source] is program.avals[i] and last_use.get(source, -1) <= made_at:
                pairs.append((free.pop(source), position))
                break
    return sorted(pairs)


class Entry:
    """A program and what runs it: one compiled executable, or op-by-op executables on its first appearance."""

    def __init__(self, program: Program, where: Place, cause: str) -> None:
        self.program = program
        self.place = where
        self.cause = cause
        self.line = observe.user_line()
        self.counts = program.number_counts()
        self.compiled: Callable[..., Sequence[Any]] | None = None
        self.donated: tuple[int, ...] = ()
        self.order: tuple[int, ...] = tuple(range(len(program.live)))
        self.places: tuple[int, ...] = self.order
        self.runs = 0
        self.op_by_op = False
        self.broken = False
        self.upgrades = False
        self.streak = 0
        self.ran_at = 0
        self.sent: list[tuple[bytes, Any]] = [(b"", None)] * len(_NUMBER_DTYPES)

    def run(
        self, inputs: list[Any], numbers: tuple[list[float], list[int], list[complex]],
        donatable: Callable[[Program], list[bool]],
    ) -> tuple[Sequence[Any], Exception | None]:  # fmt: skip
        """Values of the program's live results, and the error that left some of them None."""
        import jax

        self.runs += 1
        if self.runs == SETTLED:
            EXECUTABLES.settle(self.line)
        self.streak = self.streak + 1 if EXECUTABLES.tick() - self.ran_at <= RECENT else 1
        self.ran_at = EXECUTABLES.clock
        vectors = [
            np.array(values, dtype) if values else _EMPTY[k]
            for k, (values, dtype) in enumerate(zip(numbers, _NUMBER_DTYPES, strict=True))
        ]
        with jax.enable_x64(True):
            if self.broken or (self.op_by_op and self.runs == 1):
                return self._run_op_by_op(inputs, vectors)
            try:
                if self.compiled is None:
                    self._build(donatable(self.program), quick=True)
                elif self.upgrades and self.streak >= SETTLED:
                    self._build(None, quick=False)
            except Exception as error:
                if len(self.program.instructions) == 1:
                    return [None] * len(self.program.live), error
                self.broken = True
                return self._run_op_by_op(inputs, vectors)
            may = donatable(self.program) if self.donated else ()
            args = list(inputs)
            for k in self.donated:
                if not may[k] and not isinstance(args[k], np.ndarray):
                    args[k] = jax.numpy.array(args[k])
            args += [self._on_device(k, v) for k, v in enumerate(vectors) if self.counts[k]]
            observe.STATS.executions += 1
            values = self.compiled(*args)  # type: ignore[misc]
            return [values[j] for j in self.places], None

    def _on_device(self, k: int, vector: np.ndarray[Any, Any]) -> Any:
        """A vector of numbers where the program reads it.

        For an accelerator, sending one costs as much as starting a program: what is the same as at the last run stays.
        """
        import jax

        device = self.place.jax_device
        if device.platform == "cpu":
            return vector
        content = vector.tobytes()
        if self.sent[k][0] != content:
            self.sent[k] = content, jax.device_put(vector, device)
        return self.sent[k][1]

    def _build(self, may_donate: list[bool] | None, quick: bool) -> None:
        """Load or compile: quickly for the first run, thoroughly when the program comes back.

        Both tiers are kept on disk and used at the same runs in every process, so that results repeat to the bit.
        """
        if may_donate is not None:
            self._plan_donation(may_donate)
        platform = self.place.jax_device.platform
        options = quick_options(platform) if quick and len(self.program.instructions) <= QUICK_PROGRAM else {}
        self.upgrades = quick and bool(options) and len(self.program.instructions) > SMALL_PROGRAM
        label = self.program.label()
        key = None if label is None else disk.key(f"{label}{options}", self.donated, self.place)
        start = time.perf_counter()
        if key is not None:
            loaded = disk.load(key)
            if loaded is not None:
                EXECUTABLES.made_one()
                self.compiled = loaded
                observe.STATS.disk_hits += 1
                observe.STATS.load_seconds += time.perf_counter() - start
                return
        EXECUTABLES.made_one()
        compiled = compile_program(self.program, self.counts, self.donated, self.order, self.place, options)
        seconds = time.perf_counter() - start
        observe.compiled(self, seconds, quick)
        self.compiled = compiled
        if key is not None:
            disk.store(key, compiled)
            shapes.save()

    def _plan_donation(self, may_donate: list[bool]) -> None:
        """Choose the donated inputs, and the order of the results by which JAX pairs them up."""
        pairs = donation_plan(self.program, may_donate)
        self.donated = tuple(k for k, _ in pairs)
        first = [position for _, position in pairs]
        taken = set(first)
        self.order = (*first, *(p for p in range(len(self.program.live)) if p not in taken))
        places = [0] * len(self.order)
        for j, position in enumerate(self.order):
            places[position] = j
        self.places = tuple(places)

    def _run_op_by_op(self, inputs: list[Any], vectors: list[Any]) -> tuple[Sequence[Any], Exception | None]:
        program = self.program
        env: dict[int, Any] = dict(zip(program.input_indices, inputs, strict=True))
        numbers = iter(program.numbers())
        failure = None
        for ins, keep in zip(program.instructions, program.needed(), strict=True):
            taken = [next(numbers) for _ in ins.site.number_kinds]
            if not keep:
                continue
            operands = [env[i] for i in ins.inputs]
            values: Sequence[Any] = [None] * ins.site.n_out
            if all(x is not None for x in operands):
                entry = single_op_entry(ins.site, self.place, self.cause)
                lists: tuple[list[float], list[int], list[complex]] = ([], [], [])
                for v, p in taken:
                    lists[v].append(vectors[v][p])
                values, error = entry.run(operands, lists, lambda p: [False] * len(p.input_indices))
                failure = failure or error
            for k, value in enumerate(values):
                env[ins.out + k] = value
        return [env[i] for i in program.live], failure


def compile_program(
    program: Program, counts: tuple[int, int, int], donated: tuple[int, ...], order: tuple[int, ...], where: Place,
    options: dict[str, Any],
) -> Any:  # fmt: skip
    """Trace and compile a program into one executable."""
    import jax

    n = len(program.input_indices)

    def torchax_lite_program(*args: Any) -> list[Any]:
        rest = iter(args[n:])
        vectors = [next(rest) if c else () for c in counts]
        values = program.evaluate(args[:n], vectors)
        return [values[position] for position in order]

    specs = [jax.ShapeDtypeStruct(program.avals[i].shape, program.avals[i].dtype) for i in program.input_indices]
    specs += [jax.ShapeDtypeStruct((c,), d) for c, d in zip(counts, _NUMBER_DTYPES, strict=True) if c]
    device = where.jax_device
    # What an op does not say otherwise is computed in full float32 on accelerators too (on CPUs it is anyway).
    precise = contextlib.nullcontext() if device.platform == "cpu" else jax.default_matmul_precision("highest")
    with jax.default_device(device), precise:
        lowered = jax.jit(torchax_lite_program, donate_argnums=donated, keep_unused=True).lower(*specs)
        return lowered.compile(compiler_options=options or None)


def quick_options(platform: str) -> dict[str, Any]:
    """XLA options for a program's first run: on CPU the older emitters compile small programs in half the time.

    Nothing where there is no quicker way: XLA dropped these emitters after jaxlib 0.11.0.
    """
    import jaxlib

    if platform != "cpu" or [int(n) for n in re.findall(r"\d+", jaxlib.__version__)[:3]] > [0, 11, 0]:
        return {}
    return {"xla_cpu_use_fusion_emitters": False}


_single: dict[Site, Entry] = {}


def single_op_entry(site: Site, where: Place, cause: str) -> Entry:
    """The executable of one op on its own."""
    found = _single.get(site)
    if found is None:
        if len(_single) >= CAPACITY:
            _single.pop(next(iter(_single)))
        avals = [*site.in_avals, *site.out_avals]
        n = site.n_in
        program = Program([Instruction(site, tuple(range(n)), n)], list(range(n)), avals, tuple(range(n, len(avals))))
        found = _single[site] = Entry(program, where, cause)
    return found


def mappings_used() -> float:
    """Share of the allowed memory mappings that the process has; 0 where the system does not tell."""
    try:
        with open("/proc/sys/vm/max_map_count", encoding="ascii") as f:
            allowed = int(f.read())
        with open("/proc/self/maps", "rb") as maps:
            return sum(1 for _ in maps) / allowed
    except (OSError, ValueError):
        return 0.0


class Executables:
    """Programs by structural key, least recently used dropped first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._by_line: dict[str, int] = {}
        self._made = 0
        self.clock = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Any) -> Entry | None:
        """The entry of a key, now the most recently used."""
        found = self._entries.get(key)
        if found is not None:
            try:
                self._entries.move_to_end(key)
            except KeyError:
                pass
        return found

    def prepare(self, key: Any, program: Program, where: Place, cause: str) -> Entry:
        """A new entry; decides whether its first run is op by op."""
        entry = Entry(program, where, cause)
        n_ops = sum(program.needed())
        seen = self._by_line[entry.line] = self._by_line.get(entry.line, 0) + 1
        if n_ops == 1:
            pass
        elif n_ops <= SMALL_PROGRAM:
            fresh = {ins.site for ins in program.instructions if ins.site not in _single}
            entry.op_by_op = len(fresh) <= 1
        elif seen > STORM:
            entry.op_by_op = True
            if seen == STORM + 1:
                observe.warn_storm(entry, seen)
        with self._lock:
            self._entries[key] = entry
            while len(self._entries) > CAPACITY:
                self._entries.popitem(last=False)
        return entry

    def tick(self) -> int:
        """Count one more run of a program; returns the count."""
        self.clock += 1
        return self.clock

    def made_one(self) -> None:
        """Called for each new executable: XLA maps several pages for each, and a process may have only so many."""
        self._made += 1
        if self._made % CHECK_EVERY or mappings_used() < MAPPINGS_SHARE:
            return
        with self._lock:
            for held in (self._entries, _single):
                for key in list(held)[: len(held) // 2]:
                    del held[key]  # type: ignore[attr-defined]

    def settle(self, line: str) -> None:
        """Forget how many programs a line made: one of them has come back."""
        self._by_line.pop(line, None)

    def clear(self) -> None:
        """Forget every executable in memory."""
        with self._lock:
            self._entries.clear()
            self._by_line.clear()
            _single.clear()


EXECUTABLES = Executables()
