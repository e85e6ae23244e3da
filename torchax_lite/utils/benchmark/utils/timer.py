"""``Timer``: times a statement, with the results of each run waited for."""

from __future__ import annotations

import ast
import enum
import textwrap
import timeit
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ...._streams import wait_for
from ....engine import recorder
from ....tensor.tensor import Tensor
from ..._pytree import tree_leaves
from . import common

__all__ = ["Language", "Timer", "timer"]


_last: list[Any] = []
"""What the last run of a timed statement made."""


def timer() -> float:
    """The time in seconds, after everything recorded has run on every device."""
    recorder.flush_all("timer")
    for t in tree_leaves(_last):
        if isinstance(t, Tensor):
            value = t._known_value()
            if hasattr(value, "block_until_ready"):
                value.block_until_ready()
    _last.clear()
    for r in list(recorder._RECORDERS):
        if r.place.type != "cpu" and r.place.started:
            wait_for(r.place)
    return timeit.default_timer()


def _launch(made: Any) -> None:
    recorder.flush_all("benchmark")
    _last[:] = list(made.values()) if isinstance(made, dict) else [made]


def _launching(stmt: str) -> str:
    """A statement that keeps the value of its last expression until what it recorded has been launched."""
    tree = ast.parse(stmt)
    made = "locals()"
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        made = "_torch_benchmark_result"
        target = ast.Name(made, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([target], tree.body[-1].value), tree.body[-1])
        ast.fix_missing_locations(tree)
    return f"{ast.unparse(tree)}\n_torch_benchmark_launch({made})"


class Language(enum.Enum):
    """Languages of statements."""

    PYTHON = 0
    CPP = 1


class Timer:
    """Times a statement.

    Each run of the statement ends with the launch of what it recorded, its last expression's value included, and each
    measurement with a wait until everything has run.

    Args:
        stmt: the statement.
        setup: runs before each measurement.
        global_setup: for C++ only.
        timer: gives the time in seconds; by default one that waits for all results.
        globals: the names that the statement sees.
        label, sub_label, description, env: for tables.
        num_threads: kept for tables; XLA's pool has its size from the start of the process.
        language: Python (C++: NotImplementedError).
    """

    _timer_cls = timeit.Timer

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "", timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None, label: str | None = None, sub_label: str | None = None,
        description: str | None = None, env: str | None = None, num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language in (Language.CPP, "cpp", "c++"):
            raise NotImplementedError("Timer(language='cpp') is not available: there is no C++ API to time")
        if language not in (Language.PYTHON, "py", "python"):
            raise ValueError(f"Invalid language `{language}`.")
        if global_setup:
            raise ValueError(
                f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be moved to `setup`."
            )
        self._globals = dict(globals or {})
        if "torch" not in self._globals:
            import torchax_lite

            self._globals["torch"] = torchax_lite
        stmt, setup = (textwrap.dedent(s[1:] if s[:1] == "\n" else s).rstrip() for s in (stmt, setup))
        self._task_spec = common.TaskSpec(
            stmt=stmt, setup=setup, global_setup="", label=label, sub_label=sub_label, description=description, env=env,
            num_threads=num_threads,
        )  # fmt: skip
        self._globals["_torch_benchmark_launch"] = _launch
        self._timer = self._timer_cls(stmt=_launching(stmt), setup=setup, timer=timer, globals=self._globals)

    def _timeit(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> common.Measurement:
        """The time of ``number`` runs, after a shorter warm-up."""
        with common.set_torch_threads(self._task_spec.num_threads):
            self._timeit(number=max(int(number // 100), 2))
            return common.Measurement(number, [self._timeit(number=number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Not offered, as in PyTorch; use :meth:`blocked_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callable[[int, float], NoReturn] | None = None) -> None:
        """Not offered, as in PyTorch; use :meth:`blocked_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _threaded_measurement_loop(
        self, number: int, time_hook: Callable[[], float], stop_hook: Callable[[list[float]], bool], min_run_time: float,
        max_run_time: float | None = None, callback: Callable[[int, float], NoReturn] | None = None,
    ) -> list[float]:  # fmt: skip
        total = 0.0
        may_stop = False
        times: list[float] = []
        with common.set_torch_threads(self._task_spec.num_threads):
            while total < min_run_time or not may_stop:
                spent = time_hook()
                times.append(spent)
                total += spent
                if callback:
                    callback(number, spent)
                may_stop = stop_hook(times)
                if max_run_time and total > max_run_time:
                    break
        return times

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callable[[int, float], NoReturn] | None = None,
    ) -> common.Measurement:  # fmt: skip
        """Blocks of runs until their spread is below a share of their median, or the time is up."""
        number = self._estimate_block_size(min_run_time=0.05)

        def settled(times: list[float]) -> bool:
            if len(times) <= 3:
                return False
            return common.Measurement(number, times, self._task_spec).meets_confidence(threshold=threshold)

        times = self._threaded_measurement_loop(
            number, lambda: self._timeit(number), settled, min_run_time, max_run_time, callback=callback
        )
        return common.Measurement(number, times, self._task_spec)

    def _estimate_block_size(self, min_run_time: float) -> int:
        """Runs in a block, so that the timer's own cost is a thousandth at most."""
        with common.set_torch_threads(self._task_spec.num_threads):
            overhead = float(np.median([self._timeit(0) for _ in range(5)]))
            number = 1
            while True:
                spent = self._timeit(number)
                if overhead / spent <= 1e-4 and spent >= min_run_time / 1000:
                    return number
                if spent > min_run_time:
                    return number
                number *= 10

    def blocked_autorange(
        self, callback: Callable[[int, float], NoReturn] | None = None, min_run_time: float = 0.2
    ) -> common.Measurement:
        """Blocks of runs for at least a time."""
        number = self._estimate_block_size(min_run_time)
        times = self._threaded_measurement_loop(
            number, lambda: self._timeit(number), lambda times: True, min_run_time, callback=callback
        )
        return common.Measurement(number, times, self._task_spec)

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> Any:
        """Instruction counts by Valgrind are not available."""
        raise NotImplementedError("Timer.collect_callgrind is not available; use blocked_autorange, or jax.profiler")
