"""The profiler's core: what is recorded, and ``torch.autograd.profiler``.

Two kinds of times, told apart by their names. ``aten::…`` events are calls of public functions: what recording an op
costs Python, not what computing it costs, as nothing is computed then. ``torchax_lite::program`` events are runs of
compiled programs, waited for while a profile is active (so that the time is the computation's), and
``torchax_lite::compile`` events their compilation or loading from disk.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.engine import flush_all
from torchax_lite.engine.executor import Entry
from torchax_lite.tensor import overriding
from torchax_lite.tensor.interception import Inner, Layer, Point

from .profiler_util import EventList, FunctionEvent, FunctionEventAvg, Interval, MemRecordsAcc, StringTable

__all__ = [
    "EnforceUnique", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval", "KinetoStepTracker", "StringTable",
    "emit_itt", "emit_nvtx", "MemRecordsAcc", "load_nvprof", "parse_nvprof_trace", "profile", "record_function",
]  # fmt: skip

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Recording:
    """The events of one profile, and what is noted for each."""

    def __init__(self, shapes: bool = False, memory: bool = False, stack: bool = False, flops: bool = False) -> None:
        self.shapes, self.memory, self.stack, self.flops = shapes, memory, stack, flops
        self.start = time.perf_counter_ns()
        self.wall = time.time_ns()
        self.events: list[FunctionEvent] = []
        self.next_id = 0
        self.open = threading.local()

    def now(self) -> float:
        """Microseconds since the start."""
        return (time.perf_counter_ns() - self.start) / 1e3

    def enter(self, name: str, **details: Any) -> FunctionEvent:
        """Begin an event inside of the one that is open in this thread."""
        self.next_id += 1
        event = FunctionEvent(self.next_id, name, threading.get_native_id(), self.now(), 0.0, **details)
        if self.stack:
            event.stack = _stack()
        stack = self.open.__dict__.setdefault("stack", [])
        if stack:
            event.cpu_parent = stack[-1]
            stack[-1].cpu_children.append(event)
        stack.append(event)
        self.events.append(event)
        return event

    def exit(self, event: FunctionEvent) -> None:
        """End an event, and those inside of it that were not ended."""
        event.time_range.end = self.now()
        stack = self.open.__dict__.get("stack", [])
        while stack and stack[-1] is not event:
            stack.pop().time_range.end = event.time_range.end
        if stack:
            stack.pop()

    def finish(self) -> EventList:
        """All events; open ones end now."""
        for event in self.events:
            if not event.time_range.end:
                event.time_range.end = self.now()
        return EventList(self.events, use_device=_device_name(), profile_memory=self.memory, with_flops=self.flops)


def _device_name() -> str | None:
    return "cuda" if torch.cuda.is_available() else "xla"


def _stack() -> list[str]:
    """The program's lines that are running, innermost first."""
    import sys

    frame, found = sys._getframe(1), []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return found


current: Recording | None = None


def _function_event(p: Point, args: tuple[Any, ...], kwargs: dict[str, Any], inner: Inner) -> Any:
    recording = current
    if recording is None:
        return inner(args, kwargs)
    name = _names.get(p)
    if name is None:
        public = overriding.name_of(p.public) or p.name
        name = _names[p] = _PREFIXES.get(public, "aten::" + public.rpartition(".")[2])
    shapes = [_shape(a) for a in (*args, *kwargs.values())] if recording.shapes else None
    event = recording.enter(name, input_shapes=shapes)
    try:
        result = inner(args, kwargs)
        if recording.memory or recording.flops:
            _measure(recording, event, name, args, result)
        return result
    finally:
        recording.exit(event)


_names: dict[Point, str] = {}
_PREFIXES = {"torch.Tensor.backward": "autograd::backward"}


def _shape(a: Any) -> Any:
    if isinstance(a, Tensor):
        return list(a._aval.shape)
    if isinstance(a, (list, tuple)) and a and all(isinstance(x, Tensor) for x in a):
        return [list(x._aval.shape) for x in a]
    return []


def _measure(recording: Recording, event: FunctionEvent, name: str, args: tuple[Any, ...], result: Any) -> None:
    """Bytes of new results, and the floating point operations of products."""
    outs = [r for r in (result if isinstance(result, (tuple, list)) else (result,)) if isinstance(r, Tensor)]
    if recording.memory:
        fresh = [t for t in outs if t._view is None and all(t is not a for a in args)]
        event.own_memory = sum(t._aval.bytes for t in fresh)
    if recording.flops and outs and not any(c.flops for c in event.cpu_children):
        event.flops = _flops(name, args, outs[0])


def _flops(name: str, args: tuple[Any, ...], out: Tensor) -> int | None:
    op = name.removeprefix("aten::")
    tensors = [a for a in args if isinstance(a, Tensor)]
    if op in ("mm", "bmm", "matmul", "linear", "__matmul__", "mv", "dot") and len(tensors) >= 2:
        return 2 * max(out._aval.size, 1) * tensors[0]._aval.shape[-1]
    if op in ("addmm", "baddbmm") and len(tensors) == 3:
        return 2 * out._aval.size * tensors[1]._aval.shape[-1]
    if op in ("conv1d", "conv2d", "conv3d") and len(tensors) >= 2:
        weight = tensors[1]._aval
        return 2 * out._aval.size * (weight.size // max(weight.shape[0], 1))
    return out._aval.size if op in ("add", "mul") else None


def _program_event(p: Point, args: tuple[Any, ...], kwargs: dict[str, Any], inner: Inner) -> Any:
    recording = current
    if recording is None:
        return inner(args, kwargs)
    entry = args[0]
    if p.name == "_build":
        event = recording.enter("torchax_lite::compile", n_ops=len(entry.program.instructions))
        try:
            return inner(args, kwargs)
        finally:
            recording.exit(event)
    event = recording.enter("torchax_lite::program", n_ops=len(entry.program.instructions))
    try:
        result = inner(args, kwargs)
        for value in result[0]:
            if hasattr(value, "block_until_ready"):
                value.block_until_ready()
        return result
    finally:
        recording.exit(event)
        if entry.place.type != "cpu":
            event._device_us = event.time_range.elapsed_us() - sum(c.cpu_time_total for c in event.cpu_children)
            event.use_device = entry.place.type


def _calls() -> list[Any]:
    skip = ("__get__", "__set__", "size", "dim", "numel", "is_floating_point", "is_complex", "__len__", "requires_grad_",
            "__hash__", "__format__", "__repr__", "register_hook", "retain_grad", "stride", "is_contiguous", "__iter__",
            "storage_offset", "element_size", "data_ptr", "is_tensor", "__torch_function__", "get_device", "__bool__",
            "__reduce_ex__", "__deepcopy__", "__array__", "__setstate__", "type", "untyped_storage", "nelement", "__dir__")  # fmt: skip
    return [f for f in overriding.public_functions() if not _point_name(f).endswith(tuple("." + s for s in skip))]


def _point_name(f: Any) -> str:
    from torchax_lite.tensor.interception import point

    return point(f).name


_CALLS = Layer(_function_event, _calls, rank=50)
_EXECUTION: list[Any] = [Entry.run, Entry._build]
_PROGRAMS = Layer(_program_event, lambda: _EXECUTION, rank=50)


def begin(recording: Recording) -> None:
    """Record into this from now on."""
    global current
    if current is not None:
        raise RuntimeError("Profiler is already enabled on this thread")
    overriding.load_namespaces()
    _CALLS.enable()
    _PROGRAMS.enable()
    recording.start, recording.wall = time.perf_counter_ns(), time.time_ns()
    current = recording


def pause(recording: Recording, paused: bool) -> None:
    """Leave a recording that has begun, or go on with it; what is pending belongs to the side on which it was called."""
    global current
    if paused and current is recording:
        end()
    elif not paused and current is None:
        flush_all("the profile goes on")
        _CALLS.enable()
        _PROGRAMS.enable()
        current = recording


def end() -> None:
    """Run what is pending, so that its time belongs to the profile, and stop."""
    global current
    if current is None:
        return
    flush_all("the profile ends")
    current = None
    _CALLS.disable()
    _PROGRAMS.disable()


def chrome_trace(
    events: EventList, recording: Recording | None = None, metadata: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The events in the Chrome trace format."""
    pid = os.getpid()
    base = 0.0 if recording is None else recording.wall / 1e3
    rows: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "ts": base, "args": {"name": "python"}},
        {"ph": "M", "name": "process_labels", "pid": pid, "tid": 0, "ts": base, "args": {"labels": "CPU"}},
    ]
    for thread in dict.fromkeys(e.thread for e in events):
        rows.append(
            {
                "ph": "M",
                "name": "thread_name",
                "pid": pid,
                "tid": thread,
                "ts": base,
                "args": {"name": f"thread {thread}"},
            }
        )
    for e in events:
        kind = (
            "user_annotation"
            if e.is_user_annotation
            else "program"
            if e.name.startswith("torchax_lite::")
            else "cpu_op"
        )
        args: dict[str, Any] = {"External id": e.id, **e.metadata}
        if e.input_shapes:
            args["Input Dims"] = e.input_shapes
        if e.stack:
            args["Call stack"] = ";".join(reversed(e.stack))
        row = {
            "ph": "X", "cat": kind, "name": e.name, "pid": pid, "tid": e.thread, "ts": round(base + e.time_range.start, 3),
            "dur": round(e.time_range.elapsed_us(), 3), "args": args,
        }  # fmt: skip
        rows.append(row)
        if e.self_device_time_total:
            rows.append({**row, "cat": "kernel", "tid": f"{e.use_device} programs"})
    return {
        "schemaVersion": 1, "deviceProperties": [], "displayTimeUnit": "ms", "traceName": "torchax_lite",
        "baseTimeNanoseconds": 0, "traceEvents": rows, **(metadata or {}),
    }  # fmt: skip


class record_function:
    """A range with a name in the profile, and in a running JAX trace: a context manager or decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self.run_callbacks_on_exit = True
        self._open: list[Any] = []

    def __enter__(self) -> record_function:
        from jax.profiler import TraceAnnotation

        annotation = TraceAnnotation(self.name)
        annotation.__enter__()
        recording = current
        event = None if recording is None else recording.enter(self.name, is_user_annotation=True)
        self._open.append((annotation, recording, event))
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        annotation, recording, event = self._open.pop()
        annotation.__exit__(exc_type, exc_value, traceback)
        if event is not None:
            recording.exit(event)

    def __call__(self, fn: Any) -> Any:
        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return fn(*args, **kwargs)

        return wrapped


class profile:
    """Records calls, ranges and program runs within a ``with`` block.

    Args:
        enabled: whether anything is recorded.
        record_shapes, profile_memory, with_stack, with_flops: what is noted for each event.
        use_device, use_cuda, use_cpu, use_kineto, with_modules, experimental_config, acc_events: accepted; runs of
            programs on accelerators are always recorded.
    """

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None, record_shapes: bool = False,
        with_flops: bool = False, profile_memory: bool = False, with_stack: bool = False, with_modules: bool = False,
        use_kineto: bool = False, use_cpu: bool = True, experimental_config: Any = None, acc_events: bool = False,
        custom_trace_id_callback: Any = None, post_processing_timeout_s: float | None = None, activity_filters: Any = None,
    ) -> None:  # fmt: skip
        if activity_filters is not None:
            raise NotImplementedError("profile(activity_filters=...): filter the events of events() by their names")
        self.trace_id = custom_trace_id_callback() if custom_trace_id_callback is not None else ""
        self.enabled = enabled
        self.entered = False
        self.record_shapes = record_shapes or with_flops
        self.with_flops, self.profile_memory, self.with_stack, self.with_modules = (
            with_flops,
            profile_memory,
            with_stack,
            with_modules,
        )
        self.use_device = use_device or ("cuda" if use_cuda else None)
        self.function_events: EventList | None = None
        self.recording: Recording | None = None

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self.recording = Recording(self.record_shapes, self.profile_memory, self.with_stack, self.with_flops)
        begin(self.recording)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        if self.enabled and self.recording is not None:
            end()
            self.function_events = self.recording.finish()

    def _check_finish(self) -> EventList:
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self.function_events is None else repr(self.function_events)

    def __str__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self.function_events is None else str(self.function_events)

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75, max_name_column_width: int = 55,
        max_shapes_column_width: int = 80, header: str | None = None, top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:  # fmt: skip
        """The events as a table; see :meth:`EventList.table`."""
        return self._check_finish().table(
            sort_by, row_limit, max_src_column_width, max_name_column_width, max_shapes_column_width, header,
            top_level_events_only, time_unit,
        )  # fmt: skip

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Averages by name."""
        return self._check_finish().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def total_average(self) -> FunctionEventAvg:
        """All events as one."""
        return self._check_finish().total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """Time of all events, each moment once, in microseconds."""
        return self._check_finish().self_cpu_time_total

    def export_chrome_trace(self, path: str, metadata: Any = None, use_python_export: bool = False) -> None:
        """Write a trace for ``chrome://tracing`` or Perfetto."""
        write_trace(path, chrome_trace(self._check_finish(), self.recording, metadata))

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write stacks for flame graphs (needs ``with_stack=True``)."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self._check_finish().export_stacks(path, metric)

    def toggle_collection_dynamic(self, enabled: bool, activities: Any) -> None:
        """Stop recording calls and programs for a while, or go on; ``activities`` must name CPU for either."""
        if self.recording is not None and any("CPU" in str(a) for a in activities):
            pause(self.recording, not enabled)


def write_trace(path: str, trace: dict[str, Any]) -> None:
    """Write JSON, compressed where the name ends in ``.gz``."""
    import gzip
    import json

    if str(path).endswith(".gz"):
        with gzip.open(path, "wt") as f:
            json.dump(trace, f)
    else:
        with open(path, "w") as plain:
            json.dump(trace, plain)


def write_memory_timeline(path: str, points: list[tuple[int, int]], device: str) -> None:
    """Write (microseconds, bytes) as JSON, or as a page with the curve."""
    times, sizes = [t for t, _ in points], [[size] for _, size in points]
    if not str(path).endswith(".html"):
        write_trace(path, [times, sizes])  # type: ignore[arg-type]
        return
    top, last = max((b for _, b in points), default=1), max(times, default=1) or 1
    curve = " ".join(f"{800 * t / last:.1f},{300 - 280 * b / top:.1f}" for t, b in points)
    with open(path, "w") as page:
        page.write(
            f"<!doctype html><title>Memory of {device}</title><p>{device}: {top} bytes of results in {last} µs</p>"
            f'<svg viewBox="0 0 800 300" width="800"><polyline fill="none" stroke="black" points="{curve}"/></svg>\n'
        )


class emit_nvtx:
    """Not supported."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        if enabled:
            raise NotImplementedError(
                "emit_nvtx: ops run inside of compiled programs; use jax.profiler.trace or record_function"
            )


class emit_itt:
    """Not supported."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        if enabled:
            raise NotImplementedError(
                "emit_itt: ops run inside of compiled programs; use jax.profiler.trace or record_function"
            )


def load_nvprof(path: str) -> EventList:
    """The events of a file that NVIDIA's ``nvprof`` wrote (an SQLite database)."""
    return EventList(parse_nvprof_trace(path))


def parse_nvprof_trace(path: str) -> list[FunctionEvent]:
    """The ranges of an ``nvprof`` file that ``emit_nvtx`` would have written: name, thread, begin and end."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(path)) as base:
        base.row_factory = sqlite3.Row
        names = {row["id"]: row["value"] for row in base.execute("SELECT _id_ AS id, value FROM StringTable")}
        query = (
            "SELECT start.id AS id, start.name AS name, start.timestamp AS begin, end.timestamp AS end "
            "FROM CUPTI_ACTIVITY_KIND_MARKER AS start INNER JOIN CUPTI_ACTIVITY_KIND_MARKER AS end "
            "ON start.id = end.id WHERE start.name != 0 AND end.name = 0"
        )
        events = [
            FunctionEvent(row["id"], names[row["name"]], 0, row["begin"] / 1e3, row["end"] / 1e3)
            for row in base.execute(query)
        ]
    return sorted(events, key=lambda e: e.time_range.start)


class EnforceUnique:
    """Raises for a key that was seen before."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def see(self, *key: Any) -> None:
        """Note a key."""
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


class KinetoStepTracker:
    """Counts steps for several requesters: the count is the largest of theirs."""

    _current_step = 0
    _steps: dict[str, int] = {}

    @classmethod
    def init_step_count(cls, requester: str) -> None:
        """Begin to count for a requester."""
        cls._steps[requester] = cls._current_step

    @classmethod
    def erase_step_count(cls, requester: str) -> bool:
        """Forget a requester; whether it was known."""
        return cls._steps.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester: str) -> int:
        """Count one step of a requester; returns the count of all."""
        if requester not in cls._steps:
            cls.init_step_count(requester)
        cls._steps[requester] += 1
        cls._current_step = max(cls._current_step, *cls._steps.values())
        return cls._current_step

    @classmethod
    def current_step(cls) -> int:
        """The count."""
        return cls._current_step
