"""Learning-rate schedules against PyTorch's (``tests/recorders/record_schedulers.py``)."""

import gzip
import json
import pathlib
import warnings

import pytest
from recorded import load_recorder

import torchax_lite as torch
import torchax_lite.optim  # noqa: F401  (the cases reach it as torch.optim)

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads(gzip.decompress((TESTS / "data" / "schedulers.json.gz").read_bytes()))


RECORDER = load_recorder("record_schedulers")
RATES = dict(RECORDER.rate_cases())


def assert_rows(got, want, what):
    assert len(got) == len(want), what
    for t, (a, b) in enumerate(zip(got, want, strict=True)):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-15), (what, t)


def assert_same(got, want, what):
    """The same keys, kinds and numbers."""
    assert type(got) is type(want), (what, got, want)
    if isinstance(want, dict):
        (kind,), (got_kind,) = want, got
        assert got_kind == kind, what
        if kind == "dict":
            assert sorted(key for key, _ in got[kind]) == sorted(key for key, _ in want[kind]), what
            entries = dict(got[kind])
            for key, item in want[kind]:
                assert_same(entries[key], item, f"{what}.{key}")
        elif kind != "object":
            assert_same(got[kind], want[kind], what)
    elif isinstance(want, list):
        assert len(got) == len(want), (what, got, want)
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert_same(a, b, f"{what}[{i}]")
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-12, abs=1e-15), what
    else:
        assert got == want, what


def test_everything_is_recorded():
    assert set(RATES) == set(RECORD["rates"])
    assert set(RECORDER.mistakes()) == set(RECORD["mistakes"])
    names = {name.split("-")[0] for name in RATES} | {"LRScheduler", "CosineAnnealingWarmRestarts"}
    assert set(torch.optim.lr_scheduler.__all__) <= names


@pytest.mark.parametrize("name", RATES)
def test_rates_state_and_going_on(name):
    got, want = RECORDER.rates(torch, *RATES[name]), RECORD["rates"][name]
    assert_rows(got["rows"], want["rows"], "rates")
    if "state" in want:
        assert_same(got["state"], want["state"], "state")
        assert got["resumed"] == got["rows"][RECORDER.HALF + 1 :]


@pytest.mark.parametrize("name", RECORD["mistakes"])
def test_mistake(name):
    error, text = RECORDER.raised(torch, name)
    want_error, want_text = RECORD["mistakes"][name]
    assert error == want_error
    if name == "going on":  # advice of several lines follows
        assert text.split("\\n")[0] == want_text.split("\\n")[0]
    else:
        assert text == want_text


def test_steps_in_the_right_order_do_not_warn():
    optimizer = RECORDER.two_groups(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        for t in range(3):
            RECORDER.advance("StepLR", optimizer, scheduler, t)
