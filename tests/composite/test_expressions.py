"""Values, dtypes, error texts and gradients of shape, indexing, matmul and linalg functions against PyTorch's."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composite.expressions import FORWARD, GRADIENTS, Evaluator
from composite.operator_expressions import OPERATORS, helpers

import torchax_lite as torch

DATA = Path(__file__).resolve().parents[1] / "data" / "composites.json.gz"


@cache
def recorded() -> dict[str, Any]:
    """PyTorch's answers."""
    return json.loads(gzip.decompress(DATA.read_bytes()))  # type: ignore[no-any-return]


def assert_close(mine: Any, theirs: Any, tolerance: float) -> None:
    """Nested lists of numbers agree."""
    np.testing.assert_allclose(
        np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float), rtol=tolerance, atol=tolerance / 10
    )


def compare(mine: Any, theirs: Any) -> None:
    """Described results agree: numbers closely, the rest exactly."""
    if isinstance(theirs, dict):
        assert {k: v for k, v in mine.items() if k != "values"} == {k: v for k, v in theirs.items() if k != "values"}
        assert_close(mine["values"], theirs["values"], 1e-4)
    elif isinstance(theirs, list) and len(theirs) == 2 and isinstance(theirs[0], str):
        assert mine[0] == theirs[0]
        assert len(mine[1]) == len(theirs[1])
        for a, b in zip(mine[1], theirs[1], strict=True):
            compare(a, b)
    else:
        assert mine == theirs


@pytest.mark.parametrize("expression", FORWARD)
def test_same_result_or_error(expression: str) -> None:
    mine = json.loads(json.dumps(Evaluator(torch).forward(expression)))
    theirs = recorded()["forward"][expression]
    if theirs[0] == "error":
        assert mine == theirs
    else:
        assert mine[0] == "ok", mine
        compare(mine[1], theirs[1])


@pytest.mark.filterwarnings("ignore:torchax_lite:RuntimeWarning")
@pytest.mark.parametrize("expression", OPERATORS)
def test_operators_give_what_pytorch_gives(expression: str) -> None:
    mine = json.loads(json.dumps(Evaluator(torch).forward(expression, helpers)))
    theirs = recorded()["operators"][expression]
    assert mine[0] == theirs[0], mine
    if theirs[0] == "error":
        assert mine[1] == theirs[1]
        assert mine[2][:60] == theirs[2][:60]
    else:
        compare(mine[1], theirs[1])


@pytest.mark.filterwarnings("ignore:torchax_lite:RuntimeWarning")
@pytest.mark.parametrize("expression", GRADIENTS)
def test_same_gradients(expression: str) -> None:
    mine = Evaluator(torch).gradients(expression)
    for a, b in zip(mine, recorded()["gradients"][expression], strict=True):
        if a is None or b is None:
            rest = b if a is None else a
            assert rest is None or not np.any(rest)
        else:
            assert_close(a, b, 1e-6)
