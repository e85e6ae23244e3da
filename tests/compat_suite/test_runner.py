"""What comes of a case: outcomes, texts, selection, the table of cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import compat_fakes
import pytest

from compat_suite import registry, runner
from compat_suite.registry import RECORDED, Case, Mismatch, Missing, namespace_of, page_of


def _case(check: Any, name: str = "behaves", api: str = "torch.thing") -> Case:
    return Case(api, page_of(api), check, name)


def _raise(error: Exception) -> Any:
    def check(_: Any) -> None:
        raise error

    return check


def _result(check: Any, **changes: Any) -> runner.Result:
    return runner.run_case(_case(check, **changes), compat_fakes)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AssertionError("wrong"), runner.FAIL),
        (ValueError(), runner.FAIL),
        (NotImplementedError("thing(x=): not yet"), runner.MISSING),
        (Missing("name", "torch.thing", "nothing"), runner.MISSING),
        (AttributeError("no", name="thing", obj=3), runner.MISSING),
        (AttributeError("no", name="nowhere", obj=compat_fakes), runner.MISSING),
        (AttributeError("no", name="nowhere", obj=3), runner.FAIL),
    ],
)
def test_outcomes(error: Exception, outcome: str) -> None:
    assert _result(_raise(error)).outcome == outcome
    assert _result(compat_fakes.passes).outcome == runner.PASS


def test_a_mismatch_tells_both_sides() -> None:
    result = _result(_raise(Mismatch("dtype", "torch.int64", "torch.int32")))
    assert (result.expected, result.got) == ("dtype torch.int64", "torch.int32")
    assert result.message.endswith("dtype torch.int32, expected torch.int64") and "Mismatch" in result.trace


def test_a_failed_assert_tells_the_part_that_does_not_hold() -> None:
    def check(_: Any) -> None:
        size, rank = 3, 2
        assert rank == 2 and size + 1 == 5 and rank == 7

    result = _result(check)
    assert (result.expected, result.got) == ("size + 1 == 5", "size + 1 is 4")


def test_long_texts_are_cut() -> None:
    assert len(_result(_raise(ValueError("x" * 99999))).message) < 2 * runner.LONGEST


@pytest.mark.parametrize(
    ("outcome", "reason", "status", "ok"),
    [
        (runner.PASS, "", runner.PASS, True),
        (runner.FAIL, "", runner.FAIL, False),
        (runner.CRASH, "why", runner.KNOWN, True),
        (runner.PASS, "why", runner.FIXED, False),
    ],
)
def test_known_failures_change_the_status(outcome: str, reason: str, status: str, ok: bool) -> None:
    result = runner.result_of(_case(compat_fakes.passes), outcome, 0.0)
    (result,) = runner.with_reasons([result], {result.id: reason} if reason else {})
    assert (result.status, result.ok) == (status, ok)


def test_results_survive_a_file(tmp_path: Path) -> None:
    results = [_result(compat_fakes.passes), _result(compat_fakes.differs, name="differs")]
    runner.save(results, {"module": "m"}, tmp_path / "r.json")
    assert runner.read(tmp_path / "r.json") == (results, {"module": "m"})


def test_selection_by_prefix_with_or_without_torch() -> None:
    cases = {
        c.id: c for c in (_case(compat_fakes.passes, api=api) for api in ("torch.nn.Linear", "torch.nnx", "torch.add"))
    }
    assert [c.api for c in runner.select(cases, ["nn.", "torch.add"])] == ["torch.add", "torch.nn.Linear"]
    assert len(runner.select(cases)) == 3


def test_the_quick_share_is_fixed_and_has_every_name() -> None:
    recorded = [Case(f"torch.op{i % 5}", "", compat_fakes.passes, str(i), RECORDED) for i in range(200)]
    written = _case(compat_fakes.passes)
    share = runner.quick([*recorded, written], share=16)
    assert share == runner.quick([written, *reversed(recorded)], share=16)
    assert written in share and {c.api for c in share} >= {c.api for c in recorded} and len(share) == 1 + 5 * 3


@pytest.mark.parametrize(
    ("api", "namespace"),
    [
        ("torch.add", "torch"),
        ("torch.nn.Module.to", "torch.nn"),
        ("torch.Tensor.add_", "torch.Tensor"),
        ("torch.autograd", "torch.autograd"),
        ("torch.nn.functional.relu", "torch.nn.functional"),
        ("torch.Generator.seed", "torch"),
    ],
)
def test_namespaces(api: str, namespace: str) -> None:
    assert namespace_of(api) == namespace


def test_raises_wants_the_class_and_the_words() -> None:
    registry.raises(ValueError, "literal", int, "x")
    for kind, words in ((TypeError, "literal"), (ValueError, "other words")):
        with pytest.raises(Mismatch, match="ValueError: invalid literal"):
            registry.raises(kind, words, int, "x")
    with pytest.raises(Mismatch, match="no exception, the result 1"):
        registry.raises(ValueError, "", int, "1")
    with pytest.raises(NotImplementedError):
        registry.raises(RuntimeError, "words", _raise(NotImplementedError("no such option")), None)
    registry.raises(NotImplementedError, "no such", _raise(NotImplementedError("no such option")), None)


def test_two_cases_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="torch.thing:behaves is registered twice"):
        registry._add({}, [_case(compat_fakes.passes)] * 2)


@pytest.mark.parametrize(
    ("api", "page"),
    [
        ("torch.add", "generated/torch.add.html"),
        ("torch.Tensor.add_", "generated/torch.Tensor.add_.html"),
        ("torch.nn.Module", "generated/torch.nn.Module.html"),
        ("torch.nn.Module.to", "generated/torch.nn.Module.html#torch.nn.Module.to"),
        ("torch.optim.Optimizer.step", "generated/torch.optim.Optimizer.step.html"),
        ("torch.special.zeta", "special.html#torch.special.zeta"),
        ("torch.inference_mode", "generated/torch.autograd.grad_mode.inference_mode.html"),
    ],
)
def test_addresses_of_the_documentation(api: str, page: str) -> None:
    assert page_of(api) == registry.DOCS + page
