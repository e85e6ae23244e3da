"""PyTorch's module database (``tests/recorders/record_module_db.py``): every entry in every configuration.

Compared are printing, the state's names and initial bytes, the random stream, outputs, gradients of inputs and
parameters, what a forward pass changes in the state, and the errors of wrong configurations.

    MODULE_DB=all python -m pytest tests/nn/test_module_db.py

replays all configurations; otherwise modules with very many of them are tested with a share.
"""

import collections
import gzip
import json
import os
import pathlib
import warnings

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads(gzip.decompress((TESTS / "data" / "module_db.json.gz").read_bytes()))
FILE = np.load(TESTS / "data" / "module_db.npz")
RAW, NUMBERS = FILE["raw"], FILE["numbers"]

TOGETHER = 10
"""Configurations whose values are computed in one program."""

MOST = 6
"""Right configurations of a module that are tested by default."""


recorder = load_recorder("record_module_db")

CASES = collections.defaultdict(list)
for number, case in enumerate(RECORD):
    CASES[case["module"]].append((number, case))


def share_of(cases):
    """All wrong configurations, and a share of the right ones spread over the record."""
    if os.environ.get("MODULE_DB") == "all":
        return cases
    right = [item for item in cases if "error" not in item[1]["plain"]]
    share = right[:: -(-len(right) // MOST)]
    return share + [item for item in cases if "error" in item[1]["plain"]]


def differences(case, plain, tensors):
    """What is not as PyTorch has it: texts."""
    expected = case["plain"]
    for key in sorted({*plain, *expected}):
        if plain.get(key) != expected.get(key):
            yield f"{key}: {plain.get(key)!r} instead of {expected.get(key)!r}"
    pattern = json.loads(json.dumps(recorder.in_pattern(tensors)))
    if pattern != case["pattern"]:
        yield f"results {pattern} instead of {case['pattern']}"
        return
    at = case["at"]
    for name, t in tensors.items():
        values = t.detach().numpy()
        found = recorder.summary(values)
        wanted = NUMBERS[at : at + found.size]
        at += found.size
        finite = np.abs(values[np.isfinite(values)].astype("complex128"))
        size = np.sqrt((finite**2).sum()) + 1e-2
        if not np.allclose(found, wanted, rtol=1e-4, atol=3e-5 * size, equal_nan=True):
            yield f"{name}: {found} instead of {wanted}"


@pytest.mark.parametrize("name", sorted(CASES))
def test_as_in_pytorch(name):
    wrong = []
    cases = share_of(CASES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start in range(0, len(cases), TOGETHER):
            seen = [
                (number, case, *recorder.observe(torch, case, RAW)) for number, case in cases[start : start + TOGETHER]
            ]
            for number, case, plain, tensors in seen:
                found = list(differences(case, plain, tensors))
                if found:
                    arguments = f"{case['dtype']} training={case['training']} {case['init']}"
                    wrong.append(f"{name} {number} {arguments}\n  " + "\n  ".join(found))
    assert not wrong, f"{len(wrong)} of {len(cases)} differ:\n" + "\n".join(wrong[:5])
