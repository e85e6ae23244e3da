"""``torch.jit``, ``torch.export`` and ``torch.compile``: wrappers that run, and files that load without the source."""

import io
import warnings

import pytest

import torchax_lite as torch
from torchax_lite import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(3, 2)
        self.bn = nn.BatchNorm1d(2)

    def forward(self, x):
        return torch.relu(self.bn(self.l(x)))


class Looping(Net):
    """A loop over the batch: no symbolic trace, so the file holds the program for these shapes alone."""

    def forward(self, x):
        for _ in range(len(x)):
            x = x + 1
        return self.bn(self.l(x))


def saved(m):
    buffer = io.BytesIO()
    torch.jit.save(m, buffer)
    buffer.seek(0)
    return torch.jit.load(buffer)


def test_traced_module_comes_back_for_any_batch():
    torch.manual_seed(0)
    m, x = Net().eval(), torch.randn(4, 3)
    loaded = saved(torch.jit.trace(m, x))
    assert torch.equal(loaded(x), m(x)) and loaded(torch.randn(9, 3)).shape == (9, 2)
    assert list(loaded.state_dict()) == list(m.state_dict()) and loaded.original_name == "Net"
    assert isinstance(loaded, torch.jit.ScriptModule) and not loaded.training
    loaded(x).sum().backward()
    m(x).sum().backward()
    assert torch.allclose(loaded.l.weight.grad, m.l.weight.grad)
    assert loaded.to(torch.float64)(x.double()).dtype is torch.float64
    with torch.no_grad():
        loaded.l.weight.zero_()
    assert not saved(loaded.to(torch.float32)).l.weight.any() and saved(loaded)(x).shape == (4, 2)


def test_program_for_fixed_shapes_with_buffers_and_gradients():
    pytest.importorskip("flatbuffers")
    torch.manual_seed(0)
    m, x = Looping(), torch.randn(4, 3)
    loaded = saved(torch.jit.trace(m, x, check_trace=False))
    assert loaded.bn.num_batches_tracked == m.bn.num_batches_tracked
    out, want = loaded(x), m(x)
    assert torch.allclose(out, want, atol=1e-6) and torch.allclose(loaded.bn.running_mean, m.bn.running_mean)
    out.square().sum().backward()
    want.square().sum().backward()
    assert torch.allclose(loaded.l.weight.grad, m.l.weight.grad, atol=1e-5)
    with pytest.raises(RuntimeError, match="saved as a program for inputs of"):
        loaded(torch.randn(2, 3))


def test_functions_and_extra_files():
    buffer = io.BytesIO()
    torch.jit.save(
        torch.jit.trace(lambda x, y: (x + y, {"p": x * y}), (torch.ones(2), torch.ones(2)), strict=False),
        buffer,
        {"note": "hi"},
    )
    buffer.seek(0)
    extra = {"note": ""}
    f = torch.jit.load(buffer, _extra_files=extra)
    total, rest = f(torch.ones(2), torch.full((2,), 3.0))
    assert extra == {"note": b"hi"} and total.tolist() == [4.0, 4.0] and rest["p"].tolist() == [3.0, 3.0]


def test_scripted_modules_share_parameters_and_have_their_own_mode():
    m = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    s = torch.jit.script(m)
    assert (
        s[0].weight is m[0].weight
        and list(s.state_dict()) == ["0.weight", "0.bias"]
        and s.original_name == "Sequential"
    )
    assert repr(s).startswith("RecursiveScriptModule(\n  original_name=Sequential")
    s.eval()
    assert m.training and not s.training
    for name in ("code", "graph"):
        with pytest.raises(NotImplementedError, match=name):
            getattr(s, name)
    with pytest.raises(NotImplementedError, match="never called"):
        torch.jit.save(s, io.BytesIO())
    x = torch.ones(1, 3)
    s(x)
    assert torch.equal(saved(s)(x), m(x))
    frozen = torch.jit.freeze(s)
    assert not frozen.state_dict() and torch.equal(frozen(x), m(x))


def test_errors_of_files(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        torch.jit.load(tmp_path / "none.pt")
    torch.save({"a": 1}, tmp_path / "a.pt")
    with pytest.raises(RuntimeError, match=r"failed locating file constants.pkl"):
        torch.jit.load(tmp_path / "a.pt")
    import zipfile

    with zipfile.ZipFile(tmp_path / "script.pt", "w") as z:
        z.writestr("script/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript code of PyTorch"):
        torch.jit.load(tmp_path / "script.pt")


def test_small_functions():
    @torch.jit.script
    def g(x):
        return x * 2

    assert g(torch.ones(1)).item() == 2 and g.name == "g" and g.qualified_name == "__torch__.g"
    assert not torch.jit.is_scripting() and not torch.jit.is_tracing() and torch.jit.annotate(int, 3) == 3
    assert torch.jit.isinstance([1], list[int]) and not torch.jit.isinstance(["a"], list[int])
    assert torch.jit.isinstance(None, int | None)
    assert torch.jit.wait(torch.jit.fork(lambda x: x + 1, 1)) == 2
    with pytest.raises(RuntimeError, match="Only tensors, lists, tuples of tensors"):
        torch.jit.trace(lambda x: 3, torch.ones(1))


def test_export_round_trip():
    m, x = Net().eval(), torch.randn(4, 3)
    ep = torch.export.export(m, (x,), dynamic_shapes=({0: torch.export.Dim("b")},))
    buffer = io.BytesIO()
    torch.export.save(ep, buffer)
    buffer.seek(0)
    again = torch.export.load(buffer).module()
    assert torch.equal(again(x), m(x)) and again(torch.randn(7, 3)).shape == (7, 2)
    with pytest.raises(RuntimeError, match="Unable to call ExportedProgram directly"):
        ep(x)
    assert "torch.nn.functional.linear" in ep.graph_module.code


def test_compile_module_function_decorator():
    m = nn.Linear(2, 2)
    c = torch.compile(m)
    assert c._orig_mod is m and list(c.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"] and c.weight is m.weight
    x = torch.ones(1, 2)
    assert torch.equal(c(x), m(x))
    c.eval()
    assert not m.training
    c.load_state_dict(c.state_dict())

    @torch.compile(fullgraph=True, dynamic=False, mode="reduce-overhead")
    def f(x):
        "doc"
        return x + 1

    assert f.__doc__ == "doc" and f(torch.ones(1)).item() == 2
    m.compile()
    assert torch.equal(m(x), c(x))


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"backend": "nope"}, RuntimeError, "Invalid backend: 'nope'"),
        ({"mode": "zz"}, RuntimeError, "Unrecognized mode=zz, should be one of"),
        ({"mode": "default", "options": {}}, RuntimeError, "Either mode or options can be specified"),
        ({"options": {"zz": 1}}, RuntimeError, "Unexpected optimization option zz"),
        (
            {"options": {"max_autotune": "a"}},
            RuntimeError,
            "Unexpected type of attr max_autotune, got str should be bool",
        ),
    ],
)
def test_compile_errors(options, error, text):
    with pytest.raises(error, match=text):
        torch.compile(lambda x: x, **options)


def test_callable_backend_gets_the_graph():
    seen = []

    def backend(gm, inputs):
        seen.append(([n.op for n in gm.graph.nodes], [i.shape for i in inputs]))
        return gm.forward

    @torch.compile(backend=backend)
    def f(x, y, n=2):
        return torch.relu(x) + y * n

    assert f(torch.ones(2), torch.ones(2)).tolist() == [3.0, 3.0] and f(torch.ones(2), torch.ones(2), n=3).tolist() == [
        4.0,
        4.0,
    ]
    f(torch.ones(2), torch.ones(2))
    assert len(seen) == 2 and seen[0][1] == [(2,), (2,)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.compile(lambda x: x if x.sum() > 0 else -x, backend=backend)(torch.ones(1))
    assert any("not traced for the backend" in str(w.message) for w in caught)
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(lambda x: x if x.sum() > 0 else -x, backend=backend, fullgraph=True)(torch.ones(1))


def test_compiler_and_settings():
    assert not torch.compiler.is_compiling() and "inductor" in torch.compiler.list_backends()
    torch.compiler.reset()
    torch.compiler.cudagraph_mark_step_begin()
    assert torch.compiler.disable(len) is len and torch.compiler.disable()(len) is len
    with torch.compiler.set_stance("force_eager"):
        pass
    torch._dynamo.config.suppress_errors = True
    torch._inductor.config.triton.cudagraphs = True
    with torch._inductor.config.patch(max_autotune=True):
        assert torch._inductor.config.max_autotune
    assert not torch._inductor.config.max_autotune
    torch._inductor.config.triton.cudagraphs = torch._dynamo.config.suppress_errors = False
    with pytest.raises(AttributeError, match=r"torch._dynamo.config.zzz does not exist"):
        torch._dynamo.config.zzz = 1
