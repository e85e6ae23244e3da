"""Autocast, the gradient scaler and flop counts against recorded results of PyTorch."""

import json
import math
from pathlib import Path

import amp_programs
import pytest

import torchax_lite as torch

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "amp.json").read_text())
MORE_PERMISSIVE = ("bce", "norm", "cdist", "quantile", "einsum", "vecdot", "addr", "prelu", "batch_norm", "triplet")
"""Cases where PyTorch's CPU kernels lack a half precision or refuse mixed dtypes, and XLA computes."""
TOLERANCE = {"bfloat16": 2e-2, "float16": 3e-3, "float32": 2e-5, "float64": 1e-7}


@pytest.mark.parametrize("low", ["bfloat16", "float16"])
def test_autocast_results(low):
    ours = amp_programs.autocast_results(torch)
    wrong = []
    for name, (dtype, value) in RECORDED["autocast"].items():
        if not name.startswith(low):
            continue
        got_dtype, got = ours[name]
        if isinstance(value, str):
            if not isinstance(got, str) and name.split("/")[2] not in MORE_PERMISSIVE:
                wrong.append((name, value, got))
            continue
        scale = max(1.0, abs(value))
        if got_dtype != dtype or not (got == value or abs(got - value) <= 16 * TOLERANCE[dtype] * scale):
            wrong.append((name, dtype, value, got_dtype, got))
    assert not wrong, wrong


def test_training_under_autocast():
    ours = amp_programs.autocast_training(torch)
    assert ours == pytest.approx(RECORDED["training"], rel=2e-2)


def test_gradient_scaler():
    steps, state = amp_programs.scaler_run(torch)
    for got, expected in zip(steps, RECORDED["scaler"][0], strict=True):
        assert all(
            a == pytest.approx(b, rel=1e-6) or (math.isnan(a) and math.isnan(b))
            for a, b in zip(got, expected, strict=True)
        )
    assert state == RECORDED["scaler"][1]


def test_flop_counts():
    assert amp_programs.flop_counts(torch) == RECORDED["flops"]
