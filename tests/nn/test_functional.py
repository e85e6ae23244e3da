"""``nn.functional`` against recorded PyTorch results: values, gradients, dtypes, names of backward nodes, errors."""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from functional_cases import CASES, run_case

import torchax_lite as torch
import torchax_lite.nn.functional as F

DATA = Path(__file__).resolve().parent.parent / "data"
FACTS = json.loads((DATA / "functional.json").read_text())
ARRAYS = np.load(DATA / "functional.npz")

OTHER_NODES = {
    "lp_pool1d", "lp_pool2d", "lp_pool3d",
}  # fmt: skip
"""Cases whose backward node is named otherwise here."""


@pytest.mark.parametrize(("name", "expression"), CASES, ids=[c[0] for c in CASES])
def test_as_recorded(name: str, expression: str) -> None:
    leaves: list[torch.Tensor] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = run_case(expression, torch, F, np, leaves)
    facts = FACTS[name]
    assert [str(o.dtype) for o in outputs] == facts["dtype"]
    for i, out in enumerate(outputs):
        expected = ARRAYS[f"{name}/out{i}"]
        assert tuple(out.shape) == expected.shape
        np.testing.assert_allclose(out.detach().numpy(), expected, rtol=2e-4, atol=2e-5)
    assert [leaf.grad is not None for leaf in leaves] == facts["grads"]
    for i, leaf in enumerate(leaves):
        if leaf.grad is not None:
            np.testing.assert_allclose(leaf.grad.numpy(), ARRAYS[f"{name}/grad{i}"], rtol=1e-3, atol=5e-5)
    assert [None if o.grad_fn is None else o.grad_fn.name() for o in outputs] == facts["node"]
