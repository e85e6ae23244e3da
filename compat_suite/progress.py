"""What a run prints: a line for each result that is not as expected, how far it is, and the sums at the end."""

from __future__ import annotations

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TextIO

from .runner import FIXED, KNOWN, PASS, STATUSES, Result

PERIOD = 10.0
"""Seconds between lines of progress where the output is no terminal."""


class Progress:
    """Shows results as they come: on a terminal one line that is redrawn, else a line now and then.

    Args:
        total: how many results will come.
        out: where to write.
    """

    def __init__(self, total: int, out: TextIO) -> None:
        self.total, self.out = total, out
        self.counts: Counter[str] = Counter()
        self.start = self.shown = time.monotonic()
        self.redraw = out.isatty()

    def add(self, result: Result) -> None:
        """Count a result; say what is wrong with it."""
        self.counts[result.status] += 1
        if not result.ok:
            self.clear()
            for line in lines_of(result):
                print(line, file=self.out)
        now = time.monotonic()
        if now - self.shown >= (0.1 if self.redraw else PERIOD) or not result.ok and self.redraw:
            self.shown = now
            self._show(result.api)

    def _show(self, api: str) -> None:
        done = self.counts.total()
        spent = time.monotonic() - self.start
        left = spent / done * (self.total - done)
        unexpected = done - self.counts[PASS] - self.counts[KNOWN]
        text = f"{done} of {self.total} ({done / self.total:.0%}), {unexpected} unexpected, about {_clock(left)} left"
        if self.redraw:
            text = f"{text}: {api}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{text}", end="", file=self.out, flush=True)
        else:
            print(text, file=self.out, flush=True)

    def clear(self) -> None:
        """Remove the redrawn line."""
        if self.redraw:
            print("\r\033[K", end="", file=self.out, flush=True)


def lines_of(result: Result) -> list[str]:
    """A result that is not as expected, in a few lines."""
    text = (
        f"it is listed as a known failure ({result.reason}); take it off the list"
        if result.status == FIXED
        else result.message
    )
    return [f"{result.status}: {result.id}", *(f"    {line}" for line in text.splitlines()), f"    {result.page}"]


def summarize(results: Iterable[Result], out: TextIO, *, of: int | None = None) -> bool:
    """Print counts by namespace; whether all is as expected.

    Args:
        results: what came.
        out: where to write.
        of: how many cases there were, if the run was ended before all had their turn.
    """
    results = list(results)
    by_namespace: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for r in results:
        by_namespace[r.namespace][r.status] += 1
    for namespace, counts in sorted(by_namespace.items()):
        print(f"{namespace:<32} {_line(counts)}", file=out)
    seconds = sum(r.seconds for r in results)
    print(f"{'all':<32} {_line(Counter(r.status for r in results))}, {seconds:.0f} s of work", file=out)
    if of is not None and of > len(results):
        print(f"interrupted: {of - len(results)} of {of} cases were not run", file=out)
    return all(r.ok for r in results)


def _line(counts: Counter[str]) -> str:
    rest = "".join(f", {counts[s]} {s}" for s in STATUSES if s != PASS and counts[s])
    return f"{counts[PASS]:>5} of {counts.total()} pass{rest}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
