"""One case's crash, hang or hunger is that case's failure and nobody else's."""

from __future__ import annotations

import multiprocessing

import compat_fakes
import pytest

from compat_suite import runner
from compat_suite.pool import Pool, StartError


@pytest.fixture(scope="module")
def results() -> dict[str, runner.Result]:
    pool = Pool("compat_fakes", jobs=2, timeout=2.0, memory=0.4 * 2**30, load="compat_fakes.load")
    found = list(pool.run(list(compat_fakes.load().values())))
    assert pool.about["module"] == "compat_fakes" and pool.about["version"] == "1.5"
    assert len(found) == len({r.id for r in found}) == 12
    return {r.id.partition(":")[2]: r for r in found}


def test_all_others_pass(results: dict[str, runner.Result]) -> None:
    assert [name for name, r in results.items() if r.outcome == runner.PASS and "_" in name] == []
    assert sum(r.outcome == runner.PASS for r in results.values()) == 5


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("02_differs", runner.FAIL, "values [1, 3], expected [1, 2]"),
        ("03_misses", runner.MISSING, "has no attribute 'nowhere'"),
        ("04_leaves", runner.CRASH, "the process ended: exit status 3"),
        ("05_stops", runner.CRASH, "the process ended: exit status 1"),
        ("06_faults", runner.CRASH, "the process ended: SIGSEGV"),
        ("07_hangs", runner.TIMEOUT, "no result after 2 s"),
        ("08_grows", runner.CRASH, "GiB of memory, the limit is 0.4 GiB"),
    ],
)
def test_each_end_is_told_apart(results: dict[str, runner.Result], name: str, outcome: str, words: str) -> None:
    assert results[name].outcome == outcome and words in results[name].message


def test_what_a_dead_process_wrote_is_shown(results: dict[str, runner.Result]) -> None:
    assert "last words" in results["04_leaves"].trace
    assert "in faults" in results["06_faults"].trace and "in hangs" in results["07_hangs"].trace


def test_no_worker_is_left(results: dict[str, runner.Result]) -> None:
    assert multiprocessing.active_children() == []


def test_workers_end_when_the_results_are_not_wanted_any_more() -> None:
    run = Pool("compat_fakes", load="compat_fakes.load").run(list(compat_fakes.load().values())[:2])
    next(run)
    run.close()
    assert multiprocessing.active_children() == []


def test_a_module_that_does_not_import_is_an_error() -> None:
    with pytest.raises(StartError, match="No module named 'no_such_module'"):
        list(Pool("no_such_module", load="compat_fakes.load").run(list(compat_fakes.load().values())))
