"""Every optimizer and option of PyTorch's own database (``tests/recorders/record_optim_db.py``)."""

import gzip
import json
import math
import pathlib

import pytest
from recorded import load_recorder

import torchax_lite as torch
import torchax_lite.optim  # noqa: F401  (the cases reach it as torch.optim)

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads(gzip.decompress((TESTS / "data" / "optim_db.json.gz").read_bytes()))


RECORDER = load_recorder("record_optim_db")
TOLERANCES = {
    "float32": (1e-5, 1e-6),
    "float64": (1e-12, 1e-13),
    "complex64": (1e-5, 1e-6),
    "bfloat16": (3e-2, 3e-2),
}
MIXED = {**TOLERANCES, "float64": (1e-6, 1e-7)}  # the parameters' common loss is float32


def name_of(case):
    kind, options, dtype, _ = case
    return "-".join([kind, dtype, *(f"{name}={value}" for name, value in options.items())])


CASES = {name_of(case): case for case in RECORD["cases"]}
EVERY = [
    name
    if dtype == "float32" and not options.keys() & {"differentiable", "capturable", "fused"}
    else pytest.param(name, marks=pytest.mark.slow)
    for name, (_, options, dtype, _) in CASES.items()
]
LBFGS = {"float32": (3e-4, 1e-4), "complex64": (3e-4, 1e-4), "float64": (1e-7, 1e-7)}  # stops where rounding says


def tolerances(kind, options, dtype):
    """The tolerance of each number of all parameters."""
    limits = MIXED if dtype == "mixed" else LBFGS if kind == "LBFGS" else TOLERANCES
    if kind == "Muon":
        # A sum that lies between two values of bfloat16 may round to the other one: so it does once in two cases.
        limits = limits | {"float32": (5e-5, 5e-6), "float64": (5e-5, 5e-6)}
    if kind == "ASGD" and options.get("foreach") and dtype == "float64":
        limits = {"float64": (1e-8, 1e-8)}  # PyTorch rounds the rate to float32 there
    out = []
    for p in RECORDER.parameters(torch, kind, dtype):
        own = str(p.dtype).split(".")[1]
        out += [limits[own]] * (p.numel() * (2 if p.is_complex() else 1))
    return out


def state_limits(kind, options, dtype):
    if kind == "LBFGS":
        return LBFGS
    if kind == "ASGD" and options.get("foreach") and dtype == "float64":
        return {"float64": (1e-8, 1e-8), "float32": (1e-6, 1e-6)}
    return MIXED if dtype == "mixed" else TOLERANCES


def assert_close(got, want, tolerance, what):
    assert len(got) == len(want), what
    for i, (a, b, (rtol, atol)) in enumerate(zip(got, want, tolerance, strict=True)):
        same = math.isnan(a) if math.isnan(b) else abs(a - b) <= atol + rtol * abs(b)
        assert same, (what, i, a, b)


def assert_same_state(got, want, limits, what):
    """Encoded state dicts: the same keys in the same order, the same kinds; numbers close."""
    assert type(got) is type(want), (what, got, want)
    if isinstance(want, dict):
        assert list(got) == list(want), (what, got, want)
        if "tensor" in want:
            (dtype, shape, numbers), (want_dtype, want_shape, want_numbers) = got["tensor"], want["tensor"]
            assert (dtype, shape) == (want_dtype, want_shape), what
            rtol, atol = limits[dtype]
            assert_close(numbers, want_numbers, [(10 * rtol, 10 * atol)] * len(want_numbers), what)
            return
        (kind,) = want
        if kind == "dict":
            assert [key for key, _ in got[kind]] == [key for key, _ in want[kind]], what
        assert len(got[kind]) == len(want[kind]), (what, got, want)
        for i, (a, b) in enumerate(zip(got[kind], want[kind], strict=True)):
            assert_same_state(a, b, limits, f"{what}/{b[0] if kind == 'dict' else i}")
    elif isinstance(want, list):
        for a, b in zip(got, want, strict=True):
            assert_same_state(a, b, limits, what)
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-4, abs=1e-6), what
    else:
        assert got == want, what


def entries(state):
    """The keys of the first parameter's encoded state, and the kinds of their values."""
    ((_, first),) = state["dict"][0][1]["dict"]
    return [(key, list(value) if isinstance(value, dict) else type(value)) for key, value in first["dict"]]


def test_the_database_is_covered():
    kinds = {kind for kind, *_ in RECORD["cases"]}
    assert kinds == {name for name in torch.optim.__all__ if name[0].isupper() and name != "Optimizer"}


@pytest.mark.parametrize("name", EVERY)
def test_trajectory_and_going_on_from_a_saved_state(name):
    kind, options, dtype, want = CASES[name]
    capturable = bool(options.get("capturable"))
    got = RECORDER.trajectory(torch, kind, options, dtype, "xla" if capturable else None)
    allowed = tolerances(kind, options, dtype)
    for step, a, b in zip(RECORDER.SEEN, got["params"], want["params"], strict=True):
        assert_close(a, b, allowed, f"parameters after step {step}")
    if capturable:
        return
    if kind == "LBFGS" and dtype != "float64":
        assert entries(got["half"]) == entries(want["half"])
    else:
        assert_same_state(got["half"], want["half"], state_limits(kind, options, dtype), "state")
    half, end = want["params"][3:]
    if not options.get("differentiable") and dtype != "sparse":
        theirs = RECORDER.resumed(torch, kind, options, dtype, half, RECORDER.decode(torch, want["half"]))
        assert_close(theirs, end, allowed, "from PyTorch's state")
        got = RECORDER.trajectory(torch, kind, options, dtype)  # by programs that are compiled for good
        ours = RECORDER.resumed(torch, kind, options, dtype, got["params"][3], RECORDER.decode(torch, got["half"]))
        # Another program may round the last bit otherwise; of mixed dtypes, numbers in the state come back in the parameter's.
        last_bits = allowed if dtype == "mixed" else [(5e-7, 1e-7)] * len(allowed)
        assert_close(ours, got["params"][4], last_bits, "from our own state")
    elif want.get("through"):
        for a, b in zip(RECORDER.through(torch, kind, options), want["through"], strict=True):
            assert_close(a, b, [(1e-5, 1e-6)] * len(b), "gradient of the start")


@pytest.mark.parametrize("i", range(len(RECORD["errors"])))
def test_error(i):
    kind, params, options, on_step, (error, text) = RECORD["errors"][i]
    assert RECORDER.fails(torch, kind, params, options, on_step) == [error, text]
