"""The command line: exit status, progress, files, interruption; and the share of cases that CI runs."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import compat_fakes
import pytest

from compat_suite import __main__ as command
from compat_suite import known, page, progress, registry, runner
from compat_suite.pool import Pool

ROOT = Path(command.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


STEPS = {registry.SEMANTIC: 1, registry.RECORDED: 12}
"""One case in this many of the quick share is a test; the rest of it is for ``python -m compat_suite --quick``."""


@pytest.mark.parametrize("kind", [registry.SEMANTIC, registry.RECORDED])
def test_the_quick_share_is_as_expected(kind: str) -> None:
    everything = registry.load()
    pool = Pool(command.HOME, jobs=os.cpu_count() or 1)
    share = runner.quick(c for c in everything.values() if c.kind == kind)[:: STEPS[kind]]
    results = runner.with_reasons(pool.run(share), known.read(everything))
    wrong = ["\n".join(progress.lines_of(r)) for r in results if not r.ok]
    assert not wrong, "\n".join(wrong)


def test_every_case_has_a_page_and_a_documented_name() -> None:
    for case in registry.load().values():
        assert case.page.startswith(registry.DOCS) and ".html" in case.page
        assert case.api.startswith("torch.")


def test_listing_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list", "--only", "nn.Linear:says", "--only", "torch.triu_indices:rows_above"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(registry.DOCS in line for line in lines)


@pytest.mark.parametrize(
    "argv",
    [
        ["--only", "no.such.case"],
        ["--jobs", "0"],
        ["--what"],
        ["--module", "no_such", "--only", "torch.triu_indices:rows_above"],
    ],
)
def test_wrong_usage_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(argv)
    assert stop.value.code == 2 and "error:" in capsys.readouterr().err


def test_a_run_writes_its_results_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"--json": tmp_path / "r.json", "--html": tmp_path / "r.html"}
    options = [str(part) for pair in files.items() for part in pair]
    status = command.main(
        ["--module", "compat_fakes", "--only", "torch.triu_indices:rows_above", "--jobs", "1", *options]
    )
    out = capsys.readouterr().out
    assert status == 1 and "missing: torch.triu_indices:rows_above_columns\n    " in out
    assert "0 of 1 pass, 1 missing" in out
    record = json.loads(files["--json"].read_text())
    assert record["module"] == "compat_fakes" and record["results"][0]["outcome"] == "missing"
    assert command.main(["html", str(files["--json"]), str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == files["--html"].read_text()


def _heed_interrupts() -> None:
    """A shell starts background jobs with SIGINT ignored, and so would be the program under test."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_interrupting_gives_a_partial_summary() -> None:
    program = subprocess.Popen(
        [sys.executable, "-u", "-m", "compat_suite", "--module", "compat_fakes", "--jobs", "1"],
        env={**ENVIRONMENT, "COMPAT_FAKES_PAUSE": "0.2"}, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=_heed_interrupts,
    )  # fmt: skip
    assert program.stdout is not None
    program.stdout.readline()
    os.killpg(program.pid, signal.SIGINT)
    rest = program.stdout.read()
    assert program.wait(20) == 130 and "interrupted: " in rest and "cases were not run" in rest


def _results() -> list[runner.Result]:
    checks = [compat_fakes.passes, compat_fakes.differs, compat_fakes.misses]
    cases = [registry.Case("torch.thing", registry.page_of("torch.thing"), c) for c in checks]
    return [runner.run_case(c, compat_fakes) for c in cases]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_redrawn_on_a_terminal_only() -> None:
    for out, marks in ((io.StringIO(), 0), (_Terminal(), 1)):
        shown = progress.Progress(3, out)
        for result in _results():
            shown.add(result)
        assert out.getvalue().count("of 3 (") >= marks and ("\r" in out.getvalue()) == bool(marks)
        assert "fail: torch.thing:differs\n    " in out.getvalue()


def test_a_known_failure_that_passes_says_what_to_do() -> None:
    (result,) = runner.with_reasons(_results()[:1], {"torch.thing:passes": "old"})
    out = io.StringIO()
    progress.Progress(1, out).add(result)
    assert "unexpectedly passing: torch.thing:passes" in out.getvalue() and "take it off the list" in out.getvalue()
    assert not progress.summarize([result], out)


def test_the_page_has_totals_and_reasons() -> None:
    results = list(runner.with_reasons(_results(), {"torch.thing:differs": "rounding *here*"}))
    text = page.text(results, {"module": "m", "version": "3", "python": "3.11", "date": "2026-01-02"})
    assert "found on 2026-01-02" in text and "**1 of 3 cases pass (33.3 %)**" in text
    assert "| `torch` | 3 | 1 | 33.3 % | 1 | 1 |" in text
    assert "- rounding \\*here\\*:\n  - [`torch.thing:differs`](https://" in text and "- missing: " in text
