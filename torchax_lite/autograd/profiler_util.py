"""Events of a profile, their averages, and the table that is printed."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

__all__ = ["DeviceType", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval", "StringTable"]


class DeviceType(IntEnum):
    """Where the time of an event was spent."""

    CPU = 0
    CUDA = 1
    XLA = 9

    def __str__(self) -> str:
        return f"DeviceType.{self.name}"

    __repr__ = __str__


class StringTable(defaultdict[str, str]):
    """Names by names."""

    def __missing__(self, key: str) -> str:
        self[key] = key
        return key


def format_time(us: float, unit: str | None = None) -> str:
    """Microseconds as text in s, ms or us: the unit given, else the one that fits."""
    if unit not in ("s", "ms", "us"):
        unit = "s" if us >= 1e6 else "ms" if us >= 1e3 else "us"
    return f"{us / {'s': 1e6, 'ms': 1e3, 'us': 1}[unit]:.3f}{unit}"


def format_time_share(us: float, total: float) -> str:
    """A part of a total in percent."""
    if total == 0:
        if us:
            raise AssertionError(f"Expected time_us == 0 but got {us}")
        return "NaN"
    return f"{us * 100.0 / total:.2f}%"


def format_memory(n: float) -> str:
    """Bytes as text in B, KB, MB or GB."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"


class Interval:
    """A span of time in microseconds."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        """Its length."""
        return self.end - self.start


class _Times:
    """What events and averages share: texts, and names by "cuda"."""

    cpu_time_total: float
    device_time_total: float
    self_cpu_time_total: float
    self_device_time_total: float
    count: int

    @property
    def cpu_time(self) -> float:
        """Mean of the CPU time."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self) -> float:
        """Mean of the device time."""
        return self.device_time_total / self.count if self.count else 0.0

    cuda_time = device_time

    @property
    def cuda_time_total(self) -> float:
        return self.device_time_total

    @property
    def self_cuda_time_total(self) -> float:
        return self.self_device_time_total

    @property
    def cpu_time_str(self) -> str:
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return format_time(self.self_cpu_time_total)

    @property
    def device_time_str(self) -> str:
        return format_time(self.device_time)

    @property
    def device_time_total_str(self) -> str:
        return format_time(self.device_time_total)

    @property
    def self_device_time_total_str(self) -> str:
        return format_time(self.self_device_time_total)


class FunctionEvent(_Times):
    """One call, range or program run.

    Attributes:
        name: ``aten::mm`` for a recorded op, ``torchax_lite::program`` for a run of an executable, or a range's name.
        time_range: when it ran, in microseconds since the profile began.
        input_shapes: of its arguments, where shapes are recorded.
        cpu_parent, cpu_children: the events around and inside of it.
        cpu_memory_usage: bytes of its results, where memory is recorded.
    """

    def __init__(
        self, id: int, name: str, thread: int, start_us: float, end_us: float, overload_name: str | None = None,
        fwd_thread: int | None = None, input_shapes: Any = None, stack: Any = None, scope: int = 0, use_device: str | None = None,
        cpu_memory_usage: int = 0, device_memory_usage: int = 0, is_async: bool = False, is_remote: bool = False,
        sequence_nr: int = -1, node_id: int = -1, device_type: DeviceType = DeviceType.CPU, device_index: int = 0,
        device_resource_id: int | None = None, is_legacy: bool = False, flops: int | None = None, trace_name: str | None = None,
        concrete_inputs: Any = None, kwinputs: Any = None, is_user_annotation: bool = False, is_python_function: bool = False,
        activity_type: Any = None, metadata_json: str | None = None, flow_id: int | None = None, flow_type: Any = None,
        flow_start: Any = None, external_id: int = 0, linked_correlation_id: int = 0, extra_meta: dict[str, Any] | None = None,
        structured_input_shapes: Any = None, structured_input_strides: Any = None, input_dtypes: Any = None,
        python_id: int = -1, python_parent_id: int = -1, python_module_id: int = -1, *, device_us: float = 0.0,
        **metadata: Any,
    ) -> None:  # fmt: skip
        self.is_python_function, self.activity_type, self.metadata_json = (
            is_python_function,
            activity_type,
            metadata_json,
        )
        self.flow_id, self.flow_type, self.flow_start = flow_id, flow_type, flow_start
        self.external_id, self.linked_correlation_id = external_id, linked_correlation_id
        self.extra_meta, self.input_dtypes = extra_meta, input_dtypes or []
        self.structured_input_shapes = structured_input_shapes or []
        self.structured_input_strides = structured_input_strides or []
        self.python_id, self.python_parent_id, self.python_module_id = python_id, python_parent_id, python_module_id
        self.id, self.name, self.thread, self.fwd_thread = id, name, thread, fwd_thread
        self.overload_name = overload_name or ""
        self.trace_name = trace_name
        self.node_id, self.use_device = node_id, use_device
        self.time_range = Interval(start_us, end_us)
        self.input_shapes = input_shapes or []
        self.concrete_inputs, self.kwinputs = concrete_inputs or [], kwinputs or {}
        self.stack = stack or []
        self.scope, self.is_async, self.is_remote, self.sequence_nr = scope, is_async, is_remote, sequence_nr
        self.device_type, self.device_index, self.device_resource_id = device_type, device_index, device_resource_id
        self.is_legacy, self.is_user_annotation = is_legacy, is_user_annotation
        self.own_memory, self.device_memory_usage = cpu_memory_usage, device_memory_usage
        self.flops = flops
        self.count = 1
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None
        self.metadata = metadata
        self._device_us = device_us

    @property
    def key(self) -> str:
        """What averages are grouped by."""
        return re.sub(r"^ProfilerStep#\d+$", "ProfilerStep*", self.name)

    def append_cpu_child(self, child: FunctionEvent) -> None:
        """Note an event that ran inside of this one."""
        self.cpu_children.append(child)

    def set_cpu_parent(self, parent: FunctionEvent) -> None:
        """Note the event that this one ran inside of."""
        self.cpu_parent = parent

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        return self.time_range.elapsed_us() if self.device_type == DeviceType.CPU else 0.0

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        return self.cpu_time_total - sum(c.cpu_time_total for c in self.cpu_children)

    @property
    def self_device_time_total(self) -> float:  # type: ignore[override]
        return self._device_us

    @property
    def device_time_total(self) -> float:  # type: ignore[override]
        return self._device_us + sum(c.device_time_total for c in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        inside = sum(c.cpu_memory_usage for c in self.cpu_children)
        return inside or self.own_memory

    @property
    def self_cpu_memory_usage(self) -> int:
        return 0 if any(c.cpu_memory_usage for c in self.cpu_children) else self.own_memory

    @property
    def self_device_memory_usage(self) -> int:
        return self.device_memory_usage - sum(c.device_memory_usage for c in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} device_type={self.device_type} cpu_time={self.cpu_time_str} "
            f"start_us={self.time_range.start} end_us={self.time_range.end} cpu_children={[c.id for c in self.cpu_children]} "
            f"device_time={self.device_time_str} thread={self.thread} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg(_Times):
    """Events of one name together."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.count = 0
        self.node_id = 0
        self.is_async = self.is_remote = self.is_legacy = self.is_user_annotation = False
        self.use_device: str | None = None
        self.cpu_time_total = self.device_time_total = 0.0
        self.self_cpu_time_total = self.self_device_time_total = 0.0
        self.input_shapes: Any = None
        self.overload_name: str | None = None
        self.stack: Any = None
        self.scope: int | None = None
        self.cpu_memory_usage = self.device_memory_usage = 0
        self.self_cpu_memory_usage = self.self_device_memory_usage = 0
        self.cpu_children: list[FunctionEvent] | None = None
        self.cpu_parent: FunctionEvent | None = None
        self.device_type = DeviceType.CPU
        self.flops = 0

    def add(self, other: Any) -> FunctionEventAvg:
        """Take another event, or an average of the same name, in."""
        if self.key is None:
            self.key = other.key
            for name in ("node_id", "is_async", "is_remote", "input_shapes", "overload_name", "stack", "scope", "device_type",
                         "is_legacy", "use_device", "is_user_annotation", "cpu_parent", "cpu_children"):  # fmt: skip
                setattr(self, name, getattr(other, name))
        for name in ("cpu_time_total", "device_time_total", "self_cpu_time_total", "self_device_time_total", "cpu_memory_usage",
                     "device_memory_usage", "self_cpu_memory_usage", "self_device_memory_usage", "count"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.flops += other.flops or 0
        return self

    __iadd__ = add

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} cpu_time={self.cpu_time_str} "
            f" self_device_time={self.self_device_time_total_str} device_time={self.device_time_str} input_shapes="
            f"{self.input_shapes or ''} cpu_memory_usage={self.cpu_memory_usage} device_memory_usage={self.device_memory_usage}>"
        )


class MemRecordsAcc:
    """Memory records found by time: each has ``start_ns()``."""

    def __init__(self, mem_records: list[Any]) -> None:
        self._records = sorted(((r[0].start_ns(), i) for i, r in enumerate(mem_records)))
        self._mem_records = mem_records
        self._starts = [start for start, _ in self._records]

    def in_interval(self, start_ns: int, end_ns: int) -> Iterator[Any]:
        """The records from ``start_ns`` to ``end_ns``, both included."""
        first, last = bisect.bisect_left(self._starts, start_ns), bisect.bisect_right(self._starts, end_ns)
        for _, i in self._records[first:last]:
            yield self._mem_records[i]


class EventList(list[Any]):
    """Events, or averages of them."""

    def __init__(
        self,
        *args: Any,
        use_device: str | None = None,
        profile_memory: bool = False,
        with_flops: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args)
        self._use_device, self._profile_memory, self._with_flops = use_device, profile_memory, with_flops

    def _like(self, items: Iterable[Any]) -> EventList:
        return EventList(
            items, use_device=self._use_device, profile_memory=self._profile_memory, with_flops=self._with_flops
        )

    @property
    def self_cpu_time_total(self) -> float:
        """Time of all events, each moment once."""
        return sum(e.self_cpu_time_total for e in self)

    def key_averages(
        self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Averages by name, and by shapes and the innermost lines of the program if asked for."""
        found: dict[Any, FunctionEventAvg] = {}
        for e in self:
            key: list[Any] = [e.key, e.device_type, e.is_user_annotation]
            if group_by_input_shapes:
                key.append(str(e.input_shapes))
            if group_by_overload_name:
                key.append(e.overload_name)
            if group_by_stack_n:
                key += e.stack[:group_by_stack_n]
            found.setdefault(tuple(key), FunctionEventAvg()).add(e)
        for avg in found.values():
            avg.stack = (avg.stack or [])[:group_by_stack_n]
            if not group_by_input_shapes:
                avg.input_shapes = ""
            if not group_by_overload_name:
                avg.overload_name = ""
        return self._like(found.values())

    def total_average(self) -> FunctionEventAvg:
        """All events as one average named ``Total``."""
        total = FunctionEventAvg()
        for e in self:
            total.add(e)
            total.key = None
        total.key = "Total"
        return total

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as a trace for ``chrome://tracing`` or Perfetto."""
        import json

        from .profiler import chrome_trace

        with open(path, "w") as f:
            json.dump(chrome_trace(self), f)

    def export_stacks(self, path: str, metric: str) -> None:
        """Write the program's stacks with the time spent there, as flame graph tools read them."""
        if metric not in ("self_cpu_time_total", "self_cuda_time_total", "self_device_time_total"):
            raise ValueError(f"metric should be one of: {['self_cpu_time_total', 'self_cuda_time_total']}")
        table = str.maketrans(" ;\t\n", "____")
        with open(path, "w") as f:
            for e in self:
                if e.stack:
                    amount = int(getattr(e, metric))
                    if amount > 0:
                        stack = ";".join(entry.translate(table) for entry in reversed(e.stack))
                        f.write(f"{stack} {amount}\n")

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75, max_name_column_width: int = 55,
        max_shapes_column_width: int = 80, header: str | None = None, top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:  # fmt: skip
        """The events as a table, sorted by the name of an attribute (``cpu_time_total``).

        ``time_unit``: ``s``, ``ms`` or ``us`` for all of its times; by default each has the unit that fits.
        """
        return build_table(
            self, sort_by, row_limit, max_src_column_width, max_name_column_width, max_shapes_column_width, header,
            top_level_events_only, time_unit,
        )  # fmt: skip

    def __str__(self) -> str:
        return self.table()


def build_table(
    all_events: EventList, sort_by: str | None, row_limit: int, max_src: int, max_name: int, max_shapes: int, header: str | None,
    top_level_only: bool, unit: str | None = None,
) -> str:  # fmt: skip
    """The text of :meth:`EventList.table`."""
    if not all_events:
        return ""
    events = list(all_events)
    if sort_by is not None:
        events.sort(key=lambda e: getattr(e, sort_by), reverse=True)
    device = (all_events._use_device or "CUDA").upper()
    with_device = any(e.self_device_time_total > 0 for e in events)
    memory, flops = all_events._profile_memory, any((e.flops or 0) > 0 for e in events)
    stacks = [e.stack for e in events if e.stack]
    shaped = any(e.input_shapes for e in events)

    def width(longest: int, limit: int) -> int:
        return min(longest + 4, limit)

    headers = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
    widths = [width(max(len(e.key) for e in events), max_name), *[12] * 5]
    if with_device:
        headers += [f"Self {device}", f"Self {device} %", f"{device} total", f"{device} time avg"]
        widths += [12] * 4
    if memory:
        headers += ["CPU Mem", "Self CPU Mem"]
        widths += [12] * 2
    headers.append("# of Calls")
    widths.append(12)
    if shaped:
        headers.append("Input Shapes")
        widths.append(width(max(len(str(e.input_shapes)) for e in events), max_shapes))
    if stacks:
        headers.append("Source Location")
        widths.append(min(max(max(len(line) for line in s) for s in stacks) + 4, max_src))
    flop_unit, scale = _flop_unit([e.flops or 0 for e in events])
    if flops:
        headers.append(f"Total {flop_unit}")
        widths.append(12)
    rule = "  ".join("-" * w for w in widths) + "  "
    lines: list[str] = []

    def row(cells: list[str], left: tuple[int, ...] = ()) -> str:
        return (
            "  ".join(
                c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
            )
            + "  "
        )

    if header is not None:
        lines += ["=" * len(rule.rstrip() + "  "), header]
    stack_column = (headers.index("Source Location"),) if stacks else ()
    lines += [rule, row(headers, stack_column), rule]
    total_cpu = sum(e.self_cpu_time_total for e in events)
    total_device = sum(e.self_device_time_total for e in events)

    def trim(text: str, limit: int) -> str:
        return text if len(text) <= limit else "..." + text[-(limit - 3) :]

    shown = 0
    for e in events:
        if shown == row_limit:
            break
        if top_level_only and e.cpu_parent is not None:
            continue
        shown += 1
        name = e.key if len(e.key) < max_name - 3 else e.key[: max_name - 3] + "..."
        cells = [
            name, format_time_share(e.self_cpu_time_total, total_cpu), format_time(e.self_cpu_time_total, unit),
            format_time_share(e.cpu_time_total, total_cpu) if not e.is_async else "0",
            format_time(e.cpu_time_total, unit), format_time(e.cpu_time, unit),
        ]  # fmt: skip
        if with_device:
            cells += [
                format_time(e.self_device_time_total, unit), format_time_share(e.self_device_time_total, total_device),
                format_time(e.device_time_total, unit), format_time(e.device_time, unit),
            ]  # fmt: skip
        if memory:
            cells += [format_memory(e.cpu_memory_usage), format_memory(e.self_cpu_memory_usage)]
        cells.append(str(e.count))
        if shaped:
            cells.append(str(e.input_shapes)[: widths[headers.index("Input Shapes")]])
        if stacks:
            cells.append(trim(e.stack[0], max_src) if e.stack else "")
        if flops:
            cells.append(f"{e.flops * scale:8.3f}" if e.flops else "--")
        lines.append(row(cells, stack_column))
        for extra in (e.stack or [])[1:] if stacks else ():
            blank = [""] * len(headers)
            blank[headers.index("Source Location")] = trim(extra, max_src)
            lines.append(row(blank, stack_column))
    lines += [rule, f"Self CPU time total: {format_time(total_cpu)}"]
    if with_device:
        lines.append(f"Self {device} time total: {format_time(total_device)}")
    return "\n".join(lines) + "\n"


def _flop_unit(flops: list[int]) -> tuple[str, float]:
    """``GFLOPs`` and the factor to it, by the smallest amount."""
    names = ["FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs"]
    positive = [f for f in flops if f > 0]
    if not positive:
        return names[0], 1.0
    i = max(0, min(bisect.bisect_right([1000.0**k for k in range(len(names))], min(positive)) - 1, len(names) - 1))
    return names[i], 1000.0**-i
