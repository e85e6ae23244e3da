"""Samples of PyTorch's operator database as functions of their differentiable inputs.

Which entries have second derivatives is recorded (``tests/recorders/record_second_order.py``); the inputs are those of
``compat_suite``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from compat_suite import codec, recorded, replay

NAMES: dict[str, str] = json.loads((Path(__file__).parent / "data" / "second_order.json").read_text())
"""Entry -> the form that its first input has ("hermitian", "triangular") or ""."""
LARGEST = 10_000
"""Most elements of the inputs of a sample."""
UNSUITED = {
    "nn.functional.ctc_loss": "every sample has more than 16,000 elements",
    "__rpow__": "every sample has an infinite gradient",
}
"""Entries without a sample to check, and why."""


def entries(share: int, left_out: dict[str, str]) -> list[Any]:
    """One in ``share`` of the entries, in float64, as parameters (file, record)."""
    found = []
    for path, name, _ in recorded.records():
        entry, _, dtype = name.rpartition("@")
        if (
            dtype == "float64"
            and entry in NAMES.keys() - left_out.keys() - UNSUITED.keys()
            and crc32(entry.encode()) % share == 0
        ):
            found.append(pytest.param(path, name, id=entry))
    return found


def _form(kind: str, t: Any) -> Any:
    """The first input such that its perturbations have the form that the op reads: as PyTorch's own check."""
    if kind == "triangular":
        return t.tril(-1) + t.diagonal(dim1=-2, dim2=-1).abs().diag_embed()
    return t + t.mH if kind == "hermitian" else t


def function(torch: Any, path: Path, name: str) -> tuple[Any, list[Any]]:
    """The call of the smallest sample with finite gradients, as a function of its differentiable inputs, and these.

    The function returns the results that have gradients.
    """
    record = codec.Archive(path)[name]
    fitting = [s for s in record["samples"] if "grads" in s and "error" not in s and not record["random"]]
    fitting = [s for s in fitting if all(np.isfinite(g["a"]).all() for g in s["grads"] if g and "a" in g)]
    sizes = [sum(int(d["a"].size) for d in s["inputs"] if "a" in d) for s in fitting]
    kept = [(n, i) for i, n in enumerate(sizes) if 0 < n <= LARGEST]
    assert kept, "no sample is small enough, or its results are random: a case for UNSUITED"
    sample = fitting[min(kept)[1]]
    inputs = [replay.build(torch, made) for made in sample["inputs"]]
    varied = [i for i, t in enumerate(inputs) if t.requires_grad]
    form = NAMES[name.rpartition("@")[0]]

    def fn(*given: Any) -> tuple[Any, ...]:
        values = list(inputs)
        for i, t in zip(varied, given, strict=True):
            values[i] = _form(form, t) if i == varied[0] else t
        run = replay.Run(torch, values)
        result = run.calls(replay.program(record, sample))
        if "post" in sample:
            result = run.calls(sample["post"])
        return tuple(t for t in replay.flatten(torch, result) if t.is_floating_point() or t.is_complex())

    return fn, [inputs[i] for i in varied]
