"""``__torch_function__``: subclasses, duck arrays and modes; and that nothing is left in the way afterwards."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import torchax_lite as torch
import torchax_lite.nn.functional as F
from torchax_lite import overrides
from torchax_lite.overrides import TorchFunctionMode, resolve_name
from torchax_lite.tensor import interception, overriding


class Log(TorchFunctionMode):
    def __init__(self):
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(resolve_name(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "call, names",
    [
        (lambda x: x + 1, ["torch.Tensor.add"]),
        (lambda x: 2 - x, ["torch.Tensor.__rsub__"]),
        (lambda x: x / x, ["torch.Tensor.div"]),
        (lambda x: x == x, ["torch.Tensor.__eq__"]),
        (lambda x: x < 1, ["torch.Tensor.lt"]),
        (lambda x: x[0], ["torch.Tensor.__getitem__"]),
        (lambda x: F.relu(x), ["torch.nn.functional.relu"]),
        (lambda x: x.shape, ["torch.Tensor.shape.__get__"]),
        (lambda x: x.T, ["torch.Tensor.T.__get__"]),
        (lambda x: torch.zeros(2), ["torch.zeros"]),
        (lambda x: torch.tensor([1.0]), ["torch.tensor"]),
        (lambda x: torch.linalg.norm(x), ["torch.linalg.norm"]),
        (lambda x: F.cross_entropy(x, torch.tensor(0)), ["torch.tensor", "torch.nn.functional.cross_entropy"]),
        (lambda x: torch.is_tensor(x), []),
        (lambda x: repr(x), ["torch.Tensor.__repr__"]),
    ],
)
def test_modes_see_what_the_program_calls(call, names):
    x = torch.arange(3.0)
    log = Log()
    with log:
        call(x)
    assert log.names == names


def test_nested_modes_inner_first_and_func_goes_on_outwards():
    outer, inner = Log(), Log()
    with outer, inner:
        torch.add(torch.ones(1), 1)
    assert inner.names[-1] == "torch.add" and outer.names[-1] == "torch.add"


def test_a_mode_may_replace_results():
    class Fives(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return 5

    with Fives():
        result = torch.ones(3)
    assert result == 5


class Tagged(torch.Tensor):
    pass


def test_plain_subclasses_keep_their_class():
    t = Tagged([1.0, 2.0])
    for made in (
        t + 1,
        2 * t,
        t.sum(),
        t[0],
        torch.stack([t, t]),
        t.detach(),
        t.clone(),
        torch.zeros_like(t),
        t.max(0)[0],
    ):
        assert type(made) is Tagged
    assert type(t.shape) is torch.Size and type(t.as_subclass(torch.Tensor)) is torch.Tensor
    assert all(type(p) is Tagged for p in t.split(1))


def test_gradients_flow_through_subclasses():
    w = torch.ones(2, requires_grad=True)
    loss = (w.as_subclass(Tagged) * 3).sum()
    assert type(loss) is Tagged
    loss.backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_subclass_with_its_own_hook_calls_on_by_super():
    calls = []

    class Logged(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            calls.append(func)
            return super().__torch_function__(func, types, args, kwargs)

    t = torch.ones(2).as_subclass(Logged)
    assert type(torch.add(t, 1)) is Logged and type(torch.ones(2) + t) is Logged
    assert calls == [torch.add, torch.Tensor.add]
    with torch._C.DisableTorchFunctionSubclass():
        torch.add(t, 1)
    assert len(calls) == 2


class Duck:
    HANDLED = {}

    def __init__(self, n):
        self.n = n

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return cls.HANDLED[func](*args, **(kwargs or {})) if func in cls.HANDLED else NotImplemented


Duck.HANDLED[torch.mean] = lambda d: d.n / 2
Duck.HANDLED[torch.add] = lambda a, b, alpha=1: "added"
Duck.HANDLED[F.linear] = lambda *args: "linear"


def test_duck_arrays():
    d = Duck(4)
    assert (
        torch.mean(d) == 2
        and torch.add(torch.ones(1), d, alpha=2) == "added"
        and F.linear(torch.ones(1), d) == "linear"
    )
    with pytest.raises(TypeError, match=r"Multiple dispatch failed for 'torch.relu'; all __torch_function__ handlers"):
        torch.relu(d)
    with pytest.raises(TypeError, match=r"no implementation found for 'torch.nn.functional.gelu' on types"):
        F.gelu(d)
    with pytest.raises(TypeError, match="unsupported operand"):
        torch.ones(1) - d


def test_duck_array_in_a_fresh_process():
    """The first duck array of a process is noticed by the op that would refuse it."""
    code = """
import torchax_lite as torch
class D:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func, args, kwargs
d = D()
assert torch.mean(d) == (torch.mean, (d,), {})
assert torch.add(torch.ones(1), d, alpha=2)[2] == {"alpha": 2}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_functions_are_untouched_while_nobody_looks():
    code = """
import torchax_lite as torch
from torchax_lite.overrides import BaseTorchFunctionMode
before = torch.add.__code__, torch.Tensor.__add__.__code__
with BaseTorchFunctionMode():
    assert torch.add.__code__ is not before[0]
    assert (torch.ones(2) + 1).tolist() == [2.0, 2.0]
assert (torch.add.__code__, torch.Tensor.__add__.__code__) == before
torch.nn.Linear(2, 2)(torch.ones(1, 2))
assert torch.add.__code__ is before[0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_signatures_stay_readable_while_somebody_looks():
    before = inspect.signature(F.conv2d)
    with Log():
        assert inspect.signature(F.conv2d) == before
        assert list(inspect.signature(torch.add).parameters)[:2] == ["input", "other"]
    assert inspect.signature(F.conv2d) == before


def test_layers_nest_by_rank():
    order = []

    def f(x, y=2):
        return x + y

    def layer(name, rank):
        def around(p, args, kwargs, inner):
            order.append(name)
            return inner(args, kwargs)

        return interception.Layer(around, lambda: [f], rank)

    low, high = layer("low", 1), layer("high", 2)
    low.enable(), high.enable()
    assert f(1) == 3 and f(1, y=5) == 6 and order == ["high", "low"] * 2
    high.disable(), low.disable()
    assert f(1) == 3 and len(order) == 4 and interception.original(f)(1) == 3


def test_tables_of_functions():
    found = overrides.get_overridable_functions()
    assert torch.add in found[torch] and torch.Tensor.add in found[torch.Tensor] and F.relu in found[F]
    assert torch.zeros in overrides.get_ignored_functions() and torch.zeros not in found[torch]
    assert overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    assert not overrides.is_tensor_method_or_property(torch.add)
    dummies = overrides.get_testing_overrides()
    assert dummies[torch.add](1, 2) == -1 and len(dummies) > 1000
    assert overrides.is_tensor_like(Duck(1)) and not overrides.is_tensor_like(np.ones(2))


def test_user_functions_can_be_overridable():
    @overrides.wrap_torch_function(lambda a: (a,))
    def double(a):
        return 2 * a

    Duck.HANDLED[double] = lambda a: "twice"
    assert double(2) == 4 and double(Duck(1)) == "twice"


def test_wrapper_subclasses_say_what_to_use():
    with pytest.raises(NotImplementedError, match="__torch_dispatch__"):
        torch.Tensor._make_wrapper_subclass(Tagged, (2,))
    assert overriding.overrides(torch.nn.Parameter) is False
