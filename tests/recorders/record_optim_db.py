"""Record PyTorch's own database of optimizers: writes ``tests/data/optim_db.json.gz``.

    python tests/recorders/record_optim_db.py      (in an environment with PyTorch 2.13)

Every optimizer with every configuration of ``optim_db``, and each again with every implementation (``foreach``,
``fused``, ``differentiable``), runs 20 steps on a small problem; the state dict after step 10 is recorded too, and every
error of the database. ``trajectory`` and ``fails`` take the ``torch`` module: the tests call them with ours.
"""

import gzip
import json
import math
import pathlib
import warnings

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "optim_db.json.gz"

STEPS = 20
HALF = 10
SEEN = (1, 2, 3, 10, 20)

SHAPES = [(3, 2), (4,), (), (0, 3), (2,)]  # the last never has a gradient
MATRICES = [(3, 2), (2, 4), (4, 4), (0, 3), (2, 2)]
WITHOUT_EMPTY = [(3, 2), (4,), (), (2, 3, 2), (2,)]
ROWS = [(5, 2), (4,), (3, 2, 2)]

EXTRA = {  # options that the database leaves out
    "Adafactor": [{"eps": (1e-3, 1e-2), "lr": 0.05}],
    "Adam": [{"lr": 0.05, "betas": ("tensors", 0.8, 0.95), "eps": 1e-3}],
    "AdamW": [{"lr": 0.05, "amsgrad": True, "weight_decay": 0.3, "maximize": True}],
    "LBFGS": [
        {"max_iter": 3, "history_size": 2},
        {"max_iter": 3, "history_size": 2, "line_search_fn": "strong_wolfe", "lr": 0.3},
        {"max_iter": 4, "max_eval": 3, "tolerance_change": 1e-3},
    ],
    "Muon": [
        {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw"},
        {"lr": 0.02, "adjust_lr_fn": "original", "nesterov": False, "eps": 1e-3},
    ],
    "RMSprop": [{"alpha": 0.9, "eps": 1e-3, "centered": True, "momentum": 0.5, "lr": ("tensor", 0.02)}],
    "SGD": [
        {"lr": ("tensor", 0.05), "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.05, "weight_decay": ("tensor", 0.1)},
    ],
    "SparseAdam": [{"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}],
}

SPARSE = {  # with sparse gradients, which the database leaves to other tests
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}],
    "SGD": [
        {},
        {"lr": ("tensor", 0.05), "foreach": True},
        {"lr": 0.05, "momentum": 0.9, "maximize": True},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "foreach": True},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    ],
}

# -- values as JSON ----------------------------------------------------------------------------------------------------


def flat(tensor):
    """The numbers of a tensor, real and imaginary parts in turn."""

    def walk(value):
        if isinstance(value, list):
            return [x for item in value for x in walk(item)]
        return [value.real, value.imag] if isinstance(value, complex) else [value]

    tensor = tensor.detach()
    return walk((tensor.to_dense() if tensor.is_sparse else tensor).tolist())


def nested(values, shape):
    """The values as nested lists of this shape."""
    if not shape:
        return values[0]
    step = len(values) // shape[0] if shape[0] else 0
    return [nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def encode(torch, value):
    """A value (of a state dict, or an option) as JSON."""
    if isinstance(value, torch.Tensor):
        return {"tensor": [str(value.dtype).split(".")[1], list(value.shape), flat(value)]}
    if isinstance(value, dict):
        return {"dict": [[key, encode(torch, item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [encode(torch, item) for item in value]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def decode(torch, value):
    """The inverse of ``encode``."""
    if not isinstance(value, dict):
        return value
    ((kind, item),) = value.items()
    if kind == "tensor":
        return tensor(torch, *item)
    if kind == "dict":
        return {key: decode(torch, entry) for key, entry in item}
    return float(item) if kind == "float" else {"list": list, "tuple": tuple}[kind](decode(torch, x) for x in item)


def tensor(torch, dtype, shape, values):
    if "complex" in dtype:
        values = [complex(a, b) for a, b in zip(values[::2], values[1::2])]
    out = torch.tensor(nested(values, shape), dtype=getattr(torch, dtype))
    return out if list(out.shape) == list(shape) else out.reshape(shape)


def rounded(value, digits):
    """Encoded values with fewer digits, float64 tensors excepted."""
    if isinstance(value, dict):
        if value.get("tensor", [""])[0] in ("float64", "complex128"):
            return value
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


# -- the problem -------------------------------------------------------------------------------------------------------


def numbers(n, seed):
    """n numbers in (-1, 1), the same everywhere."""
    return [round(math.sin(12.9898 * (i + 1) + 78.233 * seed), 4) for i in range(n)]


def shapes(kind, dtype):
    if sparse(kind, dtype):
        return ROWS
    return {"Muon": MATRICES, "Adafactor": WITHOUT_EMPTY}.get(kind, SHAPES)


def sparse(kind, dtype):
    """Whether the gradients are sparse (``sparse`` stands for the dtype: float32)."""
    return kind == "SparseAdam" or dtype == "sparse"


def parameters(torch, kind, dtype):
    """Values of several shapes; ``mixed``: of several dtypes in turn."""
    out = []
    for seed, shape in enumerate(shapes(kind, dtype)):
        own = {"mixed": ("float32", "float64", "bfloat16")[seed % 3], "sparse": "float32"}.get(dtype, dtype)
        n = math.prod(shape) * (2 if "complex" in own else 1)
        out.append(tensor(torch, own, shape, numbers(n, seed)))
    return out


def loss_of(torch, params):
    """Bowls of several curvatures, and one term that ties the first two parameters together."""
    total = 0.0
    for i, p in enumerate(params):
        n = p.numel() * (2 if p.is_complex() else 1)
        own = str(p.dtype).split(".")[1]
        goal = tensor(torch, own, list(p.shape), [2 * x for x in numbers(n, i + 20)])
        away = torch.view_as_real(p - goal) if p.is_complex() else p - goal
        total = total + (0.5 + 0.4 * i) * ((away * away).sum() + 0.1 * (away**4).sum()).float()
    tie = [(torch.view_as_real(p) if p.is_complex() else p).sum().float() for p in params[:2]]
    return total + 0.1 * tie[0] * tie[1]


def set_gradients(torch, kind, dtype, params, step):
    """The gradient at each step; the last parameter never gets one."""
    if sparse(kind, dtype):
        for i, p in enumerate(params):
            rows = [0, p.shape[0] - 1, step % p.shape[0]]
            shape = [3, *p.shape[1:]]
            values = tensor(torch, "float32", shape, numbers(math.prod(shape), 100 * step + i))
            p.grad = torch.sparse_coo_tensor([rows], values, tuple(p.shape))
        return
    leaves = [p.detach().cpu().clone().requires_grad_(True) for p in params[:-1]]
    loss_of(torch, leaves).backward()
    for p, leaf in zip(params, leaves):
        p.grad = tensor(torch, str(p.dtype).split(".")[1], list(p.shape), flat(leaf.grad)).to(p.device)


def options_for(torch, options):
    """Options with the tensors that they stand for."""
    out = {}
    for name, value in options.items():
        if isinstance(value, (list, tuple)) and value and value[0] == "tensor":
            value = torch.tensor(value[1])
        elif isinstance(value, (list, tuple)) and value and value[0] == "tensors":
            value = tuple(torch.tensor(x) for x in value[1:])
        elif isinstance(value, list):
            value = tuple(value)
        out[name] = value
    return out


def lags(options):
    """Whether one parameter misses a step: it is then one step behind the others."""
    return not options.keys() - {"foreach", "fused", "differentiable", "capturable"}


def steps(torch, kind, dtype, params, optimizer, first, last, lag=False):
    """Run steps ``first`` to ``last``; yields after each."""
    for step in range(first, last + 1):
        if kind == "LBFGS":

            def closure():
                optimizer.zero_grad()
                loss = loss_of(torch, params[:-1])
                loss.backward()
                return loss

            optimizer.step(closure)
        else:
            set_gradients(torch, kind, dtype, params, step)
            if lag and step == 2:
                params[1].grad = None
            optimizer.step()
        yield step


def start_of(torch, kind, options, dtype, device=None):
    """(leaves, parameters, optimizer); the parameters of a differentiable optimizer are copies of the leaves."""
    leaves = parameters(torch, kind, dtype)
    leaves = [(p if device is None else p.to(device)).requires_grad_(True) for p in leaves]
    params = [p.clone() for p in leaves] if options.get("differentiable") else leaves
    return leaves, params, getattr(torch.optim, kind)(params, **options_for(torch, options))


def trajectory(torch, kind, options, dtype, device=None):
    """Parameters after the steps in SEEN, and the state dict after step HALF."""
    out = {"params": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, params, optimizer = start_of(torch, kind, options, dtype, device)
        for step in steps(torch, kind, dtype, params, optimizer, 1, STEPS, lags(options)):
            if step in SEEN:
                out["params"].append([x for p in params for x in flat(p)])
            if step == HALF:
                out["half"] = encode(torch, optimizer.state_dict())
    return out


def through(torch, kind, options):
    """How far the sum of all parameters after three steps depends on the start; None where PyTorch cannot tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        leaves, params, optimizer = start_of(torch, kind, options, "float32")
        for _ in steps(torch, kind, "float32", params, optimizer, 1, 3):
            pass
        try:
            sum(p.sum() for p in params).backward()
        except RuntimeError:
            return None
    return [flat(p.grad) for p in leaves]


def resumed(torch, kind, options, dtype, values, state):
    """Parameters at the end, from parameters and a state dict of step HALF."""
    params = parameters(torch, kind, dtype)
    wide = 2 if "complex" in dtype else 1
    at = 0
    for i, p in enumerate(params):
        n = p.numel() * wide
        own = str(p.dtype).split(".")[1]
        params[i] = tensor(torch, own, list(p.shape), values[at : at + n]).requires_grad_(True)
        at += n
    optimizer = getattr(torch.optim, kind)(params, **options_for(torch, options))
    optimizer.load_state_dict(state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in steps(torch, kind, dtype, params, optimizer, HALF + 1, STEPS):
            pass
    return [x for p in params for x in flat(p)]


# -- errors ------------------------------------------------------------------------------------------------------------


def encode_params(torch, params, seen):
    """Parameters that are to fail, as JSON; a tensor that comes again is a number."""
    if isinstance(params, torch.Tensor):
        if id(params) in seen:
            return {"again": seen[id(params)]}
        seen[id(params)] = len(seen)
        if params.layout == torch.sparse_coo:
            return {"sparse": list(params.shape)}
        grad = None if params.grad is None else encode(torch, params.grad)
        return {"leaf": [encode(torch, params), params.requires_grad, grad]}
    if isinstance(params, dict):
        entries = [[k, encode_params(torch, v, seen) if k == "params" else encode(torch, v)] for k, v in params.items()]
        return {"dict": entries}
    return {
        type(params).__name__: [p if isinstance(p, str) else encode_params(torch, p, seen) for p in params],
    }


def decode_params(torch, value, seen):
    """The inverse of ``encode_params``."""
    ((kind, item),) = value.items()
    if kind == "again":
        return seen[item]
    if kind == "sparse":
        seen.append(torch.zeros(item, layout=torch.sparse_coo))
        return seen[-1]
    if kind == "leaf":
        made = decode(torch, item[0]).requires_grad_(item[1])
        made.grad = None if item[2] is None else decode(torch, item[2])
        seen.append(made)
        return made
    if kind == "dict":
        return {k: decode_params(torch, v, seen) if k == "params" else decode(torch, v) for k, v in item}
    return {"list": list, "tuple": tuple}[kind](
        p if isinstance(p, str) else decode_params(torch, p, seen) for p in item
    )


def fails(torch, kind, params, options, on_step):
    """[class name, text] of what making the optimizer (or its step) raises or warns."""
    params = decode_params(torch, params, [])
    options = {name: decode(torch, value) for name, value in options}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            optimizer = getattr(torch.optim, kind)(params, **options)
            if on_step:
                optimizer.step()
        except Exception as error:
            return [type(error).__name__, str(error)]
    return [type(caught[0].message).__name__, str(caught[0].message)] if caught else None


# -- what is recorded --------------------------------------------------------------------------------------------------


def plain(torch, options):
    """Options of the database with tensors as ``("tensor", value)``."""
    out = {}
    for name, value in options.items():
        if isinstance(value, torch.Tensor):
            value = ("tensor", round(value.item(), 6))
        elif isinstance(value, tuple) and any(isinstance(x, torch.Tensor) for x in value):
            value = ("tensors", *(round(x.item(), 6) for x in value))
        out[name] = value
    return out


def configurations(torch, info):
    """(options, dtype) of an entry of the database, all implementations included."""
    bases = [plain(torch, x.kwargs) for x in info.optim_inputs_func("cpu")]
    bases += EXTRA.get(info.name, [])
    for options in SPARSE.get(info.name, []):
        yield options, "sparse"
    main_dtype = "float32"
    if info.name == "LBFGS":  # where it decides by rounding errors in float32
        main_dtype = "float64"
        yield {}, "float32"
        yield {"max_iter": 3, "lr": 0.5}, "float32"
    flags = [f for f in info.supported_impls if f != "fused" or "cpu" in info.supports_fused_on]
    for base in bases:
        yield base, main_dtype
        for flag in flags:
            if flag == "foreach" and any(isinstance(v, tuple) and v[0] in ("tensor", "tensors") for v in base.values()):
                if info.name in ("Adam", "AdamW"):
                    continue  # an error; tested as one
            if flag == "fused" and any(isinstance(v, tuple) and v[0] == "tensors" for v in base.values()):
                continue
            yield {**base, flag: True}, main_dtype
    for options in (plain(torch, x.kwargs) for x in info.optim_inputs_func("cuda")):
        if options.get("capturable"):
            yield options, "float32"
    others = ["float64"] if info.name not in ("LBFGS", "SparseAdam") else []
    if info.supports_complex and info.name not in ("Adafactor", "Muon", "SparseAdam"):
        others.append("complex64")
    if info.name not in ("LBFGS", "SparseAdam"):
        others.append("mixed")
    for dtype in others:
        yield {**bases[-1], "maximize": True} if "maximize" in bases[-1] else bases[0], dtype
        if "foreach" in flags:
            yield {**bases[0], "foreach": True}, dtype


def main():
    import torch
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

    torch.set_num_threads(1)
    record = {"cases": [], "errors": []}
    for info in optim_db:
        for options, dtype in configurations(torch, info):
            run = {name: value for name, value in options.items() if name != "capturable"}
            result = trajectory(torch, info.name, run, dtype)
            if options.get("differentiable") and options.get("weight_decay"):
                result["through"] = through(torch, info.name, options)
            digits = 9 if dtype in ("float32", "complex64", "sparse") else 17
            record["cases"].append([info.name, options, dtype, rounded(result, digits)])
        for case in info.optim_error_inputs_func("cpu", torch.float32):
            given = case.optimizer_error_input
            params = [torch.zeros(2, 3)] if given.params is None else given.params
            options = [[name, encode(torch, value)] for name, value in given.kwargs.items()]
            entry = [info.name, encode_params(torch, params, {}), options]
            entry.append(case.error_on == OptimizerErrorEnum.STEP_ERROR)
            record["errors"].append([*entry, fails(torch, *entry)])
    text = json.dumps(record, separators=(",", ":"))
    OUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    counts = f"{len(record['cases'])} trajectories, {len(record['errors'])} errors"
    print(f"{OUT}: {counts}, {OUT.stat().st_size // 1024} KiB of {len(text) // 1024} KiB")


if __name__ == "__main__":
    main()
