"""docs/compatibility.md: the results of a full run, as a page of the documentation."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .runner import KNOWN, PASS, RECORDED, Result

PAGE = Path(__file__).parent.parent / "docs" / "compatibility.md"

HEAD = """\
# Compatibility

What `python -m compat_suite` found on {date}. Written by `python -m compat_suite docs RESULTS.json`, never by hand; what
the suite is, and what the statuses mean: [compat-suite.md](compat-suite.md).

{versions}

**{passed:,} of {total:,} cases pass ({share})**: {semantic} of the hand-written ones, {recorded} of those recorded from
PyTorch's operator samples. They are about {apis:,} names of the API.

| namespace | cases | pass | | known failures | other failures |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


def text(results: Iterable[Result], about: Mapping[str, Any]) -> str:
    """The page."""
    results = sorted(results, key=lambda r: r.id)
    by_namespace: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for r in results:
        by_namespace[r.namespace][r.status] += 1
    counts = Counter(r.status for r in results)
    rows = [_row(f"`{name}`", c) for name, c in sorted(by_namespace.items())] + [_row("**all**", counts)]
    head = HEAD.format(
        date=about.get("date", "an unknown date"),
        versions=", ".join(f"{name} {value}" for name, value in _versions(about)) + ".",
        passed=counts[PASS],
        total=len(results),
        share=_percent(counts),
        semantic=_of(r for r in results if r.kind != RECORDED),
        recorded=_of(r for r in results if r.kind == RECORDED),
        apis=len({r.api for r in results}),
    )
    table = head + "\n".join(rows) + "\n" + entries(results)
    return table + _failures([r for r in results if r.status != PASS])


_ENTRIES = """
## Entries of the operator sample database

An entry passes in a form if all its recorded samples do.

| form | entries | pass | |
| --- | ---: | ---: | ---: |
"""

_CASE = re.compile(r"(?P<entry>.+)\[(?P<dtype>\w+)(?: rest \d+)?\] (?P<form>[a-z ]+)$")


def entries(results: Iterable[Result]) -> str:
    """How many entries pass in each form; forward and gradient in float32 apart from the other dtypes."""
    passing: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for r in results:
        found = _CASE.match(r.id.removeprefix(r.api + ":")) if r.kind == RECORDED else None
        if found is None:
            continue
        form = found["form"]
        if form in ("forward", "gradient"):
            form += " in float32" if found["dtype"] == "float32" else " in other dtypes"
        held = passing[form]
        held[found["entry"]] = held.get(found["entry"], True) and r.outcome == PASS
    if not passing:
        return ""
    rows = []
    for form in sorted(passing, key=lambda f: _ORDER.index(f) if f in _ORDER else len(_ORDER)):
        counts = Counter({PASS: sum(passing[form].values()), KNOWN: len(passing[form]) - sum(passing[form].values())})
        rows.append(f"| {form} | {counts.total():,} | {counts[PASS]:,} | {_percent(counts)} |")
    return _ENTRIES + "\n".join(rows) + "\n"


_ORDER = (
    "forward in float32", "gradient in float32", "forward in other dtypes", "gradient in other dtypes", "method",
    "in place", "out", "errors", "strides",
)  # fmt: skip


def _versions(about: Mapping[str, Any]) -> list[tuple[str, Any]]:
    named = [("PyTorch's API as of", "2.13"), ("Module:", about.get("module", "unknown"))]
    named += [(key, about[key]) for key in ("torchax_lite", "jax") if key in about]
    if "torchax_lite" not in about:
        named.append(("version", about.get("version", "unknown")))
    return named + [("Python", about.get("python", "unknown"))]


def _of(results: Iterable[Result]) -> str:
    counts = Counter(r.outcome == PASS for r in results)
    return f"{counts[True]:,} of {counts.total():,}"


def _row(name: str, counts: Counter[str]) -> str:
    rest = counts.total() - counts[PASS] - counts[KNOWN]
    return f"| {name} | {counts.total():,} | {counts[PASS]:,} | {_percent(counts)} | {counts[KNOWN]:,} | {rest:,} |"


def _percent(counts: Counter[str]) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{1000 * counts[PASS] // max(1, counts.total()) / 10:.1f} %"


def _failures(failures: list[Result]) -> str:
    if not failures:
        return ""
    by_reason: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for r in failures:
        by_reason[r.namespace, r.reason or f"{r.status}: {r.message}"].append(r)
    parts, last = ["\n## Cases that do not pass\n"], ""
    for (namespace, reason), group in sorted(by_reason.items(), key=lambda item: item[0]):
        if namespace != last:
            parts.append(f"\n### `{namespace}`\n")
            last = namespace
        parts.append(f"- {_plain(reason)}:")
        parts += [f"  - [`{r.id}`]({r.page})" for r in group]
    return "\n".join(parts) + "\n"


def _plain(reason: str) -> str:
    """One line, without what Markdown would take for markup."""
    line = " ".join(reason.split())
    line = line if len(line) <= 300 else line[:300] + " …"
    return "".join("\\" + c if c in "\\`*_[]<>|" else c for c in line).rstrip(".:")
