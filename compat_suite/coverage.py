"""Which of PyTorch's public names exist here: ``names.txt`` against the module, as a page of the documentation."""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path
from typing import Any

NAMES = Path(__file__).with_name("names.txt")
PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"

Names = dict[str, list[tuple[int, str]]]
"""Namespace -> (tier, name) in the order of the file."""

HEAD = """\
# Coverage

Which public names of PyTorch 2.13 exist in `torchax_lite`, by namespace. Written by `python -m compat_suite coverage`
from `compat_suite/names.txt`; a test fails when it is out of date.

Tier 1: what ordinary training and inference scripts use. Tier 2: the rest of the documented tensor, `nn`, `optim`,
data and `linalg` surface. Tier 3: special fields and devices. A name counts as there if it can be looked up; what an
option of it does not do yet raises `NotImplementedError` when it is used.

| namespace | tier 1 | tier 2 | tier 3 | missing |
| --- | ---: | ---: | ---: | ---: |
"""


def read_names(path: Path = NAMES) -> Names:
    """The reference list.

    Raises:
        ValueError: a line is malformed, or stands before the first namespace.
    """
    names: Names = {}
    current: list[tuple[int, str]] | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = names.setdefault(line[1:-1], [])
            continue
        tier, _, name = line.partition(" ")
        if current is None or tier not in ("1", "2", "3") or not name:
            raise ValueError(f"{path.name}, line {number}: expected 'tier name' below a [namespace], got {line!r}")
        current.append((int(tier), name))
    return names


def exists(module: Any, dotted: str) -> bool:
    """Whether a dotted name can be looked up from a module, submodules included."""
    at = module
    for part in dotted.split("."):
        try:
            at = getattr(at, part)
        except (AttributeError, ImportError):
            try:
                at = importlib.import_module(f"{at.__name__}.{part}")
            except (AttributeError, ImportError):
                return False
    return type(at).__name__ != "_Missing"  # torch.cuda's names without a counterpart: they raise when used


def missing(module: Any, names: Names) -> Names:
    """The names that cannot be looked up; every namespace stays."""
    lost: Names = {}
    for namespace, entries in names.items():
        prefix = namespace.removeprefix("torch").removeprefix(".")
        lost[namespace] = [(t, n) for t, n in entries if not exists(module, f"{prefix}.{n}" if prefix else n)]
    return lost


def page(module: Any) -> str:
    """The text of ``docs/coverage.md``."""
    names = read_names()
    lost = missing(module, names)
    rows, lists = [], []
    for namespace, entries in names.items():
        cells = []
        for tier in (1, 2, 3):
            total = sum(t == tier for t, _ in entries)
            here = total - sum(t == tier for t, _ in lost[namespace])
            cells.append(f"{here} of {total}" if total else "")
        rows.append(f"| `{namespace}` | {' | '.join(cells)} | {len(lost[namespace])} |")
        for tier in (1, 2, 3):
            absent = [n for t, n in lost[namespace] if t == tier]
            if absent:
                lists.append(f"`{namespace}`, tier {tier}:\n\n" + _wrapped(absent) + "\n")
    body = "\n## Missing\n\n" + "\n".join(lists) if lists else ""
    return HEAD + "\n".join(rows) + "\n" + body


def _wrapped(names: list[str]) -> str:
    return textwrap.fill(", ".join(f"`{n}`" for n in names), 120, break_long_words=False, break_on_hyphens=False)
