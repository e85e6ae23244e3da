"""Record PyTorch's parameter trajectories: writes ``tests/data/optim.json``.

    python tests/recorders/record_optim.py      (in an environment with PyTorch 2.13)

``trajectory`` takes the ``torch`` module: the tests call the same function with ours.
"""

import json
import math
import pathlib

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "optim.json"

STEPS = 20
SEEN = (1, 2, 3, 7, 20)

LR_TENSOR = "lr as a tensor"  # replaced by a tensor of this rate
OPTIMIZERS = {
    "SGD": [
        {},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.9},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"lr": 0.01, "momentum": 0.5, "maximize": True, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.9, "foreach": True},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "fused": True},
        {"lr": (LR_TENSOR, 0.05), "momentum": 0.9},
    ],
    "Adam": [
        {},
        {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.05, "amsgrad": True},
        {"lr": 0.05, "maximize": True, "weight_decay": 0.1},
        {"lr": 0.05, "betas": [0.3, 0.4]},
        {"lr": 0.05, "foreach": True, "amsgrad": True},
        {"lr": 0.05, "fused": True, "weight_decay": 0.1},
        {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1},
        {"lr": (LR_TENSOR, 0.05), "weight_decay": 0.1},
    ],
    "AdamW": [
        {},
        {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True},
        {"lr": 0.05, "weight_decay": 0.3, "maximize": True},
        {"lr": (LR_TENSOR, 0.05), "weight_decay": 0.3},
    ],
    "RMSprop": [
        {},
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-3},
        {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1},
        {"lr": 0.02, "centered": True},
        {"lr": 0.02, "centered": True, "momentum": 0.5, "maximize": True},
        {"lr": (LR_TENSOR, 0.02), "foreach": False},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3},
        {"lr": 0.1, "maximize": True, "foreach": True},
        {"lr": 0.1, "fused": True},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}],
    "Adamax": [{}, {"lr": 0.05, "betas": [0.8, 0.9], "weight_decay": 0.1, "maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.05, "momentum_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.05, "betas": [0.8, 0.9], "weight_decay": 0.1},
        {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": [0.4, 1.3], "step_sizes": [0.01, 0.15], "maximize": True}],
    "ASGD": [{}, {"lr": 0.05, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1, "maximize": True}],
}
OTHER_DTYPES = [
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("AdamW", {"lr": 0.05}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {}),
    ("Adamax", {}),
    ("NAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05}),
    ("ASGD", {"lr": 0.05}),
    ("Rprop", {"lr": 0.05}),
]


def cases():
    """(name, class name, options, dtype name, lag) of every trajectory."""
    for kind, lists in OPTIMIZERS.items():
        for i, options in enumerate(lists):
            yield f"{kind}-{i}", kind, options, "float32", i == len(lists) - 1
    for kind, options in OTHER_DTYPES:
        dtypes = ["float64"]
        dtypes += ["bfloat16"] if kind in ("SGD", "Adam", "RMSprop", "Rprop") else []
        dtypes += ["complex64"] if kind in ("SGD", "Adam", "RMSprop", "Adagrad", "ASGD") else []
        for dtype in dtypes:
            yield f"{kind}-{dtype}", kind, options, dtype, False


def numbers(n, seed):
    """n numbers in (-1, 1), the same everywhere."""
    return [round(math.sin(12.9898 * (i + 1) + 78.233 * seed), 4) for i in range(n)]


def nested(values, shape):
    """The values as nested lists of this shape: no operation is needed to make the tensor."""
    if not shape:
        return values[0]
    step = len(values) // shape[0]
    return [nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def parameters(torch, dtype):
    """A matrix, a vector and a scalar."""
    params = []
    for seed, shape in enumerate([(3, 2), (4,), ()]):
        n = math.prod(shape)
        values = numbers(n, seed)
        if "complex" in dtype:
            values = [complex(a, b) for a, b in zip(values, numbers(n, seed + 10))]
        params.append(torch.tensor(nested(values, shape), dtype=getattr(torch, dtype), requires_grad=True))
    return params


def options_for(torch, options):
    out = dict(options)
    if isinstance(out.get("lr"), (tuple, list)):
        out["lr"] = torch.tensor(out["lr"][1])
    if "betas" in out:
        out["betas"] = tuple(out["betas"])
    return out


def set_gradients(torch, params, step):
    """Gradients that change at each step: mostly a slope of one sign, with a tilt."""
    for i, p in enumerate(params):
        values = [
            0.5 * (i + 1) * x + 0.8 * y for x, y in zip(numbers(p.numel(), i), numbers(p.numel(), 100 * step + i))
        ]
        p.grad = torch.tensor(nested(values, p.shape), dtype=p.dtype)


def flat(tensor):
    """The numbers of a tensor, real and imaginary parts in turn."""

    def walk(value):
        if isinstance(value, list):
            return [x for item in value for x in walk(item)]
        return [value.real, value.imag] if isinstance(value, complex) else [value]

    return walk(tensor.tolist())


def trajectory(torch, kind, options, dtype, lag):
    """Parameters after the steps in SEEN, and the state after the last; ``lag``: one misses a gradient."""
    params = parameters(torch, dtype)
    optimizer = getattr(torch.optim, kind)(params, **options_for(torch, options))
    seen = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        set_gradients(torch, params, step)
        if step == 2 and lag:
            params[1].grad = None  # this one lags behind by one step from now on
        optimizer.step()
        if step in SEEN:
            seen.append([x for p in params for x in flat(p)])
    state = optimizer.state_dict()["state"]
    summary = {
        str(i): {name: [str(v.dtype), list(v.shape), flat(v)] for name, v in entry.items()}
        for i, entry in state.items()
    }
    return {"params": seen, "state": summary}


def rounded(value, digits):
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def main():
    import torch

    lines = []
    for name, kind, options, dtype, lag in cases():
        result = rounded(trajectory(torch, kind, options, dtype, lag), 15 if dtype == "float64" else 8)
        lines.append(f"{json.dumps(name)}: {json.dumps(result, separators=(',', ':'))}")
    OUT.write_text('{"trajectories": {\n' + ",\n".join(lines) + "\n}}\n")
    print(f"{OUT}: {len(lines)} trajectories, {OUT.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
