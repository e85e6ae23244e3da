"""Whole training runs give PyTorch's loss at every step, in one program a step, compiled once."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path

import pytest

import torchax_lite
from torchax_lite import engine

TESTS = Path(__file__).parent
RECORDED = json.loads((TESTS / "data" / "training.json").read_text())
NAMES = [name for name in RECORDED if name != "torch"]


@pytest.fixture(scope="module")
def cases():
    """The loops of `training_loops`, imported under the drop-in."""
    pytest.importorskip("sklearn")
    already = "training_loops" in sys.modules
    with torchax_lite.installed():
        sys.path.insert(0, str(TESTS))
        try:
            module = importlib.import_module("training_loops")
        finally:
            sys.path.remove(str(TESTS))
        yield module.CASES
    if not already:
        sys.modules.pop("training_loops", None)


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_pytorchs(cases, name):
    loop, arguments, tolerance = cases[name]
    mine, theirs = loop(**arguments), RECORDED[name]
    assert len(mine) == len(theirs)
    wrong = [(i, a, b) for i, (a, b) in enumerate(zip(mine, theirs)) if not math.isclose(a, b, rel_tol=tolerance)]
    assert wrong == [], f"first of {len(wrong)} differing steps: {wrong[0]}"


STEADY = ["lenet_sgd_seed0", "mlp_adam", "vae", "char_gpt", "lstm_tagger"]


@pytest.mark.parametrize("name", STEADY)
@pytest.mark.parametrize("read_each_step", [False, True], ids=["no reads", "loss.item() each step"])
def test_one_program_a_step_and_none_compiled_later(cases, name, read_each_step):
    loop, arguments, _ = cases[name]

    def counts(steps):
        engine.reset_stats()
        losses = loop(**arguments | {"steps": steps, "read_each_step": read_each_step})
        seen = engine.stats()
        return losses, seen.executions, seen.compiles

    # A loop of n steps twice: what the second, longer run adds is the steady state. (The schedule of char_gpt depends
    # on the number of steps, so its learning rates differ between the two: they must not be part of any program.)
    counts(6)
    _, short_runs, short_compiles = counts(6)
    _, long_runs, long_compiles = counts(16)
    assert short_compiles == 0
    assert long_compiles == 0
    assert long_runs - short_runs == 10
