"""``torch.optim``: update rules in numbers, parameter groups, schedules."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same

OPTIM = "optim.html"


def _steps(torch: Any, name: str, grads: list[float], start: float = 1.0, **options: Any) -> Any:
    """A parameter after an optimizer saw these gradients."""
    p = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    optimizer = getattr(torch.optim, name)([p], **options)
    for g in grads:
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
    return p.item()


def _near(actual: float, expected: float) -> None:
    assert abs(actual - expected) < 1e-6


@case("torch.optim.SGD")
def nesterov_looks_ahead(torch: Any) -> None:
    _near(_steps(torch, "SGD", [1.0, 1.0], lr=0.1, momentum=0.5, nesterov=True), 1 - 0.1 * 1.5 - 0.1 * 1.75)
    p = torch.nn.Parameter(torch.ones(1))
    raises(
        ValueError,
        "Nesterov momentum requires a momentum and zero dampening",
        torch.optim.SGD,
        [p],
        lr=1,
        nesterov=True,
    )


@case("torch.optim.SGD")
def weight_decay_joins_the_gradient_and_maximize_turns_it(torch: Any) -> None:
    _near(_steps(torch, "SGD", [1.0], lr=0.1, weight_decay=0.5), 1 - 0.1 * 1.5)
    _near(_steps(torch, "SGD", [1.0], lr=0.1, maximize=True), 1.1)


@case("torch.optim.Adam")
def second_step_uses_corrected_moments(torch: Any) -> None:
    m, v = 0.9 * 0.1 + 0.1 * 3.0, 0.999 * 0.001 + 0.001 * 9.0
    second = (m / (1 - 0.9**2)) / ((v / (1 - 0.999**2)) ** 0.5 + 1e-8)
    _near(_steps(torch, "Adam", [1.0, 3.0], lr=0.1), 1 - 0.1 * (1 / (1 + 1e-8)) - 0.1 * second)


@case("torch.optim.Adam")
def amsgrad_keeps_the_largest_moment(torch: Any) -> None:
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.ones(1)
    optimizer = torch.optim.Adam([p], amsgrad=True)
    optimizer.step()
    assert sorted(optimizer.state[p]) == ["exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step"]
    raises(ValueError, "Invalid beta parameter at index 0: 1.5", torch.optim.Adam, [p], betas=(1.5, 0.9))


@case("torch.optim.Adagrad")
def squares_accumulate(torch: Any) -> None:
    _near(_steps(torch, "Adagrad", [2.0, 2.0], lr=0.1), 1 - 0.1 - 0.1 / 2**0.5)


@case("torch.optim.RMSprop")
def divides_by_the_running_root_mean_square(torch: Any) -> None:
    _near(_steps(torch, "RMSprop", [2.0], lr=0.1, alpha=0.75), 1 - 0.1 * 2)


@case("torch.optim.Adadelta")
def first_step_is_tiny(torch: Any) -> None:
    step = 2.0 * (1e-6 / (0.1 * 4 + 1e-6)) ** 0.5
    _near(_steps(torch, "Adadelta", [2.0], lr=1.0), 1 - step)


@case("torch.optim.Adamax")
def infinity_norm(torch: Any) -> None:
    _near(_steps(torch, "Adamax", [2.0], lr=0.1), 0.9)


@case("torch.optim.NAdam")
def momentum_is_scheduled(torch: Any) -> None:
    mu1, mu2 = 0.9 * (1 - 0.5 * 0.96**0.004), 0.9 * (1 - 0.5 * 0.96**0.008)
    expected = 1 - 0.1 * ((1 - mu1) * 2 / (1 - mu1) + mu2 * 0.2 / (1 - mu1 * mu2)) / 2
    _near(_steps(torch, "NAdam", [2.0], lr=0.1), expected)


@case("torch.optim.RAdam")
def early_steps_are_plain_momentum(torch: Any) -> None:
    _near(_steps(torch, "RAdam", [2.0], lr=0.1), 1 - 0.1 * 2)


@case("torch.optim.Rprop")
def only_signs_matter(torch: Any) -> None:
    _near(_steps(torch, "Rprop", [5.0, 5.0], lr=0.1), 1 - 0.1 - 0.12)


@case("torch.optim.ASGD")
def decays_the_weight_a_little(torch: Any) -> None:
    _near(_steps(torch, "ASGD", [1.0], lr=0.1), 1 - 0.1 * 1e-4 - 0.1)


@case("torch.optim.LBFGS")
def needs_a_closure_and_minimizes_a_square(torch: Any) -> None:
    p = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.LBFGS([p], line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((p - 1) ** 2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    same(p, torch.tensor([1.0]), atol=1e-4)


@case("torch.optim.Optimizer", OPTIM)
def parameters_without_gradient_are_left_alone(torch: Any) -> None:
    a, b = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    a.grad = torch.ones(1)
    torch.optim.SGD([a, b], lr=0.5, weight_decay=1.0).step()
    assert (a.item(), b.item()) == (0.0, 1.0)


@case("torch.optim.Optimizer", OPTIM)
def only_leaves_and_tensors_are_taken(torch: Any) -> None:
    x = torch.ones(1, requires_grad=True)
    raises(ValueError, "can't optimize a non-leaf Tensor", torch.optim.SGD, [x * 2], lr=0.1)
    raises(
        TypeError,
        "params argument given to the optimizer should be an iterable of Tensors or dicts",
        torch.optim.SGD,
        x,
        lr=0.1,
    )
    raises(TypeError, "optimizer can only optimize Tensors, but one of the params is", torch.optim.SGD, [1.0], lr=0.1)


@case("torch.optim.Optimizer.add_param_group")
def defaults_fill_in(torch: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5})
    assert [(g["lr"], g["momentum"]) for g in optimizer.param_groups] == [(0.1, 0.9), (0.5, 0.9)]


@case("torch.optim.Optimizer.register_step_post_hook")
def hooks_run_around_steps(torch: Any) -> None:
    p, seen = torch.nn.Parameter(torch.ones(1)), []
    p.grad = torch.ones(1)
    optimizer = torch.optim.SGD([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(p.item()))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(p.item()))
    optimizer.step()
    handle.remove()
    optimizer.step()
    assert seen == [1.0, 0.5, 0.5]


@case("torch.optim.Optimizer", OPTIM)
def prints_its_groups(torch: Any) -> None:
    text = repr(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n") and "    lr: 0.1\n" in text


def _rates(torch: Any, name: str, steps: int, lr: float = 1.0, **options: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return [round(r, 6) for r in rates]


@case("torch.optim.lr_scheduler.LambdaLR")
def multiplies_the_initial_rate(torch: Any) -> None:
    assert _rates(torch, "LambdaLR", 2, lr=2.0, lr_lambda=lambda epoch: 1 / (1 + epoch)) == [2.0, 1.0, 0.666667]
    assert _rates(torch, "MultiplicativeLR", 2, lr_lambda=lambda epoch: 0.5) == [1.0, 0.5, 0.25]


@case("torch.optim.lr_scheduler.MultiStepLR")
def milestones_may_repeat(torch: Any) -> None:
    assert _rates(torch, "MultiStepLR", 4, milestones=[1, 3, 3], gamma=0.1) == [1.0, 0.1, 0.1, 0.001, 0.001]


@case("torch.optim.lr_scheduler.ExponentialLR")
def decays_each_epoch(torch: Any) -> None:
    assert _rates(torch, "ExponentialLR", 3, gamma=0.5) == [1.0, 0.5, 0.25, 0.125]


@case("torch.optim.lr_scheduler.LinearLR")
def starts_at_a_third(torch: Any) -> None:
    assert _rates(torch, "LinearLR", 3, total_iters=2) == [0.333333, 0.666667, 1.0, 1.0]
    assert _rates(torch, "ConstantLR", 3, factor=0.5, total_iters=2) == [0.5, 0.5, 1.0, 1.0]


@case("torch.optim.lr_scheduler.PolynomialLR")
def ends_at_zero(torch: Any) -> None:
    assert _rates(torch, "PolynomialLR", 3, total_iters=2, power=2.0) == [1.0, 0.25, 0.0, 0.0]


@case("torch.optim.lr_scheduler.CyclicLR")
def triangles(torch: Any) -> None:
    rates = _rates(torch, "CyclicLR", 4, base_lr=0.0, max_lr=1.0, step_size_up=2, cycle_momentum=False)
    assert rates == [0.0, 0.5, 1.0, 0.5, 0.0]


@case("torch.optim.lr_scheduler.OneCycleLR")
def rises_then_falls_and_then_raises(torch: Any) -> None:
    rates = _rates(torch, "OneCycleLR", 9, max_lr=1.0, total_steps=10, cycle_momentum=False, anneal_strategy="linear")
    assert rates[0] == 0.04 and max(rates) == 1.0 and rates.index(1.0) == 2 and rates[-1] < 1e-4
    raises(ValueError, "Tried to step 11 times. The specified number of total steps is 10",
           _rates, torch, "OneCycleLR", 11, max_lr=1.0, total_steps=10, cycle_momentum=False)  # fmt: skip


@case("torch.optim.lr_scheduler.CosineAnnealingWarmRestarts")
def starts_again_after_each_period(torch: Any) -> None:
    assert _rates(torch, "CosineAnnealingWarmRestarts", 4, T_0=2) == [1.0, 0.5, 1.0, 0.5, 1.0]


@case("torch.optim.lr_scheduler.SequentialLR")
def hands_over_at_milestones(torch: Any) -> None:
    schedules = torch.optim.lr_scheduler
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    parts = [schedules.ConstantLR(optimizer, factor=0.5, total_iters=9), schedules.ExponentialLR(optimizer, gamma=0.1)]
    scheduler, rates = schedules.SequentialLR(optimizer, parts, milestones=[2]), []
    for _ in range(4):
        rates.append(round(optimizer.param_groups[0]["lr"], 6))
        optimizer.step()
        scheduler.step()
    assert rates == [0.5, 0.5, 1.0, 0.1]


@case("torch.optim.lr_scheduler.ReduceLROnPlateau")
def threshold_and_cooldown(torch: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "max", factor=0.1, patience=0, threshold=0.5, min_lr=0.05
    )
    rates = []
    for metric in (1.0, 1.2, 2.0, 2.0, 2.0):
        scheduler.step(metric)
        rates.append(round(optimizer.param_groups[0]["lr"], 6))
    assert rates == [1.0, 0.1, 0.1, 0.05, 0.05]


@case("torch.optim.lr_scheduler.StepLR")
def state_is_a_dictionary(torch: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    scheduler.step()
    state = scheduler.state_dict()
    assert state["last_epoch"] == 1 and state["gamma"] == 0.1 and "optimizer" not in state
    assert optimizer.param_groups[0]["initial_lr"] == 1.0


@case("torch.optim.swa_utils.AveragedModel", OPTIM)
def averages_parameters(torch: Any) -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = torch.optim.swa_utils.AveragedModel(model)
    for value in (1.0, 3.0):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    same(average.module.weight, torch.tensor([[2.0]]))
    assert average.n_averaged.item() == 2
