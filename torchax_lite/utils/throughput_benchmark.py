"""``ThroughputBenchmark``: how long one call of a model takes."""

from __future__ import annotations

import time
from typing import Any

import torchax_lite as torch

__all__ = ["ExecutionStats", "ThroughputBenchmark", "format_time"]


def format_time(time_us: float | None = None, time_ms: float | None = None, time_s: float | None = None) -> str:
    """A time in the unit that suits it; exactly one of the three is given."""
    if sum(t is not None for t in (time_us, time_ms, time_s)) != 1:
        raise AssertionError("Expected only one of time_us, time_ms, time_s is given.")
    us = time_us if time_us is not None else (time_ms or 0) * 1e3 if time_ms is not None else (time_s or 0) * 1e6
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


class ExecutionStats:
    """What :meth:`ThroughputBenchmark.benchmark` measured."""

    def __init__(self, latency_avg_ms: float, num_iters: int, benchmark_config: dict[str, Any]) -> None:
        self.latency_avg_ms = latency_avg_ms
        self.num_iters = num_iters
        self.benchmark_config = benchmark_config

    @property
    def iters_per_second(self) -> float:
        """Calls a second, over all callers."""
        return self.num_iters / self.total_time_seconds

    @property
    def total_time_seconds(self) -> float:
        """Time of all calls."""
        return self.num_iters * self.latency_avg_ms / 1e3 / self.benchmark_config["num_calling_threads"]

    def __str__(self) -> str:
        return "\n".join(
            [
                f"Average latency per example: {format_time(time_ms=self.latency_avg_ms)}",
                f"Total number of iterations: {self.num_iters}",
                f"Total number of iterations per second (across all threads): {self.iters_per_second:.2f}",
                f"Total time: {format_time(time_s=self.total_time_seconds)}",
            ]
        )


class ThroughputBenchmark:
    """Calls a module on inputs given before, and takes the time.

    Args:
        module: anything that can be called.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._inputs: list[tuple[Any, Any]] = []

    def add_input(self, *args: Any, **kwargs: Any) -> None:
        """Add the arguments of one call."""
        self._inputs.append((args, kwargs))

    def run_once(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self._module(*args, **kwargs)

    def benchmark(
        self, num_calling_threads: int = 1, num_warmup_iters: int = 10, num_iters: int = 100,
        profiler_output_path: str = "",
    ) -> ExecutionStats:  # fmt: skip
        """The average time of a call, each waited for.

        Raises:
            NotImplementedError: several threads, or a profile.
        """
        if num_calling_threads != 1 or profiler_output_path:
            raise NotImplementedError(
                "ThroughputBenchmark with several calling threads or a profiler is not available: one program at a time "
                "uses the whole device; use torch.profiler for profiles"
            )
        if not self._inputs:
            raise RuntimeError("Please provide benchmark inputs. Did you forget to call add_input()? ")
        for i in range(num_warmup_iters):
            self._call(i)
        start = time.perf_counter()
        for i in range(num_iters):
            self._call(i)
        average = (time.perf_counter() - start) * 1e3 / max(num_iters, 1)
        config = {"num_calling_threads": 1, "num_warmup_iters": num_warmup_iters, "num_iters": num_iters}
        return ExecutionStats(average, num_iters, config)

    def _call(self, i: int) -> None:
        from ._pytree import tree_leaves

        args, kwargs = self._inputs[i % len(self._inputs)]
        with torch.no_grad():
            result = self._module(*args, **kwargs)
        for t in tree_leaves(result):
            if isinstance(t, torch.Tensor):
                t._jax_array().block_until_ready()
