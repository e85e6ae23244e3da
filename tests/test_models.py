"""Twenty whole models train to PyTorch's losses over fifty steps, each step one program, compiled in the first three."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import torchax_lite
from torchax_lite import engine

TESTS = Path(__file__).parent
RECORDED = json.loads((TESTS / "data" / "model_losses.json").read_text())


class Expected(NamedTuple):
    """What a model may and must do.

    The recorded file says how far PyTorch stays with itself when weights change in their last bit ("nudged").
    """

    tolerance: float = 1e-4
    programs: int = 47
    """Executed in the 47 steps after the third."""
    compiled_by: int = 3
    """The step after which nothing is compiled."""


MODELS = {name: Expected() for name in RECORDED if name != "torch"} | {
    # PyTorch itself: 1.4e-4, where the loss passes zero.
    "vae": Expected(tolerance=1e-3),
    # Two optimizers.
    "dcgan": Expected(programs=94),
    # The average of the weights is a copy at its first update.
    "realnvp": Expected(compiled_by=4),
    # 37 of the steps are greedy: the action is read. Their first ones differ from those that are not.
    "dqn": Expected(programs=84, compiled_by=5),
}

QUICK = {"mlp", "lenet", "lstm_tagger", "gpt", "gcn", "realnvp"}


@pytest.fixture(scope="module")
def programs():
    """`model_programs`, imported under the drop-in."""
    before = set(sys.modules)
    with torchax_lite.installed():
        sys.path.insert(0, str(TESTS))
        try:
            yield importlib.import_module("model_programs")
        finally:
            sys.path.remove(str(TESTS))
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "model_programs":
            del sys.modules[name]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]
)
def test_fifty_steps_have_pytorchs_losses(programs, name):
    expected = MODELS[name]
    seen = []
    mine = programs.losses(name, after_step=lambda index: seen.append(engine.stats()))
    theirs = RECORDED[name]["losses"]
    assert len(mine) == len(theirs) == 50
    wrong = [
        (i, a, b) for i, (a, b) in enumerate(zip(mine, theirs)) if not math.isclose(a, b, rel_tol=expected.tolerance)
    ]
    assert wrong == [], f"first of {len(wrong)} differing steps: {wrong[0]}"
    assert seen[-1].compiles == seen[expected.compiled_by - 1].compiles
    assert seen[-1].executions - seen[2].executions == expected.programs
