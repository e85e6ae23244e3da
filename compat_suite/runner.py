"""What comes of one case: run it from a fixed state, tell the ways to fail apart, say what was expected and what came."""

from __future__ import annotations

import ast
import inspect
import json
import time
import traceback
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from .registry import RECORDED, Case, Mismatch, Missing, namespace_of, page_of

PASS, FAIL, MISSING, CRASH, TIMEOUT = "pass", "fail", "missing", "crash", "timeout"
"""Outcomes of a case by itself: a name or option that is not there is :data:`MISSING`."""

KNOWN, FIXED = "known failure", "unexpectedly passing"
"""What an outcome becomes when the case is on the list of known failures."""

STATUSES = (PASS, FAIL, MISSING, CRASH, TIMEOUT, FIXED, KNOWN)
"""Every status, in the order of reports."""

HERE = Path(__file__).parent
TAIL = 6
"""Lines of a traceback's end that are kept."""
LONGEST = 2000
"""Characters of a text that are kept."""


@dataclass(frozen=True)
class Result:
    """What came of one case.

    Attributes:
        id: the case.
        api: the name it is about.
        page: address of the documentation.
        kind: hand-written or recorded.
        outcome: by itself: :data:`PASS`, :data:`FAIL`, :data:`MISSING`, :data:`CRASH` or :data:`TIMEOUT`.
        seconds: how long it took.
        message: one line on what went wrong.
        expected: what was expected, where known.
        got: what came instead.
        trace: the end of the traceback, or of what the process wrote before it died.
        reason: why it is a known failure; empty if it is not listed.
    """

    id: str
    api: str
    page: str
    kind: str
    outcome: str
    seconds: float
    message: str = ""
    expected: str = ""
    got: str = ""
    trace: str = ""
    reason: str = ""

    @property
    def namespace(self) -> str:
        """What summaries group by."""
        return namespace_of(self.api)

    @property
    def status(self) -> str:
        """The outcome, compared with the list of known failures."""
        if not self.reason:
            return self.outcome
        return FIXED if self.outcome == PASS else KNOWN

    @property
    def ok(self) -> bool:
        """Whether the status is as expected."""
        return self.status in (PASS, KNOWN)


def select(cases: Mapping[str, Case], prefixes: Sequence[str] = ()) -> list[Case]:
    """The cases whose id starts with one of the prefixes, with or without the leading ``torch.``; all without any."""
    starts = tuple(start for prefix in prefixes for start in (prefix, "torch." + prefix))
    return [c for name, c in sorted(cases.items()) if not starts or name.startswith(starts)]


def quick(cases: Iterable[Case], share: int = 16) -> list[Case]:
    """The share that CI runs: every hand-written case, and of each API one recorded case in ``share``, at least one.

    Which ones depends only on the ids.
    """
    chosen: list[Case] = []
    recorded: dict[str, list[Case]] = {}
    for c in cases:
        if c.kind == RECORDED:
            recorded.setdefault(c.api, []).append(c)
        else:
            chosen.append(c)
    for group in recorded.values():
        group.sort(key=lambda c: crc32(c.id.encode()))
        chosen += group[: -(-len(group) // share)]
    return sorted(chosen, key=lambda c: c.id)


def run_case(case: Case, torch: Any) -> Result:
    """Run a case from a fixed state: seed 0, float32, gradients enabled, default printing, no warning shown."""
    start = time.perf_counter()
    outcome = PASS
    found: dict[str, str] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _reset(torch)
            with torch.enable_grad():
                case.check(torch)
    except Exception as error:
        outcome, found = _judge(error, case, torch)
    finally:
        _reset(torch)
    return result_of(case, outcome, time.perf_counter() - start, **found)


def result_of(case: Case, outcome: str, seconds: float, **found: str) -> Result:
    """A result of a case; texts are cut to :data:`LONGEST` characters."""
    texts = {k: v if len(v) <= LONGEST else v[:LONGEST] + " …" for k, v in found.items()}
    return Result(case.id, case.api, case.page, case.kind, outcome, round(seconds, 4), **texts)


def _reset(torch: Any) -> None:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")


def _judge(error: Exception, case: Case, torch: Any) -> tuple[str, dict[str, str]]:
    """The outcome that an exception stands for, and the texts of the result."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(HERE)]
    place = next((f"{Path(f.filename).name}:{f.lineno}: " for f in reversed(own) if f.name != "raises"), "")
    found = {"message": place + text, "got": text}
    if isinstance(error, Mismatch):
        found |= {"message": f"{place}{error}", "expected": f"{error.what} {error.expected}", "got": error.got}
    elif type(error) is AssertionError:
        found |= explain(error)
        found["message"] = place + (str(error) or f"not so: {found['expected']}{found['got'] and '; '}{found['got']}")
    elif own:
        found["expected"] = f"no exception in: {own[-1].line}"
    shown = [f for f in frames if Path(f.filename) != Path(__file__)]
    found["trace"] = "".join(traceback.format_list(shown)[-TAIL:]) + text
    return MISSING if _names_missing(error, case, torch) else FAIL, found


def _names_missing(error: BaseException, case: Case, torch: Any) -> bool:
    if isinstance(error, NotImplementedError | Missing):
        return True
    if not isinstance(error, AttributeError) or error.name is None:
        return False
    owner = error.obj if isinstance(error.obj, type | types.ModuleType) else type(error.obj)
    home = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    return error.name in case.api.split(".") or home.partition(".")[0] in (torch.__name__, "torch")


def explain(error: AssertionError) -> dict[str, str]:
    """What a failed ``assert`` expected and what it saw: the first part that does not hold, and its left side's value."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None:
        return {"expected": "", "got": ""}
    frame = at.tb_frame
    try:
        lines, first = inspect.getsourcelines(frame.f_code)
        tree = ast.parse(inspect.cleandoc("\n" + "".join(lines)))
        line = at.tb_lineno - first + 1
        asserts = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
        node = _first_false([n for n in asserts if n.lineno <= line <= (n.end_lineno or line)][-1].test, frame)
    except (OSError, SyntaxError, IndexError):
        return {"expected": str(error), "got": ""}
    expected = ast.unparse(node)
    if not isinstance(node, ast.Compare):
        return {"expected": expected, "got": ""}
    changed = _value(node, frame) == "True"  # what was seen then is gone: the value depended on the place or the time
    return {"expected": expected, "got": "" if changed else f"{ast.unparse(node.left)} is {_value(node.left, frame)}"}


def _first_false(test: ast.expr, frame: types.FrameType) -> ast.expr:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            if _value(part, frame) == "False":
                return _first_false(part, frame)
    return test


def _value(node: ast.expr, frame: types.FrameType) -> str:
    try:
        return repr(eval(compile(ast.Expression(node), "<case>", "eval"), frame.f_globals, frame.f_locals))
    except Exception as error:
        return f"unknown ({type(error).__name__})"


def with_reasons(results: Iterable[Result], known: Mapping[str, str]) -> Iterator[Result]:
    """The results with the reasons of those that are listed as known failures."""
    for result in results:
        yield replace(result, reason=known[result.id]) if result.id in known else result


def save(results: Iterable[Result], about: Mapping[str, Any], path: Path) -> None:
    """The results and what they are of, as JSON; what says nothing is left out."""
    rows = [
        {k: v for k, v in asdict(r).items() if v != "" and not (k == "page" and v == page_of(r.api))} for r in results
    ]
    path.write_text(json.dumps({**about, "results": rows}, indent=1) + "\n")


def read(path: Path) -> tuple[list[Result], dict[str, Any]]:
    """What :func:`save` wrote: the results, and what they are of."""
    record = json.loads(path.read_text())
    return [Result(**{"page": page_of(row["api"]), **row}) for row in record.pop("results")], record
