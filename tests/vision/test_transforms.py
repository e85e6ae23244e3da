"""Transforms, tv_tensors and drawing give torchvision's results (recorded), draw its random numbers and print its texts."""

from __future__ import annotations

import gzip
import json
import pathlib
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("PIL")

import torchax_lite as torch
from torchax_lite import vision

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from vision_cases import CASES, REPRS, WRONG, Env, text  # noqa: E402
from vision_results import flatten  # noqa: E402

DATA = HERE.parent / "data" / "vision_transforms"
RECORDED = json.loads(gzip.open(f"{DATA}.json.gz").read())
BLOCKS = dict(np.load(f"{DATA}.npz"))


@pytest.fixture(scope="module")
def env():
    return Env(torch, vision)


def recorded(key):
    dtype, block, start, shape = RECORDED["index"][key]
    return BLOCKS[block][start : start + int(np.prod(shape))].reshape(shape).astype(dtype)


def compare(kind, found, wanted):
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if kind == "pixels" and found.dtype.kind in "iu":
        assert (found != wanted).mean() <= 0.01
    elif found.dtype.kind in "iub":
        step = {"exact": 0, "boxes": 1, "flow": 1}.get(kind, 1) if found.dtype != bool else 0
        assert np.abs(found.astype(np.int64) - wanted.astype(np.int64)).max(initial=0) <= step
    elif kind == "exact":
        np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=2e-6)
    elif kind in ("boxes", "samples"):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=5e-5)
    else:
        limit = 1 / 255
        away = np.abs(found.astype(np.float64) - wanted)
        assert (away > limit).mean() <= (0.01 if kind == "pixels" else 0)


@pytest.mark.parametrize("name", list(CASES))
def test_results_are_those_of_torchvision(env, name):
    kind, fn = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        leaves, facts = flatten(fn(env))
    assert json.loads(json.dumps(facts)) == RECORDED["facts"][name]
    for i, found in enumerate(leaves):
        compare(kind, found, recorded(f"{name}|{i}"))


def test_objects_print_as_in_torchvision(env):
    names = [f"{f}.{n}" for f, n, *_ in REPRS]
    for i, (found, wanted) in enumerate(zip(text(env), RECORDED["text"], strict=True)):
        assert found == wanted, names[i] if i < len(names) else i


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_arguments_raise_torchvisions_errors(env, name):
    kind, message = RECORDED["errors"][name]
    with pytest.raises(Exception) as caught:
        WRONG[name](env)
    assert type(caught.value).__name__ == kind
    leading = message.replace("torchvision.", "").split("<")[0][:40]
    assert str(caught.value).replace("torchvision.", "").startswith(leading)
