"""Recomputed regions: the same gradients as without, less memory, and errors when the two runs differ."""

import functools
import warnings

import pytest

import torchax_lite as torch
from torchax_lite.engine.executor import EXECUTABLES
from torchax_lite.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    GraphExecGroup,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

MODES = pytest.mark.parametrize("use_reentrant", [True, False])


def block(seed=0, width=6):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(width, width), torch.nn.GELU(), torch.nn.Dropout(0.5), torch.nn.Linear(width, width)
    )  # fmt: skip


def gradients(net, run, x):
    net.zero_grad()
    x.grad = None
    torch.manual_seed(7)
    run(x).square().sum().backward()
    return [x.grad.tolist(), *(p.grad.tolist() for p in net.parameters())], torch.rand(1).item()


@MODES
def test_gradients_dropout_and_random_stream_are_those_without(use_reentrant):
    net, x = block(), torch.randn(3, 6, requires_grad=True)
    expected = gradients(net, net, x)
    assert gradients(net, lambda t: checkpoint(net, t, use_reentrant=use_reentrant), x) == expected


@MODES
def test_sequential_and_nested(use_reentrant):
    net, x = torch.nn.Sequential(*[block(i) for i in range(5)]), torch.randn(3, 6, requires_grad=True)
    expected = gradients(net, net, x)
    assert gradients(net, lambda t: checkpoint_sequential(net, 2, t, use_reentrant=use_reentrant), x) == expected
    if use_reentrant:
        return

    def nested(t):
        for child in net:
            t = checkpoint(child, t, use_reentrant=False)
        return t

    assert gradients(net, lambda t: checkpoint(nested, t, use_reentrant=False), x) == expected


@MODES
def test_peak_memory_of_the_compiled_program_falls(use_reentrant, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHAX_LITE_CACHE_DIR", str(tmp_path))
    torch.manual_seed(0)
    layers = [torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh())
              for _ in range(8)]  # fmt: skip
    x = torch.randn(2048, 64, requires_grad=True)

    def peak(apply):
        EXECUTABLES.clear()
        t = x
        for layer in layers:
            t = apply(layer, t)
        t.square().mean().backward()
        layers[0][0].weight.grad.tolist()
        entry = max((e for e in EXECUTABLES._entries.values() if e.compiled), key=lambda e: len(e.program.instructions))
        return entry.compiled.memory_analysis().temp_size_in_bytes

    plain = peak(lambda layer, t: layer(t))
    assert peak(lambda layer, t: checkpoint(layer, t, use_reentrant=use_reentrant)) < 0.7 * plain


def test_recurrent_layers_keep_no_residuals():
    net, x = torch.nn.LSTM(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    plain = torch.autograd.grad(net(x)[0].sum(), (x, *net.parameters()))
    again = torch.autograd.grad(checkpoint(lambda t: net(t)[0], x, use_reentrant=False).sum(), (x, *net.parameters()))
    assert all(torch.allclose(a, b) for a, b in zip(plain, again, strict=True))


def test_keyword_arguments_containers_and_retained_graphs():
    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda pair, *, scale: (pair[0] * pair[1]).sin() * scale, (x, x), scale=x.detach() + 2,
                   use_reentrant=False)  # fmt: skip
    first = torch.autograd.grad(y.sum(), x, retain_graph=True)[0]
    second = torch.autograd.grad(y.sum(), x)[0]
    assert torch.equal(first, second)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.sum().backward()


def runs(*functions):
    """A function that does something else at each call."""
    remaining = list(functions)
    return lambda t: remaining.pop(0)(t)


@pytest.mark.parametrize(
    ("again", "text"),
    [
        (lambda t: t.sin(), "A different number of tensors was saved"),
        (lambda t: t.sin().exp().exp(), "trying to save more tensors during recomputation"),
        (lambda t: t[:2].sin().exp(), "different metadata"),
    ],
)
def test_runs_that_differ(again, text):
    x = torch.ones(3, requires_grad=True)
    with set_checkpoint_early_stop(False):
        y = checkpoint(runs(lambda t: t.sin().exp(), again), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match=text):
        y.sum().backward()
    with set_checkpoint_debug_enabled(True):
        y = checkpoint(runs(lambda t: t.sin().exp(), again), x, use_reentrant=False, early_stop=False)
    if "more" not in text:
        with pytest.raises(CheckpointError, match=r"Operators that ran in the original:\s+sin"):
            y.sum().backward()


def test_early_stop_skips_the_rest():
    calls = []

    def region(t):
        t = t.exp()
        calls.append(len(calls))
        return t.neg() if len(calls) == 1 else 1 / 0

    x = torch.ones(2, requires_grad=True)
    checkpoint(region, x, use_reentrant=False).sum().backward()
    assert x.grad.tolist() == pytest.approx([-2.718281828] * 2) and calls == [0]


def test_misuse():
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(torch.sin, x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: foo"):
        checkpoint(torch.sin, x, use_reentrant=True, foo=1)
    with pytest.raises(ValueError, match="only supported when use_reentrant=False"):
        checkpoint(torch.sin, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(torch.sin, x, use_reentrant=False, determinism_check="all")
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad"):
        checkpoint(torch.sin, x.detach(), use_reentrant=True)
    with pytest.raises(RuntimeError, match=r"incompatible with .grad\(\)"):
        torch.autograd.grad(checkpoint(torch.sin, x, use_reentrant=True).sum(), x)
    z = x * 1
    y = checkpoint(torch.sin, z, use_reentrant=False)
    with torch.no_grad():
        z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_without_gradients_it_is_the_function():
    with torch.no_grad():
        assert checkpoint(torch.sin, torch.zeros(1), use_reentrant=False).tolist() == [0.0]


def test_recomputation_has_the_autocast_of_the_forward():
    w, x = torch.ones(3, 3, requires_grad=True), torch.ones(3, 3)
    seen = []

    def region(t):
        out = t @ w
        seen.append(out.dtype)
        return out.sin()

    with torch.autocast("cpu"), set_checkpoint_early_stop(False):
        y = checkpoint(region, x, use_reentrant=False)
    y.float().sum().backward()
    assert seen == [torch.bfloat16, torch.bfloat16] and w.grad.dtype is torch.float32


def test_selective_checkpointing_keeps_what_the_policy_names():
    w, x = torch.randn(4, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
    asked = []

    def policy(ctx, op, *args, **kwargs):
        asked.append(str(op))
        saves = op is torch.ops.aten.mm.default
        return CheckpointPolicy.MUST_SAVE if saves else CheckpointPolicy.PREFER_RECOMPUTE

    def region(t):
        return ((t @ w).sin() * 2).exp()

    plain = torch.autograd.grad(region(x).sum(), (x, w))
    for chosen in (policy, [torch.ops.aten.mm.default, torch.ops.aten.exp.default]):
        contexts = functools.partial(create_selective_checkpoint_contexts, chosen)
        y = checkpoint(region, x, use_reentrant=False, context_fn=contexts)
        assert all(torch.equal(a, b) for a, b in zip(torch.autograd.grad(y.sum(), (x, w)), plain, strict=True))
    assert asked == ["aten.mm.default", "aten.sin.default", "aten.mul.Tensor", "aten.exp.default"]
    with pytest.raises(ValueError, match="Expected op in `op_list`"):
        create_selective_checkpoint_contexts([1])
    with pytest.raises(TypeError, match="either a function or a list"):
        create_selective_checkpoint_contexts(3)


def test_one_recomputation_for_a_group_of_passes():
    count = []

    def region(t):
        count.append(1)
        return t.sin(), t.exp()

    x = torch.ones(2, requires_grad=True)
    a, b = checkpoint(region, x, use_reentrant=False)
    with GraphExecGroup():
        a.sum().backward()
        b.sum().backward()
    assert len(count) == 2


def test_no_warning_with_an_explicit_mode():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint(torch.sin, torch.ones(1, requires_grad=True), use_reentrant=False).backward()
