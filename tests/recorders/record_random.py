"""Record what PyTorch's CPU generator draws: writes ``tests/data/random.npz``.

    python tests/recorders/record_random.py        (in an environment with PyTorch 2.13 on a CPU with AVX2)

``calls``: JSON, one ``[name, arguments]`` per draw of one interleaved stream, in the terms of
``torchax_lite.random``; arrays are ``{"dtype", "values"}``. ``values``: the bytes of all results, one after another;
``sizes``: bytes of each. ``states``: 8 bytes of the SHA-256 of the generator's state after each call.
``errors``: JSON, ``[name, arguments, exception class, first line of its text]``.
"""

import hashlib
import json
import pathlib
import random

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "random.npz"
REAL = ["float32", "float64", "float16", "bfloat16"]
COMPLEX = ["complex64", "complex128"]
INTEGER = ["uint8", "int8", "int16", "int32", "int64"]
IN_PLACE = {
    "uniform": lambda t, low=0.0, high=1.0: (low, high),
    "random_int": lambda t, low, high: (low, high),
    "random_full": lambda t: (),
    "exponential": lambda t, rate=1.0: (rate,),
    "geometric": lambda t, p: (p,),
    "cauchy": lambda t, median=0.0, sigma=1.0: (median, sigma),
    "log_normal": lambda t, mean=1.0, std=2.0: (mean, std),
}
METHOD = {"random_int": "random_", "random_full": "random_"}


def tensor(array):
    return torch.tensor(array["values"], dtype=torch.float64).to(getattr(torch, array["dtype"]))


def draw(generator, name, arguments):
    """Make the call with PyTorch; the result's elements are in memory order."""
    arguments = dict(arguments)
    n, dtype = arguments.pop("n", None), getattr(torch, arguments.pop("dtype", "float32"))
    if name in IN_PLACE:
        out = torch.empty(n, dtype=dtype)
        return getattr(out, METHOD.get(name, name + "_"))(*IN_PLACE[name](out, **arguments), generator=generator)
    if name == "normal":
        step = 1 if arguments.pop("contiguous", True) else 2
        out = torch.empty(step * n, dtype=dtype)[::step]
        return out.normal_(arguments.get("mean", 0.0), arguments.get("std", 1.0), generator=generator)
    if name == "bernoulli_scalar":
        return torch.empty(n, dtype=torch.bool).bernoulli_(arguments["p"], generator=generator)
    if name == "bernoulli_tensor":
        return torch.bernoulli(tensor(arguments["p"]), generator=generator).bool()
    if name == "dropout_noise":
        torch.set_rng_state(generator.get_state())
        out = torch.nn.functional.dropout(torch.ones(n, dtype=dtype), arguments["p"])
        generator.set_state(torch.get_rng_state())
        return out
    if name == "randperm":
        return torch.randperm(n, dtype=dtype, generator=generator)
    if name == "poisson":
        return torch.poisson(tensor(arguments["rate"]), generator=generator)
    if name in ("standard_gamma", "dirichlet"):
        sampler = torch._standard_gamma if name == "standard_gamma" else torch._sample_dirichlet
        return sampler(tensor(arguments["concentration"]), generator=generator)
    if name == "binomial":
        return torch.binomial(tensor(arguments["count"]), tensor(arguments["prob"]), generator=generator)
    if name == "multinomial":
        p, k, replacement = tensor(arguments["p"]), arguments["num_samples"], arguments["replacement"]
        return torch.multinomial(p, k, replacement, generator=generator)
    if name == "manual_seed":
        generator.manual_seed(arguments["seed"])
        return torch.empty(0)
    raise ValueError(name)


def raw(out):
    out = out.reshape(-1).clone()
    out = torch.view_as_real(out).reshape(-1) if out.is_complex() else out
    return out.view(torch.uint8).numpy().tobytes() if out.numel() else b""


def stream():
    """One call of every kind and dtype, shuffled, with sizes around the kernels' and the engine's block sizes."""
    r = random.Random(0)
    size = lambda: r.choice([1, 2, 3, 7, 15, 16, 17, 20, 31, 32, 33])  # noqa: E731
    array = lambda dtype, values: {"dtype": dtype, "values": values}  # noqa: E731
    calls = []
    for dtype in REAL + COMPLEX:
        low = r.uniform(-3, 1)
        calls += [["uniform", {"n": size(), "dtype": dtype}] for _ in range(2)]
        calls += [["uniform", {"n": size(), "dtype": dtype, "low": low, "high": low + r.random() * 4}]]
        calls += [["normal", {"n": size(), "dtype": dtype}] for _ in range(3)]
        calls += [["normal", {"n": size(), "dtype": dtype, "mean": r.gauss(0, 2), "std": r.random() * 2}]]
        calls += [["normal", {"n": 17, "dtype": dtype, "mean": 0.5, "std": 0.1, "contiguous": False}]]
    for dtype in REAL:
        calls += [["exponential", {"n": size(), "dtype": dtype, "rate": r.choice([1.0, 0.3])}]]
        calls += [["cauchy", {"n": size(), "dtype": dtype, "median": r.gauss(0, 1), "sigma": 1 + r.random()}]]
        calls += [["log_normal", {"n": size(), "dtype": dtype, "mean": 0.1, "std": 0.7}]]
        calls += [["dropout_noise", {"n": size(), "dtype": dtype, "p": p}] for p in (0.1, 0.5)]
        calls += [["bernoulli_tensor", {"p": array(dtype, [r.random() for _ in range(size())])}]]
        for top in (8.0, 60.0, 1e4):
            calls += [["poisson", {"rate": array(dtype, [0.0] + [r.random() * top for _ in range(9)])}]]
        for k, replacement in ((1, False), (3, False), (9, False), (1, True), (12, True)):
            rows = [[float(r.randint(0, 5)) for _ in range(8)] + [0.5] for _ in range(3)]
            p = array(dtype, rows if r.random() < 0.5 else rows[0])
            calls += [["multinomial", {"p": p, "num_samples": k, "replacement": replacement}]]
        top = {"float32": 2**26, "float64": 2**55, "float16": 60000, "bfloat16": 2**12}[dtype]
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": -5, "high": 6}]]
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": -(top // 3), "high": top + 1}]]
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": 7, "high": None}]]
    for dtype in ("float32", "float64"):
        for top in (12, 300, 1e5):
            count = [float(r.randint(0, int(top))) for _ in range(10)]
            prob = [r.random() for _ in range(10)]
            calls += [["binomial", {"count": array(dtype, count), "prob": array(dtype, prob)}]]
        for top in (1.0, 4.0, 300.0):
            calls += [["standard_gamma", {"concentration": array(dtype, [r.random() * top for _ in range(9)])}]]
        for width in (2, 5, 7):
            rows = [[r.random() * 4 for _ in range(width)] for _ in range(3)]
            calls += [["dirichlet", {"concentration": array(dtype, rows)}]]
    for dtype in INTEGER + ["uint16", "uint32", "uint64"]:
        info = np.iinfo(dtype)
        top = min(int(info.max), 2**63 - 2)
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": int(info.min), "high": top + 1}]]
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": 3, "high": 14}]]
    for extent in (2**28 - 1, 2**28, 2**28 + 1):
        calls += [["random_int", {"n": size(), "dtype": "int64", "low": -9, "high": extent - 9}]]
    for dtype in ("int64", "float32", "float64", "bfloat16"):
        calls += [["random_int", {"n": size(), "dtype": dtype, "low": -(2**63), "high": None}]]
    calls += [["random_full", {"n": size(), "dtype": dtype}] for dtype in REAL + INTEGER + ["bool"]]
    calls += [["geometric", {"n": size(), "dtype": t, "p": r.choice([0.3, 0.02])}] for t in REAL + INTEGER]
    calls += [["bernoulli_scalar", {"n": size(), "p": p}] for p in (0.0, 0.3, 0.5, 1.0)]
    for n, dtype in ((0, "int64"), (1, "int64"), (10, "int32"), (30, "uint8"), (40, "float16"), (620, "int16")):
        calls += [["randperm", {"n": n, "dtype": dtype}]]
    calls += [["uniform", {"n": n, "dtype": "bfloat16"}] for n in (623, 624, 625)]
    calls += [["uniform", {"n": 0, "dtype": "float32"}], ["normal", {"n": 0, "dtype": "float32"}]]
    r.shuffle(calls)
    for place, seed in ((0, 0), (60, 1234), (90, 2**32 + 7), (120, -5), (150, 2**64 - 1)):
        calls.insert(place, ["manual_seed", {"seed": seed}])
    return calls


def bad_calls():
    """Calls that PyTorch refuses."""
    one = {"dtype": "float32", "values": [1.0]}
    calls = [["normal", {"n": 3, "dtype": "float32", "mean": 0.0, "std": std}] for std in (-1.0, -1.5, float("nan"))]
    bounds = [("float32", 2.0, 1.0), ("float32", 0.1, 0.05), ("float32", 0.0, 1e40), ("float16", -1e6, 1.0)]
    bounds += [("float32", -3e38, 3e38), ("float64", -1e308, 1e308), ("bfloat16", 1e30, 1.0), ("int32", 0.0, 1.0)]
    calls += [["uniform", {"n": 3, "dtype": t, "low": low, "high": high}] for t, low, high in bounds]
    ranges = [("float32", 5, 5), ("int64", 5, 2), ("uint8", 0, 257), ("int8", -129, 2), ("bool", 0, 3)]
    ranges += [("int16", 0, 2**20), ("uint16", -1, 2), ("uint64", -3, 9), ("float16", 0, 70000), ("complex64", 0, 3)]
    ranges += [
        ("float32", 2**25 + 1, 2**25 + 3),
        ("float32", 2**24, None),
        ("bool", 2, None),
        ("int32", -(2**63), None),
    ]
    calls += [["random_int", {"n": 3, "dtype": t, "low": low, "high": high}] for t, low, high in ranges]
    for name, arguments in (
        ("exponential", {"rate": 0.0}),
        ("geometric", {"p": 1.0}),
        ("cauchy", {"sigma": 0.0}),
        ("log_normal", {"std": -1.0}),
    ):
        calls += [[name, {"n": 3, "dtype": "float32", **arguments}]]
        calls += [[name, {"n": 3, "dtype": "complex64", **({"p": 0.5} if name == "geometric" else {})}]]
    calls += [["cauchy", {"n": 3, "dtype": "int64"}], ["exponential", {"n": 3, "dtype": "int64"}]]
    calls += [["random_full", {"n": 3, "dtype": t}] for t in ("uint16", "complex64")]
    calls += [["bernoulli_scalar", {"n": 3, "p": p}] for p in (1.5, -0.5)]
    calls += [["bernoulli_tensor", {"p": {"dtype": t, "values": [0.0, 2.0]}}] for t in ("float32", "int64")]
    sizes = [(-1, "int64"), (257, "uint8"), (129, "int8"), (32769, "int16"), (2050, "float16"), (3, "bool")]
    calls += [["randperm", {"n": n, "dtype": t}] for n, t in sizes]
    calls += [["poisson", {"rate": {"dtype": t, "values": [-1.0]}}] for t in ("float32", "int64")]
    calls += [
        [n, {"concentration": {**one, "dtype": t}}]
        for n in ("standard_gamma", "dirichlet")
        for t in ("int64", "float16")
    ]
    calls += [
        ["binomial", {"count": {**one, "dtype": "int64"}, "prob": one}],
        ["binomial", {"count": one, "prob": {**one, "dtype": "float64"}}],
    ]  # noqa: E501
    for values, k, replacement, dtype in (
        ([1.0, 2.0], 0, False, "float32"),
        ([1.0, 2.0], 3, False, "float32"),
        ([1.0, -2.0], 1, False, "float32"),
        ([1.0, -2.0], 2, True, "float32"),
        ([0.0, 0.0], 1, False, "float32"),
        ([0.0, 0.0], 2, True, "float32"),
        ([1.0, 2.0], 1, False, "int64"),
        ([[[1.0]]], 1, False, "float32"),
    ):
        p = {"dtype": dtype, "values": values}
        calls += [["multinomial", {"p": p, "num_samples": k, "replacement": replacement}]]
    calls += [["manual_seed", {"seed": seed}] for seed in (2**64, -(2**63) - 1, 1.5, True, None)]
    return calls


def main():
    generator = torch.Generator()
    calls, values, states, errors = stream(), [], [], []
    for name, arguments in calls:
        values.append(raw(draw(generator, name, arguments)))
        states.append(hashlib.sha256(generator.get_state().numpy().tobytes()).digest()[:8])
    for name, arguments in bad_calls():
        try:
            draw(generator, name, arguments)
        except Exception as error:
            errors.append([name, arguments, type(error).__name__, str(error).split("\n")[0].split("  (Could")[0]])
        else:
            raise AssertionError(f"PyTorch accepts {name} {arguments}")
    np.savez_compressed(
        OUT,
        torch=np.array(torch.__version__),
        calls=np.array(json.dumps(calls)),
        errors=np.array(json.dumps(errors)),
        values=np.frombuffer(b"".join(values), np.uint8),
        sizes=np.array([len(v) for v in values], np.int32),
        states=np.frombuffer(b"".join(states), np.uint8).reshape(-1, 8),
    )


if __name__ == "__main__":
    main()
