"""Instruction counts by Valgrind, which are not available here; the classes that hold them are."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import common

__all__ = ["CallgrindStats", "CopyIfCallgrind", "FunctionCount", "FunctionCounts"]


class FunctionCount(NamedTuple):
    """Instructions of one function."""

    count: int  # type: ignore[assignment]
    function: str


@dataclasses.dataclass(repr=False, eq=False, frozen=True)
class FunctionCounts:
    """Instructions by function, most first."""

    _data: tuple[FunctionCount, ...]
    inclusive: bool
    truncate_rows: bool = True
    _linewidth: int | None = None

    def __iter__(self) -> Iterator[FunctionCount]:
        yield from self._data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, item: Any) -> Any:
        data = self._data[item]
        return (
            FunctionCounts(data, self.inclusive, truncate_rows=False)
            if isinstance(data, tuple) and not isinstance(data, FunctionCount)
            else data
        )

    def __repr__(self) -> str:
        width = max((len(str(c)) for c, _ in self._data), default=0)
        lines = [f"  {c:>{width}}  {fn}" for c, fn in self._data]
        if self.truncate_rows and len(lines) > 18:
            lines = [*lines[:9], "...".rjust(width + 2), *lines[-9:]]
        return "\n".join([object.__repr__(self), *lines, "", f"Total: {self.sum()}"])

    def __add__(self, other: FunctionCounts) -> FunctionCounts:
        return self._merge(other, lambda c: c)

    def __sub__(self, other: FunctionCounts) -> FunctionCounts:
        return self._merge(other, lambda c: -c)

    def __mul__(self, other: int | float) -> FunctionCounts:
        return self._from({fn: int(c * other) for c, fn in self._data})

    def transform(self, map_fn: Callable[[str], str]) -> FunctionCounts:
        """The counts with functions renamed, equal names added up."""
        counts: dict[str, int] = defaultdict(int)
        for c, fn in self._data:
            counts[map_fn(fn)] += c
        return self._from(counts)

    def filter(self, filter_fn: Callable[[str], bool]) -> FunctionCounts:
        """The counts of some functions."""
        return FunctionCounts(tuple(i for i in self._data if filter_fn(i.function)), self.inclusive)

    def denoise(self) -> FunctionCounts:
        """Without the functions of Python's dictionaries, whose counts vary."""
        return self.filter(lambda fn: "dictobject.c:lookdict_unicode" not in fn)

    def sum(self) -> int:
        """All instructions."""
        return sum(c for c, _ in self._data)

    def _merge(self, second: FunctionCounts, merge_fn: Callable[[int], int]) -> FunctionCounts:
        if self.inclusive != second.inclusive:
            raise AssertionError("Cannot merge inclusive and exclusive counts.")
        counts: dict[str, int] = defaultdict(int)
        for c, fn in self._data:
            counts[fn] += c
        for c, fn in second:
            counts[fn] += merge_fn(c)
        return self._from(counts)

    def _from(self, counts: dict[str, int]) -> FunctionCounts:
        items = (FunctionCount(c, fn) for fn, c in counts.items())
        return FunctionCounts(tuple(sorted(items, reverse=True)), self.inclusive)


@dataclasses.dataclass(repr=False, eq=False, frozen=True)
class CallgrindStats:
    """Counts of one statement, with those of an empty one."""

    task_spec: common.TaskSpec
    number_per_run: int
    built_with_debug_symbols: bool
    baseline_inclusive_stats: FunctionCounts
    baseline_exclusive_stats: FunctionCounts
    stmt_inclusive_stats: FunctionCounts
    stmt_exclusive_stats: FunctionCounts
    stmt_callgrind_out: str | None = None

    def stats(self, inclusive: bool = False) -> FunctionCounts:
        """The counts by function."""
        return self.stmt_inclusive_stats if inclusive else self.stmt_exclusive_stats

    def counts(self, *, denoise: bool = False) -> int:
        """All instructions."""
        stats = self.stmt_exclusive_stats
        return (stats.denoise() if denoise else stats).sum()

    def delta(self, other: CallgrindStats, inclusive: bool = False) -> FunctionCounts:
        """The counts less those of another statement."""
        return self.stats(inclusive=inclusive) - other.stats(inclusive=inclusive)

    def as_standardized(self) -> CallgrindStats:
        """The counts with paths stripped from functions' names."""

        def strip(stats: FunctionCounts) -> FunctionCounts:
            return stats.transform(lambda fn: fn.rpartition("/")[2])

        return dataclasses.replace(
            self, baseline_inclusive_stats=strip(self.baseline_inclusive_stats),
            baseline_exclusive_stats=strip(self.baseline_exclusive_stats),
            stmt_inclusive_stats=strip(self.stmt_inclusive_stats),
            stmt_exclusive_stats=strip(self.stmt_exclusive_stats),
        )  # fmt: skip


class CopyIfCallgrind:
    """A value that a counted statement would get as a copy."""

    def __init__(self, value: Any, *, setup: str | None = None) -> None:
        self.value = value
        self.setup = setup

    @staticmethod
    def unwrap_all(globals: dict[str, Any]) -> dict[str, Any]:
        """A namespace with the values themselves."""
        return {k: v.value if isinstance(v, CopyIfCallgrind) else v for k, v in globals.items()}
