"""The semantic cases pass here, the runner reports what it should, and docs/coverage.md is current."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import torchax_lite as torch
from compat_suite import __main__ as command
from compat_suite import coverage, registry, runner

CASES = registry.load()
KNOWN = runner.read_known_failures(runner.KNOWN_FAILURES, CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name: str) -> None:
    result = runner.run_case(CASES[name], torch, KNOWN)
    assert result.ok, f"{result.outcome}: {result.message}\n{result.page}"


def test_every_case_has_a_page_and_documented_name() -> None:
    for case in CASES.values():
        assert case.page.startswith(registry.DOCS) and case.page.endswith(".html")
        assert case.api.startswith("torch.") and case.namespace.startswith("torch")


def _case(name: str, error: Exception | None = None) -> registry.Case:
    def check(_: Any) -> None:
        if error is not None:
            raise error

    check.__name__ = name
    return registry.Case("torch.thing", registry.DOCS + "thing.html", check)


@pytest.mark.parametrize(
    ("listed", "error", "outcome", "ok"),
    [
        (False, None, runner.PASSED, True),
        (False, AssertionError("wrong"), runner.FAILED, False),
        (True, ValueError(), runner.KNOWN, True),
        (True, None, runner.FIXED, False),
    ],
)
def test_outcomes(listed: bool, error: Exception | None, outcome: str, ok: bool) -> None:
    case = _case("behaves", error)
    (result,) = runner.run([case], torch, {case.id: "why"} if listed else {}, io.StringIO())
    assert (result.outcome, result.ok) == (outcome, ok)
    assert runner.summarize([result], io.StringIO()) is ok


def test_a_failure_is_shown_with_its_message_and_page() -> None:
    out = io.StringIO()
    runner.run([_case("behaves", ValueError("3 is not 4"))], torch, {}, out)
    assert "failed: torch.thing:behaves\n    ValueError: 3 is not 4\n    https://" in out.getvalue()


def test_cases_leave_the_default_dtype_alone() -> None:
    def check(module: Any) -> None:
        module.set_default_dtype(module.float64)

    runner.run_case(registry.Case("torch.thing", "", check), torch, {})
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    ("line", "problem"),
    [("torch.a:b", "has no reason"), ("torch.c:d  # why", "names no case"), ("torch.a:b # why\ntorch.a:b # why", "repeated")],
)  # fmt: skip
def test_known_failures_need_a_case_and_a_reason(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "known.txt"
    path.write_text("# comment\n\n" + line + "\n")
    with pytest.raises(ValueError, match=problem):
        runner.read_known_failures(path, ["torch.a:b"])


def test_same_tells_dtype_shape_and_values_apart() -> None:
    registry.same(torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")]))
    for other in (torch.tensor([1, 2]), torch.tensor([[1.0, 2.0]]), torch.tensor([1.0, 2.1])):
        with pytest.raises(AssertionError):
            registry.same(torch.tensor([1.0, 2.0]), other)


def test_raises_wants_the_class_and_the_words() -> None:
    registry.raises(ValueError, "literal", int, "x")
    for kind, words in ((TypeError, "literal"), (ValueError, "other words")):
        with pytest.raises(AssertionError):
            registry.raises(kind, words, int, "x")
    with pytest.raises(AssertionError, match="raised nothing"):
        registry.raises(ValueError, "", int, "1")


def test_the_command_lists_runs_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list", "--only", "nn.Linear"]) == 0
    assert "torch.nn.Linear:says_which_shapes_do_not_fit" in capsys.readouterr().out
    path = tmp_path / "results.json"
    assert command.main(["--only", "torch.triu_indices", "--json", str(path)]) == 0
    record = json.loads(path.read_text())
    assert record["module"] == "torchax_lite" and [r["outcome"] for r in record["results"]] == ["passed"]
    with pytest.raises(SystemExit) as stop:
        command.main(["--only", "no.such.case"])
    assert stop.value.code == 2


def test_the_coverage_page_is_up_to_date() -> None:
    assert coverage.page(torch) == coverage.PAGE.read_text(), "run python -m compat_suite coverage"


def test_missing_names_are_found() -> None:
    module = SimpleNamespace(__name__="nowhere", add=1, nn=SimpleNamespace(__name__="nowhere.nn", Linear=int))
    names = {"torch": [(1, "add"), (2, "sub")], "torch.nn": [(1, "Linear"), (1, "Linear.bit_length"), (1, "Conv2d")]}
    assert coverage.missing(module, names) == {"torch": [(2, "sub")], "torch.nn": [(1, "Conv2d")]}


def test_malformed_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    for text in ("1 add\n", "[torch]\n4 add\n", "[torch]\nadd\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="names.txt, line"):
            coverage.read_names(path)
