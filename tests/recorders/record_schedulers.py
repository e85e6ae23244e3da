"""Record PyTorch's learning-rate schedules: writes ``tests/data/schedulers.json.gz``.

    python tests/recorders/record_schedulers.py      (in an environment with PyTorch 2.13)

Rates over 60 steps, state dicts half-way, the closed forms of ``step(epoch)``, warnings and errors. ``rates`` and
``raised`` take the ``torch`` module: the tests call the same functions with ours.
"""

import gzip
import json
import math
import pathlib
import warnings

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "schedulers.json.gz"

STEPS = 60
HALF = 30
CLOSED = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR")
EPOCHS = [3, 1, 7, 8, 20, 0, 5]


class Scale:
    """A function with state of its own, which is saved."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, t):
        return 1 / (1 + self.factor * t)


def halved(x):
    return 1 / x


def schedulers():
    """Name to ``make(torch.optim, optimizer)``."""

    def scheduler(name, *args, **kwargs):
        return lambda optim, o: getattr(optim.lr_scheduler, name)(o, *args, **kwargs)

    def swa(*args, **kwargs):
        return lambda optim, o: optim.swa_utils.SWALR(o, *args, **kwargs)

    def sequential(optim, o):
        s = optim.lr_scheduler
        parts = [s.ConstantLR(o, factor=0.1, total_iters=3), s.ExponentialLR(o, gamma=0.9), s.CosineAnnealingLR(o, 6)]
        return s.SequentialLR(o, parts, milestones=[3, 29])

    def chained(optim, o):
        s = optim.lr_scheduler
        return s.ChainedScheduler([s.ConstantLR(o, factor=0.1, total_iters=4), s.ExponentialLR(o, gamma=0.9)], o)

    def chained_restarts(optim, o):
        s = optim.lr_scheduler
        parts = [s.LinearLR(o, total_iters=20), s.CosineAnnealingWarmRestarts(o, T_0=7), s.MultiStepLR(o, [5, 40], 0.3)]
        return s.ChainedScheduler(parts)

    def within(optim, o):
        s = optim.lr_scheduler
        inner = s.SequentialLR(o, [s.LinearLR(o, total_iters=3), s.StepLR(o, 2, gamma=0.5)], milestones=[4])
        return s.SequentialLR(o, [inner, s.PolynomialLR(o, total_iters=8)], milestones=[10])

    def warm_up(optim, o):
        s = optim.lr_scheduler
        parts = [
            s.LinearLR(o, 0.01, total_iters=10),
            s.CosineAnnealingWarmRestarts(o, 12, T_mult=2),
            s.LambdaLR(o, Scale(1)),
        ]
        return s.SequentialLR(o, parts, milestones=[10, 50])

    return {
        "StepLR": scheduler("StepLR", 4, gamma=0.5),
        "MultiStepLR": scheduler("MultiStepLR", [3, 3, 8, 45], gamma=0.7),
        "ConstantLR": scheduler("ConstantLR", factor=0.3, total_iters=40),
        "ConstantLR-default": scheduler("ConstantLR"),
        "LinearLR": scheduler("LinearLR", start_factor=0.25, end_factor=0.9, total_iters=37),
        "LinearLR-default": scheduler("LinearLR"),
        "ExponentialLR": scheduler("ExponentialLR", gamma=0.93),
        "PolynomialLR": scheduler("PolynomialLR", total_iters=52, power=1.7),
        "PolynomialLR-default": scheduler("PolynomialLR"),
        "CosineAnnealingLR": scheduler("CosineAnnealingLR", T_max=9, eta_min=0.01),
        "CosineAnnealingLR-long": scheduler("CosineAnnealingLR", T_max=60),
        "LambdaLR": scheduler("LambdaLR", [lambda t: 0.95**t, Scale(1)]),
        "MultiplicativeLR": scheduler("MultiplicativeLR", lambda t: 0.9 + 0.001 * t),
        "MultiplicativeLR-objects": scheduler("MultiplicativeLR", [Scale(0.01), Scale(0.001)]),
        "WarmRestarts": scheduler("CosineAnnealingWarmRestarts", T_0=4, T_mult=2, eta_min=0.02),
        "WarmRestarts-1": scheduler("CosineAnnealingWarmRestarts", T_0=5),
        "OneCycleLR": scheduler("OneCycleLR", max_lr=0.5, total_steps=65),
        "OneCycleLR-linear": scheduler(
            "OneCycleLR", max_lr=[0.5, 0.2], epochs=6, steps_per_epoch=11, anneal_strategy="linear", three_phase=True,
            pct_start=0.4,
        ),
        "OneCycleLR-plain": scheduler(
            "OneCycleLR", max_lr=0.5, total_steps=60, cycle_momentum=False, div_factor=10.0, final_div_factor=100.0
        ),
        "CyclicLR": scheduler("CyclicLR", 0.01, 0.2, step_size_up=4),
        "CyclicLR-2": scheduler("CyclicLR", [0.01, 0.02], [0.2, 0.3], 3, 5, mode="triangular2"),
        "CyclicLR-exp": scheduler("CyclicLR", 0.01, 0.2, 4, mode="exp_range", gamma=0.9, cycle_momentum=False),
        "CyclicLR-own": scheduler("CyclicLR", 0.01, 0.2, 4, scale_fn=halved, base_momentum=0.7),
        "CyclicLR-object": scheduler("CyclicLR", 0.01, 0.2, 4, scale_fn=Scale(0.1), scale_mode="iterations"),
        "SequentialLR": sequential,
        "SequentialLR-nested": within,
        "SequentialLR-warm-up": warm_up,
        "ChainedScheduler": chained,
        "ChainedScheduler-restarts": chained_restarts,
        "SWALR": swa(0.02),
        "SWALR-linear": swa([0.03, 0.3], anneal_epochs=25, anneal_strategy="linear"),
        "SWALR-now": swa(0.02, anneal_epochs=0),
        "ReduceLROnPlateau": scheduler("ReduceLROnPlateau", patience=2, cooldown=1, factor=0.5, min_lr=0.002),
        "ReduceLROnPlateau-max": scheduler(
            "ReduceLROnPlateau", mode="max", patience=1, threshold=0.05, threshold_mode="abs", min_lr=[0.01, 0.001]
        ),
        "ReduceLROnPlateau-abs": scheduler("ReduceLROnPlateau", threshold=0.01, threshold_mode="abs", patience=0, factor=0.9),
    }  # fmt: skip


def two_groups(torch, kind="SGD", tensor_lr=False):
    """An optimizer with two groups, the second at half the rate."""
    params = [torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)]
    rates_of = [torch.tensor(lr, dtype=torch.float64) if tensor_lr else lr for lr in (0.1, 0.05)]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(params, rates_of)]
    return getattr(torch.optim, kind)(groups, lr=0.1, **({"momentum": 0.9} if kind == "SGD" else {}))


def row(optimizer, scheduler):
    """The rates, and the momentum (or first beta) of each group."""
    out = [float(lr) for lr in scheduler.get_last_lr()]
    for group in optimizer.param_groups:
        out.append(group["betas"][0] if "betas" in group else group["momentum"])
    return out


def advance(name, optimizer, scheduler, t, epochs=None):
    """One step of the optimizer and of the schedule."""
    optimizer.step()
    if "Plateau" in name:
        scheduler.step(math.cos(t / 3) / (t + 1))
    elif epochs is not None:
        scheduler.step(epochs[t])
    else:
        scheduler.step()


def encode(torch, value):
    """A state dict as JSON."""
    if isinstance(value, torch.Tensor):
        return {"tensor": [str(value.dtype).split(".")[1], value.tolist()]}
    if isinstance(value, dict):
        return {type(value).__name__: [[key, encode(torch, item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [encode(torch, item) for item in value]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value if value is None or isinstance(value, (bool, int, float, str)) else {"object": type(value).__name__}


def rates(torch, name, kind="SGD", epochs=None, tensor_lr=False):
    """Rates and momenta of both groups before each of 60 steps (or ``step(epoch)``), the state half-way, and what
    a new scheduler makes of it."""
    optimizer = two_groups(torch, kind, tensor_lr)
    make = schedulers()[name]
    out = {"rows": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = make(torch.optim, optimizer)
        for t in range(STEPS if epochs is None else len(epochs)):
            out["rows"].append(row(optimizer, scheduler))
            advance(name, optimizer, scheduler, t, epochs)
            if t == HALF:
                state = scheduler.state_dict()
                out["state"] = encode(torch, state)
                saved = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
                saved = [{k: v.clone() if torch.is_tensor(v) else v for k, v in group.items()} for group in saved]
                copied = json.loads(json.dumps(out["state"]))
        if epochs is None:
            again = two_groups(torch, kind, tensor_lr)
            other = make(torch.optim, again)
            other.load_state_dict(merged(torch, other.state_dict(), copied))
            for group, values in zip(again.param_groups, saved):
                group.update(values)
            out["resumed"] = []
            for t in range(HALF + 1, STEPS):
                out["resumed"].append(row(again, other))
                advance(name, again, other, t)
    return out


def merged(torch, own, saved):
    """The saved values in the form of a scheduler's own state dict."""
    if not isinstance(saved, dict):
        return saved
    ((kind, items),) = saved.items()
    if kind == "tensor":
        return torch.tensor(items[1], dtype=getattr(torch, items[0]))
    if kind == "float":
        return float(items)
    if kind in ("list", "tuple"):
        own = own if isinstance(own, (list, tuple)) and len(own) == len(items) else [None] * len(items)
        return {"list": list, "tuple": tuple}[kind](merged(torch, a, b) for a, b in zip(own, items))
    if kind == "object":
        return own
    own = own if isinstance(own, dict) else {}
    out = {key: merged(torch, own.get(key), item) for key, item in items}
    return type(own)(out) if own else out


def rate_cases():
    """(name, arguments of ``rates``)."""
    for name in schedulers():
        yield name, (name,)
    for name in ("OneCycleLR", "CyclicLR", "CosineAnnealingLR", "SWALR"):
        yield f"{name}-Adam", (name, "Adam")
    for name in (*CLOSED, "LambdaLR"):
        yield f"{name}-epochs", (name, "SGD", EPOCHS)
    yield "WarmRestarts-epochs", ("WarmRestarts", "SGD", [0.5, 3.25, 4.0, 11.5, 13.0, 2.0])
    for name in ("StepLR", "CosineAnnealingLR", "PolynomialLR", "LinearLR", "LambdaLR", "SWALR", "OneCycleLR", "CyclicLR",
                 "SequentialLR", "ReduceLROnPlateau", "WarmRestarts", "ChainedScheduler"):  # fmt: skip
        yield f"{name}-tensor", (name, "SGD", None, True)


def mistakes():
    """Name to ``do(torch.optim, optimizer)``: what raises or warns."""

    def made(name, *args, **kwargs):
        return lambda optim, o: getattr(optim.lr_scheduler, name)(o, *args, **kwargs)

    def going_on(optim, o):
        optim.lr_scheduler.StepLR(o, 2, last_epoch=3)

    def too_early(optim, o):
        optim.lr_scheduler.ExponentialLR(o, 0.9).step()

    def overridden(optim, o):
        scheduler = optim.lr_scheduler.ExponentialLR(o, 0.9)
        o.step = lambda: None
        scheduler.step()

    def outside(optim, o):
        optim.lr_scheduler.CosineAnnealingLR(o, 5).get_lr()

    def outside_swa(optim, o):
        optim.swa_utils.SWALR(o, 0.1).get_lr()

    def with_epoch(optim, o):
        scheduler = optim.lr_scheduler.StepLR(o, 2)
        o.step()
        scheduler.step(4)

    def plateau_epoch(optim, o):
        optim.lr_scheduler.ReduceLROnPlateau(o).step(1.0, 3)

    def plateau_groups(optim, o):
        scheduler = optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, min_lr=[0.0, 0.0])
        o.param_groups.append(dict(o.param_groups[0]))
        scheduler.step(1.0)
        scheduler.step(1.0)

    def cycle_over(optim, o):
        scheduler = optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=2)
        for _ in range(3):
            o.step()
            scheduler.step()

    def mixed_owners(optim, o):
        other = type(o)([p.detach().clone().requires_grad_(True) for p in o.param_groups[0]["params"]])
        optim.lr_scheduler.SequentialLR(o, [optim.lr_scheduler.StepLR(o, 1), optim.lr_scheduler.StepLR(other, 1)], [3])

    def sequence(milestones, count=1):
        def do(optim, o):
            optim.lr_scheduler.SequentialLR(o, [optim.lr_scheduler.StepLR(o, 1) for _ in range(count)], milestones)

        return do

    def plateau_within(optim, o):
        optim.lr_scheduler.ChainedScheduler([optim.lr_scheduler.ReduceLROnPlateau(o)])

    def no_scheduler(optim, o):
        optim.lr_scheduler.SequentialLR(o, [object()], [])

    return {
        "going on": going_on, "too early": too_early, "overridden": overridden, "outside": outside,
        "outside swa": outside_swa, "with epoch": with_epoch, "plateau epoch": plateau_epoch,
        "plateau groups": plateau_groups, "cycle over": cycle_over, "mixed owners": mixed_owners,
        "no parts": sequence([], 0), "milestones": sequence([1]), "plateau within": plateau_within,
        "no scheduler": no_scheduler,
        "no optimizer": lambda optim, o: optim.lr_scheduler.StepLR(3, 1),
        "no optimizer for a plateau": lambda optim, o: optim.lr_scheduler.ReduceLROnPlateau(3),
        "no optimizer for a cycle": lambda optim, o: optim.lr_scheduler.CyclicLR("x", 0.1, 1.0),
        "no optimizer for one cycle": lambda optim, o: optim.lr_scheduler.OneCycleLR("x", 0.1, 10),
        "lambdas": made("LambdaLR", [halved]),
        "multiplicative": made("MultiplicativeLR", [halved]),
        "no function": made("MultiplicativeLR", [1, 2]),
        "constant": made("ConstantLR", 2.0),
        "linear start": made("LinearLR", 0.0),
        "linear end": made("LinearLR", 0.5, 2.0),
        "T_0": made("CosineAnnealingWarmRestarts", 0),
        "T_0 float": made("CosineAnnealingWarmRestarts", 1.5),
        "T_mult": made("CosineAnnealingWarmRestarts", 2, 0),
        "eta_min": made("CosineAnnealingWarmRestarts", 2, 1, "x"),
        "negative epoch": lambda optim, o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1),
        "no total": made("OneCycleLR", 1.0),
        "total": made("OneCycleLR", 1.0, total_steps=0),
        "total float": made("OneCycleLR", 1.0, total_steps=1.5),
        "epochs": made("OneCycleLR", 1.0, epochs=-1, steps_per_epoch=3),
        "steps per epoch": made("OneCycleLR", 1.0, epochs=1, steps_per_epoch=0),
        "pct_start": made("OneCycleLR", 1.0, 10, pct_start=1.5),
        "pct_start int": made("OneCycleLR", 1.0, 10, pct_start=1),
        "strategy": made("OneCycleLR", 1.0, 10, anneal_strategy="x"),
        "max_lr": made("OneCycleLR", [1.0], 10),
        "cyclic mode": made("CyclicLR", 0.1, 1.0, mode="x"),
        "cyclic base": made("CyclicLR", [0.1], 1.0),
        "factor": made("ReduceLROnPlateau", factor=1.0),
        "mode": made("ReduceLROnPlateau", "up"),
        "threshold mode": made("ReduceLROnPlateau", threshold_mode="x"),
        "min_lrs": made("ReduceLROnPlateau", min_lr=[0.1]),
        "no chain": lambda optim, o: optim.lr_scheduler.ChainedScheduler([]),
        "swa strategy": lambda optim, o: optim.swa_utils.SWALR(o, 0.1, anneal_strategy="x"),
        "swa epochs": lambda optim, o: optim.swa_utils.SWALR(o, 0.1, anneal_epochs=-1),
        "swa rates": lambda optim, o: optim.swa_utils.SWALR(o, [0.1]),
        "swa decay": lambda optim, o: optim.swa_utils.get_ema_avg_fn(1.5),
        "swa multi decay": lambda optim, o: optim.swa_utils.get_ema_multi_avg_fn(-0.5),
    }  # fmt: skip


def raised(torch, name):
    """[class name, text] of what a mistake raises or warns of first."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            mistakes()[name](torch.optim, two_groups(torch))
        except Exception as error:
            return [type(error).__name__, str(error)]
    return [type(caught[0].message).__name__, str(caught[0].message)]


def main():
    import torch

    record = {
        "rates": {name: rates(torch, *arguments) for name, arguments in rate_cases()},
        "mistakes": {name: raised(torch, name) for name in mistakes()},
    }
    for name, entry in record["rates"].items():
        if entry.get("resumed") == entry["rows"][HALF + 1 :]:
            entry["resumed"] = "same"
        assert entry.get("resumed", "same") == "same", name
    text = json.dumps(record, separators=(",", ":"))
    OUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(
        f"{OUT}: {len(record['rates'])} schedules, {len(record['mistakes'])} mistakes, {OUT.stat().st_size // 1024} KiB"
    )


if __name__ == "__main__":
    main()
