"""Schedulers: the order of calls, state, errors. Rates themselves are in test_recorded.py."""

import copy
import math
import pickle
import warnings

import pytest

import torchax_lite as torch
from torchax_lite.optim import SGD, Adagrad, Adam
from torchax_lite.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def optimizer(kind=SGD, lr=0.1, groups=1, **options):
    params = [torch.zeros(2, requires_grad=True) for _ in range(groups)]
    return kind([{"params": [p]} for p in params], lr=lr, **options)


def run(opt, scheduler, n):
    rates = []
    for _ in range(n):
        opt.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    return rates


def test_rates_reach_the_optimizer():
    opt = optimizer(groups=2)
    scheduler = StepLR(opt, 2, gamma=0.5)
    assert scheduler.last_epoch == 0 and scheduler.base_lrs == [0.1, 0.1]
    assert run(opt, scheduler, 4) == [0.1, 0.05, 0.05, 0.025]
    assert [group["lr"] for group in opt.param_groups] == [0.025, 0.025] == scheduler.get_last_lr()
    assert opt.param_groups[0]["initial_lr"] == 0.1 and scheduler.last_epoch == 4


def test_the_wrong_order_of_calls_warns_once():
    opt = optimizer()
    scheduler = ExponentialLR(opt, 0.9)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_a_replaced_step_warns():
    opt = optimizer()
    scheduler = ExponentialLR(opt, 0.9)
    opt.step = lambda: None
    with pytest.warns(UserWarning, match=r"Seems like `optimizer.step\(\)` has been overridden"):
        scheduler.step()


def test_get_lr_outside_of_step_warns():
    scheduler = ExponentialLR(optimizer(), 0.9)
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        scheduler.get_lr()


def test_an_epoch_warns_and_uses_the_closed_form():
    opt = optimizer()
    scheduler = StepLR(opt, 2, gamma=0.5)
    opt.step()
    with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step"):
        scheduler.step(5)
    assert scheduler.get_last_lr() == [0.1 * 0.5**2]


def test_going_on_needs_the_initial_rate():
    with pytest.raises(KeyError, match=r"param 'initial_lr' is not specified in param_groups\[0\]"):
        StepLR(optimizer(), 2, last_epoch=3)
    opt = optimizer()
    opt.param_groups[0]["initial_lr"] = 1.0
    assert StepLR(opt, 2, gamma=0.5, last_epoch=2).last_epoch == 3


def test_state_round_trip():
    opt = optimizer()
    scheduler = CosineAnnealingLR(opt, 10)
    run(opt, scheduler, 3)
    state = pickle.loads(pickle.dumps(scheduler.state_dict()))
    assert set(state) >= {"T_max", "eta_min", "base_lrs", "last_epoch", "_step_count", "_last_lr"}
    assert "optimizer" not in state
    other = optimizer()
    loaded = CosineAnnealingLR(other, 99)
    loaded.load_state_dict(state)
    other.param_groups[0]["lr"] = opt.param_groups[0]["lr"]
    assert run(other, loaded, 5) == run(opt, scheduler, 5)


def test_lambdas_are_not_saved_but_callable_objects_are():
    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, t):
            return self.k

    opt = optimizer(groups=2)
    scheduler = LambdaLR(opt, [Scale(0.5), lambda t: 2.0])
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"k": 0.5}, None]
    other = LambdaLR(optimizer(groups=2), [Scale(7), lambda t: 3.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].k == 0.5 and other.lr_lambdas[1](0) == 3.0


def test_composites_save_their_parts():
    def make():
        opt = optimizer()
        parts = [LinearLR(opt, total_iters=3), ExponentialLR(opt, 0.5)]
        return opt, SequentialLR(opt, parts, milestones=[3])

    opt, scheduler = make()
    run(opt, scheduler, 2)
    state = copy.deepcopy(scheduler.state_dict())
    assert [part["last_epoch"] for part in state["_schedulers"]] == [2, -1]
    other, loaded = make()
    loaded.load_state_dict(state)
    other.param_groups[0]["lr"] = opt.param_groups[0]["lr"]
    assert run(other, loaded, 4) == run(opt, scheduler, 4)


def test_a_tensor_rate_is_filled_in_place():
    lr = torch.tensor(0.5)
    opt = optimizer(lr=lr)
    scheduler = ExponentialLR(opt, 0.5)
    run(opt, scheduler, 2)
    assert opt.param_groups[0]["lr"] is lr and lr.item() == 0.125
    (last,) = scheduler.get_last_lr()
    assert last is not lr and last.item() == 0.125


def test_plateau():
    opt = optimizer(lr=1.0)
    scheduler = ReduceLROnPlateau(opt, factor=0.5, patience=1, min_lr=0.3)
    rates = []
    for metric in [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]:
        scheduler.step(torch.tensor(metric))
        rates.append(opt.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3]
    assert scheduler.best == pytest.approx(0.9) and not scheduler.in_cooldown
    opt.add_param_group({"params": [torch.zeros(1, requires_grad=True)], "lr": 1.0})
    scheduler.step(0.9)
    assert [group["lr"] for group in opt.param_groups] == [0.3, 1.0]
    strict = ReduceLROnPlateau(optimizer(), patience=0, min_lr=[0.0])
    strict.optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    strict.step(1.0)
    with pytest.raises(RuntimeError, match=r"The number of param groups in the `optimizer` \(2\) differs"):
        strict.step(1.0)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: LRScheduler(3), TypeError, "int is not an Optimizer"),
        (lambda o: LambdaLR(o, [len, len]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function, but got int"),
        (lambda o: ConstantLR(o, factor=2.0), ValueError, "Constant multiplicative factor expected to be between 0"),
        (lambda o: LinearLR(o, start_factor=0.0), ValueError, "Starting multiplicative factor expected to be"),
        (lambda o: LinearLR(o, end_factor=1.5), ValueError, "Ending multiplicative factor expected to be between"),
        (lambda o: CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0, but got 0"),
        (lambda o: CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "Expected integer T_mult >= 1, but got 0"),
        (lambda o: CosineAnnealingWarmRestarts(o, 2).step(-1), ValueError, "Expected non-negative epoch, but got -1"),
        (lambda o: OneCycleLR(o, 1.0), ValueError, "You must define either total_steps OR"),
        (lambda o: OneCycleLR(o, 1.0, total_steps=-1), ValueError, "Expected positive integer total_steps, but got -1"),
        (lambda o: OneCycleLR(o, 1.0, epochs=0, steps_per_epoch=1), ValueError, "Expected positive integer epochs"),
        (lambda o: OneCycleLR(o, 1.0, 5, pct_start=2), ValueError, "Expected float between 0 and 1 pct_start"),
        (lambda o: OneCycleLR(o, 1.0, 5, anneal_strategy="x"), ValueError, "anneal_strategy must be one of"),
        (lambda o: OneCycleLR(o, [1.0, 2.0], 5), ValueError, "max_lr must have the same length as optimizer.param"),
        (lambda o: OneCycleLR(optimizer(Adagrad), 1.0, 5), ValueError, "optimizer must support momentum or beta1"),
        (lambda o: CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid and scale_fn is None"),
        (lambda o: ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0."),
        (lambda o: ReduceLROnPlateau(o, "up"), ValueError, "mode up is unknown!"),
        (lambda o: ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "expected 1 min_lrs, got 2"),
        (lambda o: SequentialLR(o, [], []), ValueError, "SequentialLR expects at least one scheduler"),
        (lambda o: SequentialLR(o, [StepLR(o, 1)], [3]), ValueError, "Sequential Schedulers expects number of"),
        (lambda o: SequentialLR(o, [StepLR(optimizer(), 1)], []), ValueError, "expects all schedulers to belong to"),
        (lambda o: ChainedScheduler([]), ValueError, "ChainedScheduler expects at least one scheduler to be chained"),
        (lambda o: ChainedScheduler([ReduceLROnPlateau(o)]), ValueError, "does not support `ReduceLROnPlateau`"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make(optimizer())


def test_one_cycle_ends():
    opt = optimizer(momentum=0.9)
    scheduler = OneCycleLR(opt, 1.0, total_steps=3)
    run(opt, scheduler, 3)
    with pytest.raises(ValueError, match="Tried to step 4 times. The specified number of total steps is 3"):
        run(opt, scheduler, 1)


def test_one_cycle_cycles_the_first_beta():
    opt = optimizer(Adam)
    scheduler = OneCycleLR(opt, 1.0, total_steps=10)
    assert opt.param_groups[0]["betas"] == (0.95, 0.999)
    run(opt, scheduler, 2)
    assert opt.param_groups[0]["betas"] == (pytest.approx(0.85), 0.999)


def test_warm_restarts_take_fractions():
    opt = optimizer(lr=1.0)
    scheduler = CosineAnnealingWarmRestarts(opt, T_0=4, T_mult=2)
    scheduler.step(4.5)
    assert (scheduler.T_cur, scheduler.T_i, scheduler.last_epoch) == (0.5, 8, 4)
    assert opt.param_groups[0]["lr"] == pytest.approx((1 + math.cos(math.pi / 16)) / 2, abs=1e-15)


def test_a_scheduler_keeps_the_optimizer_free_to_copy():
    opt = optimizer()
    StepLR(opt, 2)
    assert copy.deepcopy(opt).param_groups[0]["initial_lr"] == 0.1
