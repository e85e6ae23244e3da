"""Measurements: what was timed, and the times."""

from __future__ import annotations

import contextlib
import dataclasses
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

_MAX_SIGNIFICANT_FIGURES = 4
_MIN_CONFIDENCE_INTERVAL = 25e-9
_IQR_WARN_THRESHOLD = 0.1
_IQR_GROSS_WARN_THRESHOLD = 0.25
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_ENGLISH = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What is timed, in words and code."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """Label and sub-label, or the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt + (f": {self.sub_label}" if self.sub_label else "")
        return f"stmt:{f' ({self.sub_label})' if self.sub_label else ''}\n{textwrap.indent(self.stmt, '  ')}"

    def setup_str(self) -> str:
        """The setup, for printing."""
        if self.setup == "pass" or not self.setup:
            return ""
        if "\n" in self.setup:
            return f"setup:\n{textwrap.indent(self.setup, '  ')}"
        return f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description and setup on lines of their own."""
        parts = [self.title, self.description or "", self.setup_str()]
        return "\n".join(f"{i}\n" if "\n" in i else i for i in parts if i)


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """Times of one task: ``raw_times`` of ``number_per_run`` runs each, in seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __post_init__(self) -> None:
        self._sorted_times: tuple[float, ...] = ()
        self._warnings: tuple[str, ...] = ()
        self._median = -1.0
        self._mean = -1.0
        self._p25 = -1.0
        self._p75 = -1.0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(TaskSpec, name) or name in TaskSpec.__dataclass_fields__:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")

    @property
    def times(self) -> list[float]:
        """Seconds a run."""
        return [t / self.number_per_run for t in self.raw_times]

    def _compute(self) -> None:
        if self.raw_times and not self._sorted_times:
            self._sorted_times = tuple(sorted(self.times))
            times = np.array(self._sorted_times)
            self._median = float(np.median(times))
            self._mean = float(times.mean())
            self._p25, self._p75 = (float(x) for x in np.percentile(times, (25, 75)))
            self._warnings = tuple(self._notes(_IQR_WARN_THRESHOLD, _IQR_GROSS_WARN_THRESHOLD))

    def _notes(self, wide: float, gross: float) -> Iterator[str]:
        if not self._spread_below(gross):
            yield "This suggests significant environmental influence."
        elif not self._spread_below(wide):
            yield "This could indicate system fluctuation."

    def _spread_below(self, threshold: float) -> bool:
        return (self._p75 - self._p25) / self._median < threshold if self._median else True

    @property
    def median(self) -> float:
        """The median time."""
        self._compute()
        return self._median

    @property
    def mean(self) -> float:
        """The mean time."""
        self._compute()
        return self._mean

    @property
    def iqr(self) -> float:
        """From the first quartile to the third."""
        self._compute()
        return self._p75 - self._p25

    @property
    def significant_figures(self) -> int:
        """How many digits of the median the spread of the times leaves meaningful (a rough estimate, 1 to 4)."""
        self._compute()
        n = len(self._sorted_times)
        lower, upper = int(n // 4), int(np.ceil(3 * n / 4))
        interval = self._sorted_times[lower:upper]
        relative = max((interval[-1] - interval[0]) if interval else 0.0, _MIN_CONFIDENCE_INTERVAL)
        digits = -np.log10(max(relative / self._median, 1e-12) if self._median else 1.0)
        return int(max(1, min(_MAX_SIGNIFICANT_FIGURES, np.floor(digits))))

    @property
    def has_warnings(self) -> bool:
        """Whether the times scatter much."""
        self._compute()
        return bool(self._warnings)

    def meets_confidence(self, threshold: float = _IQR_WARN_THRESHOLD) -> bool:
        """Whether the spread is below a share of the median."""
        self._compute()
        return self._spread_below(threshold)

    @property
    def title(self) -> str:
        """The task's title."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """The task's environment, as printed."""
        return "Unspecified env" if self.task_spec.env is None else self.task_spec.env

    @property
    def as_row_name(self) -> str:
        """The name of the task's row in tables."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __repr__(self) -> str:
        self._compute()
        n = len(self.raw_times)
        runs = f"{self.number_per_run} run{'s' if self.number_per_run > 1 else ''}"
        spec = self.task_spec
        head = [f"{object.__repr__(self)}", spec.summarize()]
        unit, factor = select_unit(self._median)
        skip = "  Median: " if n > 1 else "  "
        body = [f"{skip}{self._median / factor:.2f} {unit}"]
        if n > 1:
            body.append(
                f"  IQR:    {self.iqr / factor:.2f} {unit} ({self._p25 / factor:.2f} to {self._p75 / factor:.2f})"
            )
        threads = f"{spec.num_threads} thread{'s' if spec.num_threads > 1 else ''}"
        body.append(
            f"  {n} measurement{'s' if n > 1 else ''}, {runs}{' per measurement,' if n > 1 else ' ,'} {threads}"
        )
        if self._warnings:
            body += [f"  WARNING: Interquartile range is {self.iqr / self._median * 100:.1f}% of the median measurement.",
                     *(f"           {w}" for w in self._warnings)]  # fmt: skip
        return "\n".join([*head, *body])

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One measurement for each task, with all the times of its runs.

        Times of different numbers of runs are put on the smallest.
        """
        grouped: dict[TaskSpec, list[Measurement]] = defaultdict(list)
        for m in measurements:
            grouped[m.task_spec].append(m)
        made = []
        for spec, group in grouped.items():
            number = min(m.number_per_run for m in group)
            raw = [t * number for m in group for t in m.times]
            made.append(Measurement(number, raw, spec, None))
        return made


def select_unit(t: float) -> tuple[str, float]:
    """The unit (name, seconds) that a time is best shown in."""
    unit = {-3: "ns", -2: "us", -1: "ms"}.get(int(np.floor(np.log10(t) // 3)) if t > 0 else 0, "s")
    return unit, _UNITS[unit]


def unit_to_english(u: str) -> str:
    """The name of a unit in words."""
    return _ENGLISH[u]


def trim_sigfig(x: float, n: int) -> float:
    """``x`` rounded to ``n`` significant figures."""
    if n != int(n):
        raise AssertionError("n must be an integer")
    if not x:
        return 0.0
    scale = 10.0 ** (int(np.floor(np.log10(abs(x)))) + 1 - int(n))
    return float(np.round(x / scale) * scale)


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """The elements, each once, in order of first appearance."""
    return list(dict.fromkeys(elements))


@contextlib.contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """Another number of threads inside the block, where it can be had."""
    import torchax_lite as torch

    if n != torch.get_num_threads():
        # XLA's pool has its size from the start of the process; the measurement is made with it.
        pass
    yield


__all__ = [
    "Measurement",
    "TaskSpec",
    "ordered_unique",
    "select_unit",
    "set_torch_threads",
    "trim_sigfig",
    "unit_to_english",
]
