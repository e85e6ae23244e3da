"""``Compare``: tables of measurements, one column a description, one row a sub-label and number of threads."""

from __future__ import annotations

import collections
import enum
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from . import common

__all__ = ["Colorize", "Compare"]

BEST = "\033[92m"
GOOD = "\033[34m"
BAD = "\033[2m\033[91m"
VERY_BAD = "\033[31m"
BOLD = "\033[1m"
TERMINATE = "\033[0m"


class Colorize(enum.Enum):
    """Whether times are coloured, and compared with what."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class _Column:
    """The times of one column, and how they are written."""

    def __init__(self, cells: Sequence[Any], factor: float, trim: bool, warn: bool) -> None:
        self.cells = cells
        self.factor = factor
        self.trim = trim
        self.warn = warn
        figures = [c.significant_figures if trim else 2 for c in cells if c]
        estimates = [c.median / factor for c in cells if c]
        digits = [self._digits(f, x) if trim else 1 for f, x in zip(figures, estimates, strict=True)]
        self.decimals = max([0, *digits]) if trim else 1
        shown = [self._text(c) for c in cells if c]
        self.width = max(len(s) for s in shown) if shown else 0
        spread = any(c.has_warnings for c in cells if c) and warn
        self.spread = spread

    @staticmethod
    def _digits(figures: int, x: float) -> int:
        return max(0, figures - 1 - int(np.floor(np.log10(x)))) if x > 0 else 0

    def _text(self, cell: Any) -> str:
        x = cell.median / self.factor
        if self.trim:
            x = common.trim_sigfig(x, cell.significant_figures)
        return f"{x:.{self.decimals}f}"

    def text(self, cell: Any, group: Sequence[float], colored: bool) -> str:
        """A cell padded to the column, with its warning and colour."""
        if cell is None:
            return " " * self.width
        text = self._text(cell).rjust(self.width)
        if self.spread:
            text += f" (! {cell.iqr / cell.median * 100:.0f}%)" if cell.has_warnings else " " * 8
        if not colored or not group:
            return text
        best, value = min(group), cell.median
        if value <= best:
            return f"{BEST}{BOLD}{text}{TERMINATE}{TERMINATE}"
        if value <= best * 1.1:
            return f"{GOOD}{BOLD}{text}{TERMINATE}{TERMINATE}"
        if value >= best * 3:
            return f"{VERY_BAD}{BOLD}{text}{TERMINATE}{TERMINATE}"
        return f"{BAD}{text}{TERMINATE}{TERMINATE}" if value >= best * 2 else text


class Compare:
    """Measurements side by side.

    Args:
        results: measurements with labels, sub-labels and descriptions.
    """

    def __init__(self, results: list[common.Measurement]) -> None:
        self._results: list[common.Measurement] = []
        self.extend_results(results)
        self._trim_significant_figures = False
        self._colorize = Colorize.NONE
        self._highlight_warnings = False

    def __str__(self) -> str:
        return "\n".join(self._render())

    def extend_results(self, results: Iterable[common.Measurement]) -> None:
        """Add measurements.

        Raises:
            ValueError: something else among them.
        """
        found = list(results)
        for r in found:
            if not isinstance(r, common.Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(r)} instead.")
        self._results.extend(found)

    def trim_significant_figures(self) -> None:
        """Show only the digits that the spread leaves meaningful."""
        self._trim_significant_figures = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour the times by how they compare within their column (or row)."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Mark times that scatter much."""
        self._highlight_warnings = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def _render(self) -> list[str]:
        merged = common.Measurement.merge(self._results)
        grouped: dict[str, list[common.Measurement]] = collections.defaultdict(list)
        for r in merged:
            grouped[r.title.split(": ")[0] if r.task_spec.label is None else r.task_spec.label].append(r)
        return [self._table(label, results) for label, results in grouped.items()]

    def _table(self, label: str, results: list[common.Measurement]) -> str:
        unit, factor = common.select_unit(min(r.median for r in results))
        columns = common.ordered_unique(r.task_spec.description for r in results)
        keys = common.ordered_unique((r.task_spec.num_threads, r.task_spec.env, r.as_row_name) for r in results)
        keys.sort(key=lambda k: k[0])
        by_key = {
            (r.task_spec.num_threads, r.task_spec.env, r.as_row_name, r.task_spec.description): r for r in results
        }
        grid = [[by_key.get((*k, c)) for c in columns] for k in keys]
        made = [
            _Column(cells, factor, self._trim_significant_figures, self._highlight_warnings)
            for cells in zip(*grid, strict=True)
        ]
        colored = self._colorize is not Colorize.NONE
        names = [f"      {k[2]}" for k in keys]
        first = max(len(n) for n in names)
        heads = [c or "" for c in columns]
        widths = [max(len(h), col.width + (8 if col.spread else 0)) for h, col in zip(heads, made, strict=True)]
        header = " " * first + "".join(f"  |  {h.center(w)}" for h, w in zip(heads, widths, strict=True))
        title = f" {label} ".center(len(header) - 2, "-")
        lines = [f"[{title}]", header]
        threads = None
        several_env = len({k[1] for k in keys}) > 1
        for key, name, row in zip(keys, names, grid, strict=True):
            if key[0] != threads:
                threads = key[0]
                lines.append(f"{threads} threads: ".ljust(len(header), "-"))
            cells = []
            for j, (cell, col, w) in enumerate(zip(row, made, widths, strict=True)):
                if self._colorize is Colorize.ROWWISE:
                    group = [c.median for c in row if c]
                else:
                    group = [grid[i][j].median for i in range(len(grid)) if grid[i][j] and keys[i][0] == key[0]]
                plain = col.text(cell, (), False)
                pad = " " * ((w - len(plain) + 1) // 2)
                text = pad + col.text(cell, group, colored) + " " * (w - len(plain) - len(pad))
                cells.append(f"  |  {text}")
            env = f"  ({key[1]})" if several_env and key[1] else ""
            lines.append(name.ljust(first) + "".join(cells) + env)
        lines += ["", f"Times are in {common.unit_to_english(unit)}s ({unit}).", ""]
        if self._colorize is Colorize.ROWWISE or any(c.spread for c in made):
            lines += (
                ["(! XX%) Measurement has high variance, where XX is the IQR / median * 100.", ""]
                if any(c.spread for c in made)
                else []
            )
        return "\n".join(lines)
