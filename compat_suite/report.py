"""The report of a run: one self-contained web page, its data as JSON inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .registry import RECORDED, page_of
from .runner import STATUSES, Result

TEMPLATE = Path(__file__).with_name("report.html")


def text(results: Iterable[Result], about: Mapping[str, Any]) -> str:
    """The page: :data:`TEMPLATE` with the results in it."""
    # no "<" in the data: nothing in it can end the script element it stands in
    data = json.dumps(_compact(results, about), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE.read_text().replace("__DATA__", data)


def _compact(results: Iterable[Result], about: Mapping[str, Any]) -> dict[str, Any]:
    """APIs with their cases; a case is [name, status, recorded?, ms], and if there is more to say, a table of texts."""
    apis: dict[str, dict[str, Any]] = {}
    for r in sorted(results, key=lambda r: r.id):
        entry = apis.setdefault(r.api, {"n": r.namespace, "p": page_of(r.api), "c": []})
        row: list[Any] = [
            r.id.removeprefix(r.api + ":"),
            STATUSES.index(r.status),
            int(r.kind == RECORDED),
            round(r.seconds * 1000),
        ]
        said = {"m": r.message, "e": r.expected, "g": r.got, "t": r.trace, "r": r.reason}
        said = {key: value for key, value in said.items() if value}
        if r.page != page_of(r.api):
            said["p"] = r.page
        entry["c"].append([*row, said] if said else row)
    return {"about": dict(about), "statuses": STATUSES, "apis": apis}
