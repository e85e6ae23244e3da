"""Profiles: events, tables, schedules and traces."""

import json
import re

import pytest

import torchax_lite as torch
from torchax_lite.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule


def work():
    x = torch.ones(64, 64, requires_grad=True)
    with record_function("my range"):
        y = torch.mm(x, x).relu()
    y.sum().backward()
    return x.grad.sum().item()


def test_events_table_and_trace(tmp_path):
    with profile(
        activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True, with_flops=True, with_stack=True
    ) as p:
        work()
    averages = {e.key: e for e in p.key_averages()}
    assert {"aten::mm", "aten::relu", "my range", "torchax_lite::program"} <= averages.keys()
    mm = next(e for e in p.events() if e.name == "aten::mm")
    assert mm.input_shapes == [[64, 64], [64, 64]] and mm.cpu_parent.name == "my range" and mm.flops == 2 * 64**3
    assert mm.cpu_memory_usage == 64 * 64 * 4 and any("work" in line for line in mm.stack)
    total = sum(e.self_cpu_time_total for e in p.events())
    assert total == pytest.approx(p.events().self_cpu_time_total) and mm.cpu_time_total > 0
    lines = p.key_averages().table(sort_by="cpu_time_total", row_limit=3).splitlines()
    assert "Self CPU %" in lines[1] and lines[0] == lines[2] and len(lines) == 3 + 3 + 2
    assert lines[-1].startswith("Self CPU time total: ")
    rows = p.key_averages().table(time_unit="s").splitlines()[3:-2]
    assert {unit for row in rows for unit in re.findall(r"\d\.\d{3}(us|ms|s)\b", row)} == {"s"}
    p.export_chrome_trace(str(tmp_path / "t.json"))
    trace = json.loads((tmp_path / "t.json").read_text())
    rows = [r for r in trace["traceEvents"] if r["ph"] == "X"]
    assert {r["cat"] for r in rows} == {"cpu_op", "user_annotation", "program"}
    assert all(r["dur"] >= 0 and r["pid"] for r in rows)
    p.export_stacks(str(tmp_path / "s.txt"))
    assert "work" in (tmp_path / "s.txt").read_text()


def test_nothing_is_left_behind():
    from torchax_lite.engine.executor import Entry
    from torchax_lite.tensor import interception

    before = Entry.run.__code__
    with profile():
        work()
        assert Entry.run.__code__ is not before
    assert Entry.run.__code__ is before
    assert all(layer.rank != 50 for layer in interception.point(torch.mm)._layers)
    work()


def test_schedule_and_steps(tmp_path):
    actions = [schedule(wait=1, warmup=1, active=2, repeat=1)(i) for i in range(6)]
    A = ProfilerAction
    assert actions == [A.NONE, A.WARMUP, A.RECORD, A.RECORD_AND_SAVE, A.NONE, A.NONE]
    ready = []
    handler = torch.profiler.tensorboard_trace_handler(str(tmp_path))
    with profile(
        schedule=schedule(wait=1, warmup=1, active=2, repeat=1, skip_first=1),
        on_trace_ready=lambda p: (ready.append(p.step_num), handler(p)),
    ) as p:
        for _ in range(8):
            work()
            p.step()
    assert ready == [5] and len(list(tmp_path.glob("*.pt.trace.json"))) == 1
    steps = [e for e in p.key_averages() if e.key == "ProfilerStep*"]
    assert steps[0].count == 2


def test_autograd_profiler_and_decorator():
    @record_function("decorated")
    def f():
        return torch.ones(2) + 1

    with torch.autograd.profiler.profile() as p:
        f()
    assert any(e.name == "decorated" for e in p.function_events) and p.self_cpu_time_total > 0
    assert "Self CPU" in str(p)


def test_errors():
    with pytest.raises(AssertionError, match="No valid profiler activities found"):
        profile(activities=[])
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=0, warmup=0, active=0)
    with pytest.raises(NotImplementedError, match="emit_nvtx"):
        torch.autograd.profiler.emit_nvtx()
