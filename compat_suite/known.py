"""The lists of known failures: text files that say why a case is not passed yet, and that may only get shorter."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("known_failures")

_CEILING = re.compile(r"^# ceiling: (\d+)$", re.M)


def read(cases: Container[str], folder: Path = FOLDER) -> dict[str, str]:
    """Reasons by case id, from the lines ``case-id: reason`` of all files of a folder.

    Raises:
        ValueError: a line has no reason, names no case or one that is listed already; a file has no ceiling or more
            lines than it allows.
    """
    known: dict[str, str] = {}
    for path in sorted(folder.glob("*.txt")):
        for number, (name, reason) in _lines(path):
            problem = (
                "has no reason" if not reason else "names no case" if name not in cases else "is repeated" if name in known else ""
            )  # fmt: skip
            if problem:
                raise ValueError(f"{path.name}, line {number}: {name!r} {problem}")
            known[name] = reason
        if count(path) > ceiling(path):
            raise ValueError(f"{path.name} lists {count(path)} cases, its ceiling is {ceiling(path)}")
    return known


def count(path: Path) -> int:
    """How many cases a file lists."""
    return len(_lines(path))


def ceiling(path: Path) -> int:
    """How many cases a file may list: the number in its line ``# ceiling: N``.

    Raises:
        ValueError: there is no such line, or more than one.
    """
    found = _CEILING.findall(path.read_text())
    if len(found) != 1:
        raise ValueError(f"{path.name} needs one line '# ceiling: N'")
    return int(found[0])


def shrink(fixed: Mapping[str, object], folder: Path = FOLDER) -> int:
    """Take cases that pass off the lists and lower the ceilings; returns how many lines went."""
    gone = 0
    for path in sorted(folder.glob("*.txt")):
        passing = {number for number, (name, _) in _lines(path) if name in fixed}
        if passing:
            kept = [line for number, line in enumerate(path.read_text().splitlines(), 1) if number not in passing]
            path.write_text("\n".join(kept) + "\n")
            path.write_text(_CEILING.sub(f"# ceiling: {count(path)}", path.read_text()))
            gone += len(passing)
    return gone


def begin(path: Path, head: str, failures: Mapping[str, str]) -> None:
    """Write the first list of a kind of cases, which from then on only gets shorter.

    Args:
        path: the new file.
        head: what the list is about, a line of comment.
        failures: reasons by case id.

    Raises:
        FileExistsError: there is such a list; it is not for extending.
    """
    lines = [f"{name}: {' '.join(reason.split())[:300]}" for name, reason in sorted(failures.items())]
    with path.open("x") as file:
        file.write("\n".join([f"# {head}", f"# ceiling: {len(lines)}", *lines]) + "\n")


def _lines(path: Path) -> list[tuple[int, tuple[str, str]]]:
    """Line numbers, ids and reasons; an id may contain colons, but no colon followed by a blank."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.rstrip().removesuffix(":").partition(": ")
            found.append((number, (name.strip(), reason.strip())))
    return found
