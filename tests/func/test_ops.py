"""Forward mode, forward over reverse mode and ``vmap`` of every op, compared with PyTorch (``record_func_ops.py``)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import torchax_lite as torch

sys.path[:0] = [str(Path(__file__).parents[1] / "ops"), str(Path(__file__).parent)]
from op_directions import summary  # noqa: E402
from op_samples import chosen  # noqa: E402

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "func_ops.json").read_text())
CHOSEN = chosen()
CHUNK = 24
"""Ops whose results are computed by one program."""

UNLIKE_PYTORCH = {
    ("celu at ties", "hvp"): "the second derivative at the kink is a convention",
    ("elu at ties", "hvp"): "the second derivative at the kink is a convention",
    ("cholesky_inverse", "jvp"): "one triangle is read, the direction is no triangle",
    ("cholesky_inverse", "hvp"): "one triangle is read, the direction is no triangle",
    ("cholesky_solve", "hvp"): "one triangle is read, the direction is no triangle",
    ("fmax at ties", "jvp"): "PyTorch's forward mode follows the second operand, its reverse mode the first",
    ("index_copy", "jvp"): "the sample writes one place twice",
    ("kthvalue at ties", "jvp"): "which of equal values is meant is unspecified",
    ("topk at ties", "jvp"): "which of equal values is meant is unspecified",
    ("sqrt at ties", "hvp"): "at 0 the second derivative is infinite",
}


def tensor(x):
    if isinstance(x, np.dtype):
        return getattr(torch, x.name)
    return [tensor(y) for y in x] if isinstance(x, list) else torch.tensor(x) if isinstance(x, np.ndarray) else x


def summed_up(label, name, call):
    """What PyTorch has an answer for."""
    fn = torch
    for part in name.split(".")[1:]:
        fn = getattr(fn, part)
    args, kwargs = call.replaced(lambda x: x)
    found = summary(torch, fn, [tensor(a) for a in args], {k: tensor(v) for k, v in kwargs.items()})
    return {k: v for k, v in found.items() if not any(isinstance(t, str) for t in RECORDED[label][k])}


@pytest.mark.parametrize("start", range(0, len(CHOSEN), CHUNK))
def test_transforms_of_ops(start):
    part = [(label, summed_up(label, name, call)) for label, name, call in CHOSEN[start : start + CHUNK]]
    wrong = []
    for label, found in part:
        for kind, results in found.items():
            if (label, kind) in UNLIKE_PYTORCH:
                continue
            ours, theirs = [x.item() if isinstance(x, torch.Tensor) else x for x in results], RECORDED[label][kind]
            if any(isinstance(x, str) for x in ours) or not np.allclose(ours, theirs, 1e-5, 1e-7, equal_nan=True):
                wrong.append((label, kind, ours, theirs))
    assert not wrong


def test_every_op_is_recorded():
    assert set(RECORDED) == {label for label, _, _ in CHOSEN}
