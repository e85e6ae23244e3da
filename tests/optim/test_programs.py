"""One step is one program, and nothing that changes from step to step makes a new one."""

import pytest

import torchax_lite as torch
from torchax_lite import engine
from torchax_lite.optim import (
    ASGD,
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from torchax_lite.optim.lr_scheduler import CosineAnnealingLR

OPTIONS = {
    SGD: {"momentum": 0.9, "nesterov": True},
    RMSprop: {"momentum": 0.9, "centered": True},
    Adam: {"amsgrad": True, "foreach": True},
    AdamW: {"fused": True},
}
KINDS = [SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adafactor, Adamax, NAdam, RAdam, Rprop, ASGD, Muon]


def leaves():
    values = [torch.tensor([[0.5, -1.0], [2.0, 0.25]]), torch.tensor([1.0, -0.5])]
    return [value.requires_grad_(True) for value in values]


def costs(step, n):
    """(executions, programs met for the first time) of each of n steps."""
    seen = []
    for t in range(n):
        before = engine.stats()
        step(t)
        after = engine.stats()
        seen.append((after.executions - before.executions, after.programs - before.programs))
    return seen


def stepper(kind):
    """``opt.step`` called from a line of its own: the engine stops compiling at a line that makes many programs."""
    code = compile("opt.step(*closure)", f"<step of {kind.__name__}>", "eval")
    return lambda opt, *closure: eval(code, {"opt": opt, "closure": closure})


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_step_has_the_program_of_all_later_ones(kind):
    weight, bias = leaves()
    params = [weight] if kind is Muon else [weight, bias]
    bias.requires_grad_(kind is not Muon)
    opt = kind(params, lr=0.01, **OPTIONS.get(kind, {}))
    scheduler = CosineAnnealingLR(opt, 20)
    step_of = stepper(kind)

    def step(t):
        x = torch.tensor([[1.0, 2.0], [float(t), 4.0], [5.0, 6.0]])
        opt.zero_grad()
        loss = ((x @ weight + bias) ** 2).mean()
        loss.backward()
        step_of(opt)
        scheduler.step()

    seen = costs(step, 8)
    assert all(executions == 1 for executions, _ in seen[1:]), seen
    assert all(new == 0 for _, new in seen[1:]), seen


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_of_many_parameters_is_one_recorded_op(kind, monkeypatch):
    params = [torch.full((2, 3), 0.1 * i).requires_grad_(True) for i in range(6)]
    for i, p in enumerate(params):
        p.grad = torch.full((2, 3), 0.5 + i)
    opt = kind(params, lr=0.01, **OPTIONS.get(kind, {}))
    opt.step()
    pending = []
    boundary = torch.engine.step_boundary
    monkeypatch.setattr(torch.engine, "step_boundary", lambda: (pending.append(engine.stats().pending), boundary()))
    opt.step()
    assert pending == [1]


@pytest.mark.parametrize("options", [{}, {"line_search_fn": "strong_wolfe"}])
def test_iterations_of_lbfgs_are_two_programs_that_come_back(options):
    weight, bias = leaves()
    opt = LBFGS([weight, bias], lr=0.1, max_iter=4, **options)
    scheduler = CosineAnnealingLR(opt, 20)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]])
    calls = []

    def closure():
        calls.append(1)
        opt.zero_grad()
        loss = ((torch.sin(x @ weight) + bias) ** 2).mean()
        loss.backward()
        return loss

    def step(t):
        opt.step(closure)
        scheduler.step()

    seen = []
    for _ in range(5):
        calls.clear()
        seen += [(*entry, len(calls)) for entry in costs(step, 1)]
    assert all(new == 0 for _, new, _ in seen[2:]), seen
    assert all(executions <= 2 * evaluations + 2 for executions, _, evaluations in seen[2:]), seen


def test_a_parameter_that_misses_a_step_costs_two_programs_in_all():
    a, b = leaves()
    opt = Adam([a, b])

    def step(t):
        a.grad = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        b.grad = None if t == 1 else torch.tensor([1.0, float(t)])
        opt.step()

    seen = costs(step, 8)
    assert all(new == 0 for _, new in seen[3:]), seen
    assert [entry["step"].item() for entry in opt.state.values()] == [8.0, 7.0]


def test_a_changing_learning_rate_tensor_is_an_input():
    a, b = leaves()
    lr = torch.tensor(0.1)
    opt = AdamW([a, b], lr=lr)

    def step(t):
        a.grad = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        b.grad = torch.tensor([1.0, float(t)])
        lr.fill_(0.1 / (t + 1))
        opt.step()

    seen = costs(step, 6)
    assert all(executions == 1 for executions, _ in seen), seen
    assert all(new == 0 for _, new in seen[2:]), seen


def test_step_ends_the_program():
    a, b = leaves()
    for p in (a, b):
        p.grad = p.detach() * 2
    SGD([a, b], lr=0.1).step()
    assert engine.stats().pending == 0
