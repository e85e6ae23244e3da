"""Less used call forms give what PyTorch gives; what is absent says what to use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from call_forms import outcome

import torchax_lite as torch
from torchax_lite import nn

RECORDED = json.loads((Path(__file__).parent / "data" / "call_forms.json").read_text())["cases"]


def test_every_call_gives_what_pytorch_gives() -> None:
    found = outcome(torch)
    assert set(found) == set(RECORDED)
    assert {name: (want, found[name]) for name, want in RECORDED.items() if found[name] != want} == {}


def test_products_of_bfloat16_can_be_summed_and_kept_in_float32() -> None:
    torch.manual_seed(0)
    a, b = (torch.randn(2, 16, 16).bfloat16() for _ in range(2))
    exact = a.float() @ b.float()
    for made, want in (
        (torch.bmm(a, b, torch.float32), exact), (torch.mm(a[0], b[0], out_dtype=torch.float32), exact[0]),
        (torch.addmm(torch.ones(16), a[0], b[0], torch.float32, beta=2), 2 + exact[0]),
    ):  # fmt: skip
        torch.testing.assert_close(made, want, rtol=0, atol=1e-5)
    with pytest.raises(RuntimeError, match="out_dtype must be"):
        torch.mm(a[0], b[0], torch.float64)


def test_grouped_products_have_the_gradients_of_their_groups() -> None:
    offs = torch.tensor([2, 5], dtype=torch.int32)
    shapes = [((5, 4), (2, 4, 3)), ((2, 3, 4), (4, 5)), ((3, 5), (5, 2))]
    for sa, sb in shapes:
        grads = []
        for grouped in (True, False):
            torch.manual_seed(1)
            a, b = torch.randn(sa, requires_grad=True), torch.randn(sb, requires_grad=True)
            if grouped:
                out = nn.functional.grouped_mm(a, b, offs=offs)
            elif a.ndim == 2 and b.ndim == 3:
                out = torch.cat([a[:2] @ b[0], a[2:] @ b[1]])
            elif a.ndim == 3:
                out = torch.cat([a[0] @ b[:, :2], a[1] @ b[:, 2:]], 1)
            else:
                out = torch.stack([a[:, :2] @ b[:2], a[:, 2:] @ b[2:]])
            out.pow(2).sum().backward()
            grads.append((a.grad, b.grad))
        torch.testing.assert_close(grads[0], grads[1])


def test_the_graph_of_a_model_can_be_written_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from torchax_lite.utils.tensorboard import RecordWriter, SummaryWriter
    from torchax_lite.utils.tensorboard._graph import graph_of

    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    nodes = {n.name: n for n in graph_of(model, torch.ones(1, 3)).node}
    assert {"0/weight", "0/bias", "2/weight", "2/bias", "input/0", "output/0", "Relu"} <= set(nodes)
    assert list(nodes["Relu"].input) == ["Addmm"]
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_graph(model, torch.ones(1, 3))
        writer.add_hparams({"lr": 0.1}, {"accuracy": torch.tensor(0.5)}, run_name="run", global_step=1)
    assert len(list(tmp_path.rglob("events*"))) == 2
    with open(tmp_path / "records", "wb") as file:
        RecordWriter(file).write(b"abc")
    assert (tmp_path / "records").stat().st_size == 8 + 4 + 3 + 4


def test_a_profile_can_pause_and_tell_memory(tmp_path: Path) -> None:
    from torchax_lite.profiler import ProfilerActivity, profile

    with profile(
        activities=[ProfilerActivity.CPU], profile_memory=True, custom_trace_id_callback=lambda: "mine"
    ) as prof:
        assert prof.get_trace_id() == "mine"
        torch.ones(4).exp()
        prof.toggle_collection_dynamic(False, [ProfilerActivity.CPU])
        torch.ones(4).sin()
        prof.toggle_collection_dynamic(True, [ProfilerActivity.CPU])
        torch.ones(4).cos()
    names = {e.name for e in prof.events()}
    assert {"aten::exp", "aten::cos"} <= names and "aten::sin" not in names
    prof.export_memory_timeline(str(tmp_path / "memory.json"))
    times, sizes = json.loads((tmp_path / "memory.json").read_text())
    assert len(times) == len(sizes) > 0


def test_absent_parts_say_what_to_use_instead() -> None:
    for get in (lambda: torch.fx.tensor_type, lambda: torch.distributed.GradBucket):
        with pytest.raises(NotImplementedError, match="not available"):
            get()
    with pytest.raises(NotImplementedError, match="torch.autocast"):
        torch.ao.quantization.default_observer()
    with pytest.raises(NotImplementedError, match="dynamic_shapes"):
        torch.export.ShapesCollection()
