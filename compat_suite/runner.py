"""Runs cases one by one, compares with the list of known failures, and sums up."""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from .registry import Case

KNOWN_FAILURES = Path(__file__).with_name("known_failures.txt")

PASSED, FAILED, KNOWN, FIXED = "passed", "failed", "known failure", "passes although listed"
"""Outcomes; ``FAILED`` and ``FIXED`` make the run fail."""


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    id: str
    namespace: str
    page: str
    outcome: str
    seconds: float
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the outcome is as expected."""
        return self.outcome in (PASSED, KNOWN)


def read_known_failures(path: Path, cases: Iterable[str]) -> dict[str, str]:
    """Reasons by case id from lines ``id  # reason``.

    Raises:
        ValueError: a line has no reason, names no case, or repeats one.
    """
    ids, known = set(cases), {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = (part.strip() for part in line.partition(" # "))
        problem = (
            "has no reason" if not reason else "names no case" if name not in ids else "is repeated" if name in known else ""
        )  # fmt: skip
        if problem:
            raise ValueError(f"{path.name}, line {number}: {name!r} {problem}")
        known[name] = reason
    return known


def select(cases: Mapping[str, Case], prefix: str) -> list[Case]:
    """The cases whose id starts with a prefix, with or without the leading ``torch.``."""
    return [c for name, c in sorted(cases.items()) if name.startswith((prefix, "torch." + prefix))]


def run_case(case: Case, torch: Any, known: Mapping[str, str]) -> Result:
    """Run a case from a fixed state: seed 0, float32, gradients enabled, default printing, no warning shown."""
    start, message = time.perf_counter(), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _reset(torch)
            with torch.enable_grad():
                case.check(torch)
    except Exception as error:
        message = _describe(error)
    finally:
        _reset(torch)
    success, failure = (FIXED, KNOWN) if case.id in known else (PASSED, FAILED)
    outcome = failure if message else success
    return Result(case.id, case.namespace, case.page, outcome, round(time.perf_counter() - start, 4), message)


def _reset(torch: Any) -> None:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")


def _describe(error: Exception) -> str:
    """The exception, and the line of the case that it came from."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).parent.name == "cases":
            place = f"{Path(frame.filename).name}:{frame.lineno}: "
    return f"{place}{type(error).__name__}: {error}".rstrip()


def run(cases: Iterable[Case], torch: Any, known: Mapping[str, str], out: TextIO = sys.stdout) -> list[Result]:
    """Run cases in order, a line of progress for each that is not as expected."""
    cases, results = list(cases), []
    clear = "\r\033[K" if out.isatty() else ""
    for i, c in enumerate(cases, 1):
        if out.isatty():
            print(f"{clear}[{i}/{len(cases)}] {c.id}", end="", file=out, flush=True)
        result = run_case(c, torch, known)
        results.append(result)
        if not result.ok:
            print(f"{clear}{result.outcome}: {result.id}", file=out)
            print(f"    {result.message or known[result.id]}\n    {result.page}", file=out)
    print(clear, end="", file=out)
    return results


def summarize(results: Iterable[Result], out: TextIO = sys.stdout) -> bool:
    """Print counts by namespace; whether every outcome is as expected."""
    results, by_namespace = list(results), defaultdict(Counter)
    for r in results:
        by_namespace[r.namespace][r.outcome] += 1
    for namespace, counts in sorted(by_namespace.items()):
        total = sum(counts.values())
        rest = "".join(
            f", {n} {outcome}{'s' * (n > 1 and outcome == KNOWN)}"
            for outcome, n in sorted(counts.items())
            if outcome != PASSED
        )
        print(f"{namespace:<32} {counts[PASSED]:>4} of {total} passed{rest}", file=out)
    passed, seconds = sum(r.outcome == PASSED for r in results), sum(r.seconds for r in results)
    print(f"{'all':<32} {passed:>4} of {len(results)} passed in {seconds:.1f} s", file=out)
    return all(r.ok for r in results)


def write_json(results: Iterable[Result], module: Any, path: Path) -> None:
    """The results and the module's version as JSON."""
    record = {"module": module.__name__, "version": str(module.__version__), "results": [asdict(r) for r in results]}
    path.write_text(json.dumps(record, indent=1) + "\n")
