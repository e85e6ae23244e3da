"""Names, signatures and stubs are found, and docs/coverage.md is current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import torchax_lite as torch
from compat_suite import coverage, signatures
from compat_suite.coverage import Name


def test_the_coverage_page_is_up_to_date() -> None:
    # In a process of its own: signatures that other tests wrapped are not what a user sees.
    command = [sys.executable, "-m", "compat_suite", "coverage", "--check"]
    assert not subprocess.run(command, cwd=coverage.PAGE.parent.parent).returncode, (
        "run python -m compat_suite coverage"
    )


def _linear(input: Any, weight: Any, bias: Any = None, *, out: Any = None) -> Any:
    return input


def _stub(input: Any) -> Any:
    """Not there."""
    raise NotImplementedError("not there")


def _checks(input: Any) -> Any:
    if input is None:
        raise NotImplementedError("not for None")
    return input


def test_findings() -> None:
    module = SimpleNamespace(
        __name__="nowhere", add=_linear, cut=_stub, sub=_checks, pi=3, nn=SimpleNamespace(__name__="nowhere.nn")
    )
    names = {
        "torch": [
            Name(1, "add", (("input", "weight", "bias=", "*", "out="),)),
            Name(1, "sub", (("input", "other"),)),
            Name(2, "cut", (("input",),)),
            Name(2, "pi", ((),)),
        ],
        "torch.nn": [Name(1, "Conv2d")],
    }
    found = [(f.name, f.problem) for f in coverage.findings(module, names)]
    other = coverage.SIGNATURE
    assert found == [("sub", other), ("cut", coverage.STUB), ("pi", other), ("Conv2d", coverage.MISSING)]


@pytest.mark.parametrize(
    ("form", "fits"),
    [
        ("(input, weight)", True),
        ("(input, weight, bias=, *, out=)", True),
        ("(input, weight, bias=, out=)", False),
        ("(x, weight)", False),
        ("(x, weight, /)", True),
        ("(input, weight, *, dtype=)", False),
        ("(input)", False),
        ("(*inputs)", False),
    ],
)
def test_forms_are_bound_by_place_and_by_keyword(form: str, fits: bool) -> None:
    assert (signatures.mismatch(None, "f", _linear, signatures.parse_forms(form)) == "") == fits


def test_overloads_are_looked_up() -> None:
    forms = signatures.parse_forms("(input, *, out=) (input, dim, keepdim=, *, out=) (input, other, *, out=)")
    assert signatures.mismatch(torch, "max", torch.max, forms) == ""
    assert signatures.mismatch(torch, "max", torch.max, signatures.parse_forms("(input, dims)"))
    assert signatures.mismatch(torch.Tensor, "max", torch.Tensor.max, signatures.parse_forms("(dim, keepdim=)")) == ""


def test_typed_overloads_decide_where_a_docstring_is_wrong(tmp_path: Path) -> None:
    typed = signatures.form_of_typed("(self, dim: int | tuple[int, ...], *, dtype: dtype | None = None) -> Tensor")
    assert typed == ("dim", "*", "dtype=")
    assert not signatures.allowed_by(("dim", "dtype="), [typed]) and signatures.allowed_by(typed, [typed])
    entries = '{"name": "torch.Tensor.f", "kind": "method", "group": "torch.Tensor", "tier": 1, "sig": [["dim", "dtype=None"]],' \
        ' "overloads": ["(dim: int, *, dtype: dtype = None) -> Tensor"]}'  # fmt: skip
    (tmp_path / "api.json").write_text(f'{{"entries": [{entries}]}}')
    (tmp_path / "names.txt").write_text(coverage.extract(tmp_path / "api.json"))
    assert coverage.read_names(tmp_path / "names.txt") == {"torch.Tensor": [Name(1, "f", (typed,))]}


def test_malformed_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    for text in ("1 add\n", "[torch]\n4 add\n", "[torch]\nadd\n", "[torch]\n1 add (x\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="names.txt, line"):
            coverage.read_names(path)
