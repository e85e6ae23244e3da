"""Symbolic traces: code, graphs and errors as PyTorch gives them, and what can be done to graphs."""

import copy
import io
import operator
import pickle

import pytest

import torchax_lite as torch
from torchax_lite import fx, nn
from torchax_lite.fx.passes.shape_prop import ShapeProp

F = nn.functional


@fx.wrap
def helper(x, n):
    return x * n if n > 1 else x


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(3, 4)
        self.p = nn.Parameter(torch.ones(4))
        self.seq = nn.Sequential(nn.ReLU(), nn.Linear(4, 2))
        self.register_buffer("b", torch.zeros(4))

    def forward(self, x, y=None, *, k=3):
        a = self.l(x) + self.p - self.b
        a = F.relu(a, inplace=False)
        a = torch.add(a, 1, alpha=2).view(-1, 4).t().t()
        a = a[:, :2][..., None].squeeze(-1)
        z = torch.cat([a, a], dim=1)
        return {"o": self.seq(z) * 2.5 + x.shape[0], "t": x.size(0)}


CODE = """


def forward(self, x, y = None, k = 3):
    l = self.l(x)
    p = self.p
    add = l + p;  l = p = None
    b = self.b
    sub = add - b;  add = b = None
    relu = torch.nn.functional.relu(sub, inplace = False);  sub = None
    add_1 = torch.add(relu, 1, alpha = 2);  relu = None
    view = add_1.view(-1, 4);  add_1 = None
    t = view.t();  view = None
    t_1 = t.t();  t = None
    getitem = t_1[(slice(None, None, None), slice(None, 2, None))];  t_1 = None
    getitem_1 = getitem[(Ellipsis, None)];  getitem = None
    squeeze = getitem_1.squeeze(-1);  getitem_1 = None
    cat = torch.cat([squeeze, squeeze], dim = 1);  squeeze = None
    seq_0 = getattr(self.seq, "0")(cat);  cat = None
    seq_1 = getattr(self.seq, "1")(seq_0);  seq_0 = None
    mul = seq_1 * 2.5;  seq_1 = None
    getattr_1 = x.shape
    getitem_2 = getattr_1[0];  getattr_1 = None
    add_2 = mul + getitem_2;  mul = getitem_2 = None
    size = x.size(0);  x = None
    return {'o': add_2, 't': size}
    """


def test_generated_code_is_pytorchs_and_runs():
    torch.manual_seed(0)
    m = Model()
    traced = fx.symbolic_trace(m)
    assert traced.code.strip() == CODE.strip()
    x = torch.randn(5, 3)
    assert (traced(x)["o"] - m(x)["o"]).abs().max() == 0 and traced(x)["t"] == 5
    assert sorted(dict(traced.named_parameters())) == sorted(dict(m.named_parameters()))
    assert "%add_1 : [num_users=1] = call_function[target=torch.add](args = (%relu, 1), kwargs = {alpha: 2})" in str(
        traced.graph
    )
    traced.graph.lint()
    assert not overridden()


def overridden():
    from torchax_lite.tensor import overriding

    return overriding.LAYER.enabled and not overriding._permanent


@pytest.mark.parametrize(
    "body, error",
    [
        ("return x if x.sum() > 0 else -x", "symbolically traced variables cannot be used as inputs to control flow"),
        ("return [*x]", "Proxy object cannot be iterated"),
        ("return len(x)", "'len' is not supported in symbolic tracing by default"),
        ("return float(x)", "float"),
    ],
)
def test_what_a_graph_cannot_hold(body, error):
    scope = {}
    exec(f"def f(x):\n    {body}", scope)
    with pytest.raises((fx.proxy.TraceError, RuntimeError, TypeError), match=error):
        fx.symbolic_trace(scope["f"])


def test_unpacking_wrapped_functions_and_constants():
    def f(x, n):
        a, b = x
        return helper(a, n) + b + torch.ones(2) * float("inf")

    traced = fx.symbolic_trace(f)
    assert "getitem_1 = x[1]" in traced.code and "helper" in traced.code
    assert traced((torch.zeros(2), torch.ones(2)), 3).tolist() == [float("inf")] * 2


def f(x, y):
    return torch.relu(x).neg() + y


def test_editing_a_graph():
    traced = fx.symbolic_trace(f)
    for n in traced.graph.nodes:
        if n.target is torch.relu:
            with traced.graph.inserting_after(n):
                new = traced.graph.call_function(torch.sigmoid, n.args)
            n.replace_all_uses_with(new)
            with pytest.raises(RuntimeError, match="still had 1 users"):
                traced.graph.erase_node(new)
            traced.graph.erase_node(n)
    traced.recompile()
    x = torch.tensor([1.0, -2.0])
    assert torch.equal(traced(x, x), -torch.sigmoid(x) + x)
    with pytest.raises(RuntimeError, match="before it has been defined"):
        first = next(iter(traced.graph.nodes))
        first.args = (new,)
        traced.graph.lint()


def test_replace_pattern_shapes_interpreter_transformer():
    traced = fx.symbolic_trace(f)
    ShapeProp(traced).propagate(torch.ones(2, 3), torch.ones(3))
    assert traced.graph.output_node().args[0].meta["tensor_meta"].shape == (2, 3)
    matches = fx.replace_pattern(traced, lambda x: torch.relu(x).neg(), lambda x: torch.sigmoid(x))
    assert len(matches) == 1 and "sigmoid" in traced.code and "relu" not in traced.code
    x = torch.tensor([1.0, -2.0])
    assert torch.equal(traced(x, x), torch.sigmoid(x) + x)
    assert torch.equal(fx.Interpreter(traced).run(x, x), traced(x, x))

    class Swap(fx.Transformer):
        def call_function(self, target, args, kwargs):
            return super().call_function(torch.tanh if target is torch.sigmoid else target, args, kwargs)

    assert torch.equal(Swap(traced).transform()(x, x), torch.tanh(x) + x)


def test_copies_pickles_and_dead_code():
    m = Model()
    traced = fx.symbolic_trace(m)
    x = torch.randn(2, 3)
    for made in (copy.deepcopy(traced), pickle.loads(pickle.dumps(traced))):
        assert torch.equal(made(x)["o"], traced(x)["o"]) and list(made.state_dict()) == list(traced.state_dict())
    g = fx.Graph()
    a = g.placeholder("a")
    g.call_function(operator.add, (a, 1))
    g.output(g.call_method("neg", (a,)))
    assert g.eliminate_dead_code() and [n.op for n in g.nodes] == ["placeholder", "call_method", "output"]
    assert fx.GraphModule(nn.Module(), g)(torch.ones(1)).item() == -1


def test_code_says_where_it_comes_from_and_what_values_are():
    class Recording(fx.Tracer):
        record_stack_traces = True

    class Small(nn.Module):
        def forward(self, x):
            y = x.relu()
            return y + 1

    module = Small()
    graph = Recording().trace(module)
    code = graph.python_code("self", verbose=True).src
    assert "test_fx.py" in code and "in forward, code: y = x.relu()" in code and code.count("# File: ") == 2
    assert "#" not in graph.python_code("self").src
    traced = fx.symbolic_trace(module)
    ShapeProp(traced).propagate(torch.ones(2, 3))
    text = traced.print_readable(print_output=False)
    assert 'def forward(self, x: "f32[2, 3]"):' in text and 'add: "f32[2, 3]" = relu + 1;  relu = None' in text
    assert "# No stacktrace found for following nodes" in text
    for node in traced.graph.nodes:
        node.meta["val"] = torch.ones(2, 3)
    strided = traced.graph.python_code("self", include_stride=True, include_device=True).src
    assert 'relu: "f32[2, 3][3, 1]cpu" = x.relu()' in strided


def test_operands_of_einsum_are_recorded_one_by_one():
    traced = fx.symbolic_trace(lambda a, b: torch.einsum("ij,jk->ik", (a, b)))
    (call,) = (n for n in traced.graph.nodes if n.op == "call_function")
    assert [str(a) for a in call.args] == ["ij,jk->ik", "a", "b"]


def test_concrete_arguments():
    def g(x, b=None):
        return x if b is None else x + b

    traced = fx.symbolic_trace(g, concrete_args={"b": None})
    assert torch.equal(traced(torch.ones(1)), torch.ones(1))
    with pytest.raises(AssertionError, match="b has been specialized to have value None"):
        traced(torch.ones(1), 3)


def test_state_dict_round_trip():
    traced = fx.symbolic_trace(Model())
    buffer = io.BytesIO()
    torch.save(traced.state_dict(), buffer)
    buffer.seek(0)
    traced.load_state_dict(torch.load(buffer))
