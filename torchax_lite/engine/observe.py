"""What the engine did and why: counters, the record of compiles, warnings about hidden syncs and recompiles."""

from __future__ import annotations

import os
import sys
import warnings
from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .executor import Entry, Program

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
SYNC_MODE = os.environ.get("TORCHAX_LITE_SYNC", "")


@dataclass
class Stats:
    """Counters since the start or the last :func:`reset_stats`.

    Attributes:
        executions: XLA executables run.
        compiles: programs compiled by XLA.
        cache_hits: flushes whose program was in memory.
        disk_hits: programs loaded from the disk cache.
        flushes: cuts that found something pending.
        compile_seconds, load_seconds: time spent compiling, and loading from disk.
        pending: recorded ops that have not run (at the time of the call).
        programs: executables held in memory (at the time of the call).
    """

    executions: int = 0
    compiles: int = 0
    cache_hits: int = 0
    disk_hits: int = 0
    flushes: int = 0
    compile_seconds: float = 0.0
    load_seconds: float = 0.0
    pending: int = 0
    programs: int = 0


STATS = Stats()


def stats() -> Stats:
    """A copy of the counters."""
    from .executor import EXECUTABLES
    from .recorder import pending_ops

    copy = Stats(**{f.name: getattr(STATS, f.name) for f in fields(Stats)})
    copy.pending = pending_ops()
    copy.programs = len(EXECUTABLES)
    return copy


def reset_stats() -> None:
    """Set every counter to zero and forget the record of compiles."""
    for f in fields(Stats):
        setattr(STATS, f.name, f.default)
    _record.clear()


@dataclass
class Compile:
    """One compile: where the program was cut, by what, its size, and what differs from the nearest known program."""

    line: str
    cause: str
    n_ops: int
    seconds: float
    why: str

    def __str__(self) -> str:
        return f"{self.line}: {self.n_ops} ops, cut by {self.cause}, {self.seconds:.2f} s: {self.why}"


_record: deque[Compile] = deque(maxlen=1000)
_last_at_line: dict[str, Program] = {}


def compiled(entry: Entry, seconds: float, quick: bool) -> None:
    """Note a compile."""
    STATS.compiles += 1
    STATS.compile_seconds += seconds
    if quick:
        why = difference(_last_at_line.get(entry.line), entry.program)
    else:
        why = "it came back and is compiled thoroughly"
    if len(_last_at_line) > 256:
        _last_at_line.clear()
    _last_at_line[entry.line] = entry.program
    _record.append(Compile(entry.line, entry.cause, len(entry.program.instructions), seconds, why))


def explain() -> list[Compile]:
    """The compiles so far, oldest first; print one to read it."""
    return list(_record)


def difference(old: Program | None, new: Program) -> str:
    """What makes ``new`` another program than ``old``, in words."""
    if old is None:
        return "first program at this line"
    for a, b in zip(old.instructions, new.instructions, strict=False):
        if a.site is b.site:
            if a.inputs != b.inputs:
                return f"{b.site.name} takes other operands"
            continue
        if a.site.name != b.site.name:
            return f"{b.site.name} stands where {a.site.name} stood"
        if a.site.in_avals != b.site.in_avals:
            shapes = ", ".join(map(repr, a.site.in_avals)), ", ".join(map(repr, b.site.in_avals))
            return f"{b.site.name}: inputs changed from ({shapes[0]}) to ({shapes[1]})"
        return f"{b.site.name}: static arguments changed from {a.site.label} to {b.site.label}"
    if len(old.instructions) != len(new.instructions):
        return f"{len(new.instructions)} ops instead of {len(old.instructions)}"
    if old.live != new.live:
        return f"other results are still in use at the cut ({len(new.live)} instead of {len(old.live)})"
    return "other inputs"


def warn_storm(entry: Entry, count: int) -> None:
    """Warn once that one line keeps producing new programs."""
    why = difference(_last_at_line.get(entry.line), entry.program)
    warnings.warn(
        f"torchax_lite: {count} different programs were cut at {entry.line}; the last differs because: {why}. New ones run "
        "op by op from now on (torchax_lite.engine.explain() lists every compile)",
        RuntimeWarning,
        stacklevel=2,
    )


def user_line() -> str:
    """``file:line`` of the innermost frame outside this package."""
    frame = sys._getframe(1)
    found: Any = frame
    while found is not None:
        name = found.f_code.co_filename
        if not name.startswith(_PACKAGE) and not name.startswith("<frozen"):
            return f"{name}:{found.f_lineno}"
        found = found.f_back
    return "?:0"


def host_read(what: str) -> None:
    """Called at each host read that has to run something: ``TORCHAX_LITE_SYNC=warn`` names the line."""
    if SYNC_MODE in ("warn", "error"):
        text = f"torchax_lite: host read ({what}) at {user_line()} runs the pending program"
        if SYNC_MODE == "error":
            raise RuntimeError(text)
        warnings.warn(text, RuntimeWarning, stacklevel=2)
