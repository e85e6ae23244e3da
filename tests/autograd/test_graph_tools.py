"""Pictures of the graph, anomaly traces, what forward mode answers, and that graphs die with their tensors."""

import gc
import sys
import warnings
import weakref
from xml.etree import ElementTree

import pytest

import torchax_lite as torch
from torchax_lite.autograd.drawing import draw_graph


def network_loss():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    return net, net(torch.randn(5, 3)).pow(2).mean()


def reachable(fn):
    seen, pending = set(), [fn]
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending += [n for n, _ in node.next_functions]
    return seen


def test_svg_shows_every_node_and_the_parameters_names(tmp_path):
    net, loss = network_loss()
    draw_graph(loss, tmp_path / "graph.svg", params=net)
    root = ElementTree.parse(tmp_path / "graph.svg").getroot()
    spaces = {"s": "http://www.w3.org/2000/svg"}
    boxes = [g for g in root.findall(".//s:g", spaces) if g.get("class", "").startswith("node")]
    lines = [[t.text for t in g.findall("s:text", spaces)] for g in boxes]
    nodes = reachable(loss.grad_fn)
    assert len(boxes) == len(nodes) + 1
    assert {line[0] for line in lines} >= {"MeanBackward0", "AddmmBackward0", *dict(net.named_parameters())}
    assert ["0.weight", "(4, 3)"] in lines
    edges = root.findall(".//s:path[@class='edge']", spaces)
    assert len(edges) == 1 + sum(n is not None for node in nodes for n, _ in node.next_functions)


def test_saved_tensors_are_shown_when_asked_for():
    _, loss = network_loss()
    plain, full = draw_graph(loss), draw_graph(loss, show_saved=True)
    assert not any(b.kind == "saved" for b in plain.boxes)
    assert any(b.kind == "saved" and b.lines[0].startswith("saved ") for b in full.boxes)


def test_boxes_of_a_row_do_not_overlap():
    _, loss = network_loss()
    rows = {}
    for b in draw_graph(loss, show_saved=True).boxes:
        rows.setdefault(b.layer, []).append((b.x - b.width / 2, b.x + b.width / 2))
    for row in rows.values():
        row.sort()
        assert all(a[1] < b[0] for a, b in zip(row[:-1], row[1:], strict=True))


def test_png_through_matplotlib(tmp_path):
    pytest.importorskip("matplotlib")
    draw_graph(network_loss()[1], tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_png_without_matplotlib_says_what_is_missing(tmp_path, monkeypatch):
    for name in [m for m in sys.modules if m.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="needs matplotlib"):
        draw_graph(network_loss()[1], tmp_path / "graph.png")


def test_draw_graph_refuses_other_files_and_constants(tmp_path):
    with pytest.raises(ValueError, match=".svg and .png"):
        draw_graph(network_loss()[1], tmp_path / "graph.pdf")
    with pytest.raises(RuntimeError, match="does not require grad"):
        draw_graph(torch.ones(2))


def test_anomaly_mode_tells_where_the_forward_was():
    x = torch.ones(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan"):
            (x * 0 - 1).sqrt().sum().backward()
    texts = [str(w.message) for w in caught]
    assert texts[0].startswith("Anomaly Detection has been enabled")
    traced = next(t for t in texts if t.startswith("Error detected in SqrtBackward0"))
    assert "(x * 0 - 1).sqrt()" in traced and __file__ in traced
    (x * 0 - 1).sqrt().sum().backward()  # off again


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        out = a * 2
        ctx.save_for_backward(a, out)
        return out

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[1]


def test_graphs_die_without_the_garbage_collector():
    refs = []

    def keep(*tensors):
        refs.extend(weakref.ref(t) for t in tensors)

    def after_backward():
        x = torch.ones(3, requires_grad=True)
        y = (x * x).sin()
        z = y.view(3)[1:]
        z.mul_(2)
        keep(x, y, z)
        z.sum().backward()

    def without_backward():
        x = torch.ones(3, requires_grad=True)
        keep(x, x.exp().unbind()[0])

    def custom_function_with_hooks():
        x = torch.ones(3, requires_grad=True)
        y = Doubled.apply(x)
        y.register_hook(lambda g: g * 2)
        (g,) = torch.autograd.grad(Doubled.apply(y).sum(), x, create_graph=True)
        keep(x, y, g)

    gc.collect()
    gc.disable()
    try:
        for run in (after_backward, without_backward, custom_function_with_hooks):
            run()
        assert [r() for r in refs] == [None] * len(refs)
    finally:
        gc.enable()
