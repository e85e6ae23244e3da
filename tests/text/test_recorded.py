"""Programs on torchtext against what torchtext answered (``tests/recorders/record_text.py``)."""

import json
import pathlib
import warnings

import pytest
import text_programs

import torchax_lite as torch
from torchax_lite import text as torchtext
from torchax_lite.text import datasets, models, nn, transforms  # noqa: F401  (the programs reach them by torchtext)
from torchax_lite.text.legacy import data as legacy_data
from torchax_lite.text.legacy import datasets as legacy_datasets
from torchax_lite.text.legacy import vocab as legacy_vocab

RECORD = json.loads((pathlib.Path(__file__).parents[1] / "data" / "text.json").read_text())


class Legacy:
    data = legacy_data
    datasets = legacy_datasets
    vocab = legacy_vocab


def check(found, wanted, path="result"):
    """Equal, numbers to four or five digits."""
    if isinstance(wanted, list):
        assert isinstance(found, list) and len(found) == len(wanted), (path, found, wanted)
        for i, (f, w) in enumerate(zip(found, wanted, strict=True)):
            check(f, w, f"{path}[{i}]")
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), path
        for key in wanted:
            check(found[key], wanted[key], f"{path}[{key!r}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5), path
    else:
        assert found == wanted, path


def run(program, torchtext, tmp_path):
    with torch.installed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return json.loads(json.dumps(text_programs.plain(program(torch, torchtext, str(tmp_path)))))


def test_every_program_is_recorded():
    assert set(RECORD["classic"]) == set(text_programs.CLASSIC)
    assert set(RECORD["modern"]) == set(text_programs.MODERN)


@pytest.mark.parametrize("name", sorted(text_programs.CLASSIC))
def test_classic(name, tmp_path):
    check(run(text_programs.CLASSIC[name], Legacy, tmp_path), RECORD["classic"][name])


@pytest.mark.parametrize("name", sorted(text_programs.MODERN))
def test_modern(name, tmp_path):
    check(run(text_programs.MODERN[name], torchtext, tmp_path), RECORD["modern"][name])
