"""Joins the recorder's files, one by entry and dtype, into one file by family of names: what is committed.

``python -m compat_suite.recorder.collect FOLDER`` reads what ``python -m compat_suite.recorder --out FOLDER`` wrote.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
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


def collect(folder: Path, into: Path = DATA) -> int:
    """Write the families' files; returns their size together."""
    blocks: dict[str, dict[str, bytes]] = defaultdict(dict)
    notes: dict[str, dict[str, Any]] = defaultdict(dict)
    for path in sorted(folder.glob("*.rec")):
        name = path.name.removesuffix(".rec")
        record = codec.Archive(path)["record"]
        if not record["samples"] and not record["errors"]:
            continue
        blocks[family(name)][name] = codec.pack(record)
        notes[family(name)][name] = case_notes(record)
    into.mkdir(exist_ok=True)
    for old in into.glob("*.rec"):
        old.unlink()
    for name, entries in blocks.items():
        codec.write(into / f"{name}.rec", entries, notes[name])
    return sum(p.stat().st_size for p in into.glob("*.rec"))


def main(folders: Iterable[str]) -> None:
    """Collect each folder and say how large the result is."""
    for folder in folders:
        print(f"{collect(Path(folder)) / 2**20:.1f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
