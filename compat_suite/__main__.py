"""``python -m compat_suite``: run the cases; ``python -m compat_suite coverage``: write docs/coverage.md."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from . import coverage, registry, runner

HOME = "torchax_lite"


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status: 0 if all is as expected, 1 if not, 2 for wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["coverage"]:
        return _coverage(given[1:])
    parser = argparse.ArgumentParser(prog="python -m compat_suite", description=registry.__doc__)
    parser.add_argument("--module", default=HOME, help="the module under test (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="PREFIX", help="cases whose name starts with this: nn.functional")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file")
    parser.add_argument("--list", action="store_true", help="print the cases and their pages; run nothing")
    chosen = parser.parse_args(given)
    everything = registry.load()
    cases = runner.select(everything, chosen.only)
    if not cases:
        parser.error(f"no case starts with {chosen.only!r}")
    if chosen.list:
        for case in cases:
            print(f"{case.id:<72} {case.page}")
        return 0
    module = importlib.import_module(chosen.module)
    known = runner.read_known_failures(runner.KNOWN_FAILURES, everything) if module.__name__ == HOME else {}
    results = runner.run(cases, module, known)
    ok = runner.summarize(results)
    if chosen.json:
        runner.write_json(results, module, chosen.json)
    return 0 if ok else 1


def _coverage(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite coverage", description=coverage.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    chosen = parser.parse_args(argv)
    if not coverage.PAGE.parent.is_dir():
        parser.error(f"{coverage.PAGE.parent} is no folder: run this in a checkout")
    text = coverage.page(importlib.import_module(HOME))
    if chosen.check:
        current = coverage.PAGE.exists() and coverage.PAGE.read_text() == text
        print(
            f"{coverage.PAGE.name} is {'up to date' if current else 'out of date: run python -m compat_suite coverage'}"
        )
        return 0 if current else 1
    coverage.PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
