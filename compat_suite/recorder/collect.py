"""Joins the recorder's files, one by entry and dtype, into one file by family of names: what is committed.

``python -m compat_suite.recorder.collect FOLDER`` reads what ``python -m compat_suite.recorder --out FOLDER`` wrote. A
second folder that holds every sample in float32 (``--limit 0``) adds those which the first does not have, forward and
gradient only.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import codec
from ..recorded import DATA, case_notes

SPACES = ("nn.functional", "linalg", "special", "fft", "masked", "signal")
"""Namespaces with a file of their own; the names of ``torch`` itself go by their first letter."""


def family(entry: str) -> str:
    """The file that holds an entry."""
    for space in SPACES:
        if entry.startswith(space + "."):
            return space
    first = entry.removeprefix("torch.").lstrip("_")[0].lower()
    return "torch-" + next(
        group for group in ("ab", "c", "d-f", "g-l", "m", "n-r", "s", "t-z") if _within(first, group)
    )


def _within(letter: str, group: str) -> bool:
    return group[0] <= letter <= group[-1]


PART = 200
"""Most samples of one record of the rest: what a case goes through."""


def rest(record: dict[str, Any], every: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The samples in a record of all that ``record`` lacks, in parts: names and records."""
    if not every.exists():
        return
    whole = codec.Archive(every)["record"]
    have = {s["i"] for s in record["samples"]}
    kept = [{k: v for k, v in s.items() if k not in _FORMS} for s in whole["samples"] if s["i"] not in have]
    for number, start in enumerate(range(0, len(kept), PART), 1):
        part = {
            **whole,
            "samples": kept[start : start + PART],
            "errors": [],
            "method": None,
            "inplace": None,
            "rest": 1,
        }
        yield f"{whole['entry']}@{whole['dtype']} rest {number}", part


_FORMS = ("method", "inplace", "outs")


def collect(folder: Path, every: Path | None = None, into: Path = DATA) -> int:
    """Write the families' files; returns their size together."""
    blocks: dict[str, dict[str, bytes]] = defaultdict(dict)
    notes: dict[str, dict[str, Any]] = defaultdict(dict)
    for path in sorted(folder.glob("*.rec")):
        name = path.name.removesuffix(".rec")
        record = codec.Archive(path)["record"]
        if not record["samples"] and not record["errors"]:
            continue
        parts = {name: record}
        if every is not None and record["dtype"] == "float32":
            parts |= dict(rest(record, every / path.name))
        for title, part in parts.items():
            blocks[family(name)][title] = codec.pack(part)
            notes[family(name)][title] = case_notes(part)
    into.mkdir(exist_ok=True)
    for old in into.glob("*.rec"):
        old.unlink()
    for name, entries in blocks.items():
        codec.write(into / f"{name}.rec", entries, notes[name])
    return sum(p.stat().st_size for p in into.glob("*.rec"))


def main(folders: list[str]) -> None:
    """Collect a folder, and the rest of the samples from another, and say how large the result is."""
    print(f"{collect(*map(Path, folders)) / 2**20:.1f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
