"""Operators of ``torch.library``, ``torch.ops``, futures, hub, and the names that are not supported."""

import importlib

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import Tensor


@torch.library.custom_op("tests::nsin", mutates_args=())
def nsin(x: Tensor, a: float = 2.0) -> Tensor:
    return torch.from_numpy(np.sin(x.numpy() * np.float32(a)))


def test_custom_op_with_derivative_and_fake():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        nsin(x).sum().backward()

    def setup(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.a = inputs[1]

    nsin.register_autograd(
        lambda ctx, g: (g * torch.cos(ctx.saved_tensors[0] * ctx.a) * ctx.a, None), setup_context=setup
    )
    nsin.register_fake(lambda x, a=2.0: torch.empty_like(x))
    y = nsin(x, a=3.0)
    assert type(y.grad_fn).__name__ == "GeneratedBackwardFor_tests_nsin_defaultBackward"
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * np.cos([3.0, 6.0]), rtol=1e-5)
    assert nsin(torch.empty(3, device="meta")).shape == (3,)
    assert torch.equal(torch.ops.tests.nsin.default(x.detach()), torch.ops.tests.nsin(x.detach()))
    assert str(torch.ops.tests.nsin.default) == "tests.nsin.default"


def test_lists_and_mutation():
    @torch.library.custom_op("tests::addall_", mutates_args={"x"})
    def addall(x: Tensor, ys: list[Tensor]) -> None:
        for y in ys:
            x.add_(y)

    z = torch.zeros(2)
    assert addall(z, [torch.ones(2), torch.ones(2)]) is None and z.tolist() == [2.0, 2.0]
    assert torch.library.infer_schema(addall._init_fn, mutates_args={"x"}) == "(Tensor(a0!) x, Tensor[] ys) -> ()"


def test_libraries_and_their_errors():
    torch.library.define("tests::scaled", "(Tensor x, int n=2, *, bool plus=False) -> Tensor")

    @torch.library.impl("tests::scaled", "cpu")
    def scaled(x, n=2, *, plus=False):
        return x * n + (1 if plus else 0)

    op = torch.ops.tests.scaled
    assert op(torch.ones(1)).item() == 2 and op(torch.ones(1), 3, plus=True).item() == 4
    declaration = r"Declaration: tests::scaled\(Tensor x, int n=2, \*, bool plus=False\) -> Tensor"
    with pytest.raises(RuntimeError, match=r"tests::scaled\(\) is missing value for argument 'x'. " + declaration):
        op()
    with pytest.raises(RuntimeError, match="Unknown keyword argument 'zz'"):
        op(torch.ones(1), zz=1)
    with pytest.raises(RuntimeError, match="Expected a value of type 'Tensor' for argument 'x'"):
        op(3)
    with pytest.raises(AttributeError, match="'_OpNamespace' 'tests' object has no attribute 'nope'"):
        _ = torch.ops.tests.nope
    lib = torch.library.Library("tests2", "DEF")
    lib.define("pair(Tensor x) -> (Tensor, Tensor)")
    lib.impl("pair", lambda x: (x + 1, x.exp()), "CompositeImplicitAutograd")
    x = torch.zeros(1, requires_grad=True)
    sum(torch.ops.tests2.pair(x)).backward()
    assert x.grad.item() == 2
    torch.library.register_kernel("tests::scaled", None, lambda x, n=2, *, plus=False: x - n, lib=lib)
    torch.library.register_kernel("tests::scaled", "cpu", lambda x, n=2, *, plus=False: x + 9, lib=lib)
    assert op(torch.ones(1)).item() == 10
    lib._destroy()  # what was registered with it goes with it
    assert op(torch.ones(1)).item() == 2 and not hasattr(torch.ops.tests2, "pair")


def test_aten_names():
    x = torch.ones(2)
    assert (
        torch.ops.aten.add.Tensor(x, x).tolist() == [2.0, 2.0] and str(torch.ops.aten.mm.default) == "aten.mm.default"
    )
    assert torch.ops.aten._softmax.default(x, 0, False).tolist() == [0.5, 0.5]
    importlib.import_module("torchax_lite.ops.views")  # the package's own modules stay importable


def test_aten_convolution_with_the_flags_of_cudnn():
    x, w = torch.arange(32.0).reshape(1, 2, 4, 4), torch.arange(16.0).reshape(2, 2, 2, 2)
    flags = (False, False, True, True)
    plain = torch.ops.aten._convolution.default(x, w, None, [2, 2], [0, 0], [1, 1], False, [0, 0], 1, *flags)
    assert plain.flatten().tolist() == [440, 496, 664, 720, 1112, 1296, 1848, 2032]
    back = torch.ops.aten._convolution(x, w, torch.ones(2), [2, 2], [1, 1], [1, 1], True, [1, 1], 1, *flags)
    assert back.sum().item() == 31210


def test_futures():
    f = torch.futures.Future()
    after = f.then(lambda done: done.wait() + 1)
    f.set_result(1)
    assert after.wait() == 2 and torch.futures.wait_all([f, after]) == [1, 2]
    with pytest.raises(RuntimeError, match="Future can only be marked completed once"):
        f.set_result(2)


def test_hub_from_a_folder(tmp_path, monkeypatch):
    (tmp_path / "hubconf.py").write_text(
        'dependencies = ["torchax_lite"]\nimport torchax_lite as torch\n\ndef tiny(n=2):\n    """A layer."""\n    return torch.nn.Linear(n, 1)\n'
    )
    path = str(tmp_path)
    assert "tiny" in torch.hub.list(path) and torch.hub.help(path, "tiny") == "A layer."
    assert torch.hub.load(path, "tiny", n=3, source="local").in_features == 3
    with pytest.raises(RuntimeError, match="Cannot find callable none in hubconf"):
        torch.hub.load(path, "none", source="local")
    with pytest.raises(ValueError, match='Unknown source: "x"'):
        torch.hub.load(path, "tiny", source="x")
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    with pytest.raises(RuntimeError, match="not downloaded from GitHub"):
        torch.hub.load("owner/name", "tiny")
    torch.save({"w": torch.ones(1)}, tmp_path / "w.pth")
    for _ in range(2):
        assert torch.hub.load_state_dict_from_url((tmp_path / "w.pth").as_uri())["w"].item() == 1


@pytest.mark.parametrize(
    "name",
    ["onnx.export", "package.PackageExporter", "nested.nested_tensor", "ao.quantization.prepare", "quantization.convert",
     "library.triton_op", "library.opcheck"],
)  # fmt: skip
def test_what_is_missing_says_so(name):
    found = torch
    for part in name.split("."):
        found = getattr(found, part)
    with pytest.raises(NotImplementedError, match=name.rpartition(".")[2]):
        found("", (), mutates_args=())


def test_masked_reductions():
    x = torch.arange(6.0).reshape(2, 3)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    m = torch.masked
    assert m.sum(x, 1, mask=mask).tolist() == [2.0, 0.0] and m.prod(x + 1, 1, mask=mask).tolist() == [3.0, 1.0]
    assert m.amax(x, 1, mask=mask).tolist() == [2.0, -np.inf] and m.argmax(x, 1, mask=mask).dtype is torch.float32
    assert m.mean(x, mask=mask).item() == 1 and m.var(x, mask=mask).item() == 2
    assert m.softmax(x, 1, mask=mask)[0].tolist()[1] == 0 and m.softmax(x, 1, mask=mask)[1].isnan().all()
