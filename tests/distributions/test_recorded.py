"""Every distribution, transform, constraint, divergence and error against PyTorch's (``record_distributions.py``)."""

import gzip
import json
import pathlib

import numpy as np
import pytest
from recorded import load_recorder

import torchax_lite as torch
import torchax_lite.distributions

TESTS = pathlib.Path(__file__).parents[1]
with gzip.open(TESTS / "data" / "distributions.json.gz") as _file:
    RECORD = json.load(_file)


R = load_recorder("record_distributions")
RTOL = {"float32": 1e-4, "float64": 1e-8}  # PyTorch's trigamma (in gradients) is good to some 1e-9
ATOL = {"float32": 2e-5, "float64": 1e-9}
# samples that pass through floating-point operations after the draw may differ in the last places
EXACT = {"next word"}
DRAWN = {
    "bernoulli", "bernoulli logits", "bernoulli number", "binomial", "binomial many", "categorical",
    "categorical logits", "dirichlet", "dirichlet corner", "multinomial", "multinomial logits", "negative binomial",
    "negative binomial logits", "one-hot", "one-hot straight-through", "poisson", "geometric", "normal",
    "normal broadcast", "normal numbers", "beta", "beta numbers",
}  # fmt: skip
# PyTorch computes the implicit gradients of Dirichlet samples partly in float32
LOOSE = {("dirichlet", "float32"): 2e-4, ("dirichlet corner", "float32"): 2e-4, ("beta", "float32"): 2e-4}


def unpacked(value):
    if isinstance(value, dict) and "values" in value:
        return np.array(value["values"]).astype(value["dtype"]).reshape(value["shape"])
    return value


def compare(got, want, rtol, atol, exact=()):
    want = {k: unpacked(v) for k, v in want.items()}
    got = json.loads(json.dumps(got, default=R.packed))
    got = {k: unpacked(v) for k, v in got.items()}
    for key in [k for k, v in want.items() if isinstance(v, str) and v.endswith("Error")]:
        if key.endswith(" gradient") or want[key] == "RuntimeError":  # PyTorch cannot: nothing to compare with
            del want[key]
            got = {k: v for k, v in got.items() if not k.startswith(key)}
    assert got.keys() == want.keys()
    for key, expected in want.items():
        found = got[key]
        if not isinstance(expected, np.ndarray):
            assert found == expected, key
            continue
        assert found.dtype == expected.dtype and found.shape == expected.shape, key
        if key in exact:
            np.testing.assert_array_equal(found, expected, err_msg=key)
        else:
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=key)


def cases(prefix):
    return [key for key in RECORD if key.startswith(f"{prefix}/")]


@pytest.mark.parametrize("case", cases("distribution"))
def test_distribution(case):
    _, name, dtype = case.split("/")
    exact = EXACT | ({"sample", "many", "expanded sample"} if name in DRAWN else set())
    rtol = LOOSE.get((name, dtype), RTOL[dtype])
    compare(R.distribution_results(torch, name, dtype), RECORD[case], rtol, ATOL[dtype], exact)


@pytest.mark.parametrize("case", cases("kl"))
def test_kl_divergence(case):
    _, p, q = case.split("/")
    compare(R.kl_results(torch, (p, q), "float64"), RECORD[case], RTOL["float64"], ATOL["float64"])


def test_the_table_of_divergences_is_pytorchs():
    registered = torch.distributions.kl._KL_REGISTRY
    assert sorted([p.__name__, q.__name__] for p, q in registered) == RECORD["kl pairs"]


@pytest.mark.parametrize("case", cases("transform"))
def test_transform(case):
    name = case.split("/")[1]
    compare(R.transform_results(torch, name, "float64"), RECORD[case], RTOL["float64"], ATOL["float64"])


@pytest.mark.parametrize("case", cases("constraint"))
def test_constraint(case):
    compare(R.constraint_results(torch, case.split("/")[1]), RECORD[case], 0, 0)


@pytest.mark.parametrize("name", R.ERRORS)
def test_error(name):
    want = RECORD["errors"][name]
    got = R.error_result(torch, name)
    if isinstance(want, list):
        got = [got[0], " ".join(got[1].split()).replace("torchax_lite", "torch")]
        want = [want[0], " ".join(want[1].split())]
    assert got == want


def test_everything_is_recorded():
    assert set(cases("distribution")) == {f"distribution/{n}/{d}" for n, d in R.distribution_cases()}
    assert set(RECORD["errors"]) == set(R.ERRORS)
