"""``torch.optim``: update rules, parameter groups, schedules."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same


def _parameter(torch: Any, grad: float = 1.0) -> Any:
    p = torch.nn.Parameter(torch.tensor([1.0]))
    p.grad = torch.tensor([grad])
    return p


@case("torch.optim.SGD")
def momentum_starts_with_the_first_gradient(torch: Any) -> None:
    p = _parameter(torch)
    optimizer = torch.optim.SGD([p], lr=0.5, momentum=0.5, dampening=0.5)
    optimizer.step()
    same(p, torch.tensor([0.5]))
    optimizer.step()
    same(p, torch.tensor([0.0]))


@case("torch.optim.Adam")
def first_step_has_the_length_of_lr(torch: Any) -> None:
    p = _parameter(torch, 1e-3)
    torch.optim.Adam([p], lr=0.25).step()
    same(p, torch.tensor([0.75]), atol=1e-5)


@case("torch.optim.AdamW")
def decay_does_not_pass_through_the_moments(torch: Any) -> None:
    p = _parameter(torch, 0.0)
    torch.optim.AdamW([p], lr=0.5, weight_decay=0.5).step()
    same(p, torch.tensor([0.75]))


@case("torch.optim.Optimizer", "optim.html")
def groups_override_defaults(torch: Any) -> None:
    a, b = _parameter(torch), _parameter(torch)
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.25)
    optimizer.step()
    assert (a.item(), b.item()) == (0.75, 0.5)


@case("torch.optim.Optimizer", "optim.html")
def bad_arguments_raise(torch: Any) -> None:
    raises(ValueError, "optimizer got an empty parameter list", torch.optim.SGD, [], lr=0.1)
    raises(ValueError, "Invalid learning rate: -1.0", torch.optim.SGD, [_parameter(torch)], lr=-1.0)
    p = _parameter(torch)
    group = {"params": [p]}
    raises(
        ValueError,
        "some parameters appear in more than one parameter group",
        torch.optim.SGD,
        [group, dict(group)],
        lr=1,
    )


@case("torch.optim.Optimizer.zero_grad")
def gradients_become_none_by_default(torch: Any) -> None:
    p = _parameter(torch)
    optimizer = torch.optim.SGD([p], lr=0.1)
    optimizer.zero_grad(set_to_none=False)
    same(p.grad, torch.zeros(1))
    optimizer.zero_grad()
    assert p.grad is None


@case("torch.optim.Optimizer.state_dict")
def parameters_are_numbered(torch: Any) -> None:
    p = _parameter(torch)
    optimizer = torch.optim.Adam([p], lr=0.1)
    optimizer.step()
    state = optimizer.state_dict()
    assert state["param_groups"][0]["params"] == [0] and sorted(state["state"][0]) == ["exp_avg", "exp_avg_sq", "step"]
    other = torch.optim.Adam([_parameter(torch)], lr=0.5)
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1


@case("torch.optim.Optimizer.step", "optim.html")
def closures_are_called_with_gradients(torch: Any) -> None:
    p = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = torch.optim.SGD([p], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0 and p.item() == 1.0


@case("torch.optim.lr_scheduler.StepLR")
def decays_every_step_size_epochs(torch: Any) -> None:
    optimizer = torch.optim.SGD([_parameter(torch)], lr=1.0)
    scheduler, seen = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5), []
    for _ in range(5):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.25] and scheduler.get_last_lr() == [0.25]


@case("torch.optim.lr_scheduler.CosineAnnealingLR")
def ends_at_eta_min(torch: Any) -> None:
    optimizer = torch.optim.SGD([_parameter(torch)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4, eta_min=0.5)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    assert abs(optimizer.param_groups[0]["lr"] - 0.5) < 1e-12


@case("torch.optim.lr_scheduler.ReduceLROnPlateau")
def waits_for_patience(torch: Any) -> None:
    optimizer = torch.optim.SGD([_parameter(torch)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    rates = []
    for metric in (1.0, 1.0, 1.0, 1.0):
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 0.5, 0.5]
