"""One step is one program, and nothing that changes from step to step makes a new one."""

import pytest

import torchax_lite as torch
from torchax_lite import engine
from torchax_lite.optim import ASGD, SGD, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop
from torchax_lite.optim.lr_scheduler import CosineAnnealingLR

OPTIONS = {SGD: {"momentum": 0.9, "nesterov": True}, RMSprop: {"momentum": 0.9, "centered": True}}


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


# Not all kinds: the engine stops compiling at once after eight programs that end at the same line of user code.
@pytest.mark.parametrize("kind", [SGD, AdamW, RMSprop, Adagrad, NAdam, RAdam, ASGD])
def test_the_first_step_has_the_program_of_all_later_ones(kind):
    weight, bias = leaves()
    opt = kind([weight, bias], lr=0.01, **OPTIONS.get(kind, {}))
    scheduler = CosineAnnealingLR(opt, 20)

    def step(t):
        x = torch.tensor([[1.0, 2.0], [float(t), 4.0], [5.0, 6.0]])
        opt.zero_grad()
        loss = ((x @ weight + bias) ** 2).mean()
        loss.backward()
        opt.step()
        scheduler.step()

    seen = costs(step, 8)
    assert all(executions == 1 for executions, _ in seen[1:]), seen
    assert all(new == 0 for _, new in seen[1:]), seen


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
