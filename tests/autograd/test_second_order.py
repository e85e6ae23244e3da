"""``gradgradcheck`` on samples of PyTorch's operator database: a share of the entries that have second derivatives.

Which those are is recorded (``tests/recorders/record_second_order.py``); the inputs are those of ``compat_suite``.
``SECOND_ORDER_SHARE=1`` takes every entry.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

import torchax_lite as torch
from compat_suite import codec, recorded, replay

NAMES: dict[str, str] = json.loads((Path(__file__).parent.parent / "data" / "second_order.json").read_text())
SHARE = int(os.environ.get("SECOND_ORDER_SHARE", "16"))
LARGEST = 10_000
"""Most elements of the inputs of a sample."""
LEFT_OUT = {
    "to_sparse": "its result has no dense derivative",
    "linalg.eig": "the check of the vectors' free phase has an absolute tolerance, as PyTorch's",
    **dict.fromkeys(
        ("bfloat16", "half", "float", "cfloat", "chalf"), "its result is too coarse for finite differences in float64"
    ),
    "linalg.norm.subgradients_at_zero": "there is no second derivative at zero",
}


def _entries():
    for path, name, _ in recorded.records():
        entry, _, dtype = name.rpartition("@")
        if dtype == "float64" and entry in NAMES.keys() - LEFT_OUT.keys() and crc32(entry.encode()) % SHARE == 0:
            yield pytest.param(path, name, id=entry)


def _sample(record):
    """The smallest sample that has gradients, if it is small."""
    fitting = [s for s in record["samples"] if "grads" in s and "error" not in s and not record["random"]]
    fitting = [s for s in fitting if all(np.isfinite(g["a"]).all() for g in s["grads"] if g and "a" in g)]
    sizes = [sum(int(d["a"].size) for d in s["inputs"] if "a" in d) for s in fitting]
    kept = [(n, i) for i, n in enumerate(sizes) if 0 < n <= LARGEST]
    return fitting[min(kept)[1]] if kept else None


def _form(kind, t):
    """The first input such that its perturbations have the form that the op reads: as PyTorch's own check."""
    if kind == "triangular":
        return t.tril(-1) + t.diagonal(dim1=-2, dim2=-1).abs().diag_embed()
    return t + t.mH if kind == "hermitian" else t


@pytest.mark.parametrize(("path", "name"), list(_entries()))
def test_second_derivatives_agree_with_finite_differences(path, name):
    entry = name.rpartition("@")[0]
    record = codec.Archive(path)[name]
    sample = _sample(record)
    if sample is None:
        pytest.skip("no sample is small enough for finite differences")
    inputs = [replay.build(torch, made) for made in sample["inputs"]]
    varied = [i for i, t in enumerate(inputs) if t.requires_grad]

    def fn(*given):
        values = list(inputs)
        for i, t in zip(varied, given, strict=True):
            values[i] = _form(NAMES[entry], t) if i == varied[0] else t
        run = replay.Run(torch, values)
        result = run.calls(replay.program(record, sample))
        if "post" in sample:
            result = run.calls(sample["post"])
        return tuple(t for t in replay.flatten(torch, result) if t.requires_grad)

    assert torch.autograd.gradgradcheck(fn, [inputs[i] for i in varied], fast_mode=True, atol=1e-4)
