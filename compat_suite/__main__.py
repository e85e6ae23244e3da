"""``python -m compat_suite``: run the cases; see ``--help``, and docs/compat-suite.md."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import sys
import time
from datetime import date
from pathlib import Path

from . import coverage, known, page, progress, registry, report, runner
from .pool import Pool, StartError

HOME = "torchax_lite"
"""The module that is tested by default, and whose known failures are listed."""

EPILOG = """\
other commands:
  coverage            write docs/coverage.md: which public names exist, with which signatures
  docs RESULTS.json   write docs/compatibility.md from the results of a run
  entries RESULTS.json
                      how many entries of PyTorch's operator samples pass, by form
  html RESULTS.json REPORT.html
                      write the report of an earlier run
  shrink RESULTS.json take cases that pass off the lists of known failures
  begin RESULTS.json LIST
                      write a first list of known failures, for a new kind of cases; no list is ever extended

exit status: 0 all as expected; 1 a case fails that is not listed, or passes although it is; 2 wrong usage,
or the module does not import; 130 interrupted
"""


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status: 0 if all is as expected, 1 if not, 2 for wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    other = {
        "coverage": _coverage,
        "docs": _docs,
        "html": _html,
        "shrink": _shrink,
        "begin": _begin,
        "entries": _entries,
    }
    if given[:1] and given[0] in other:
        return other[given[0]](given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m compat_suite",
        description="Run documented behaviours of PyTorch against a module that offers its API.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--module", default=HOME, metavar="NAME", help="the module under test (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="PREFIX",
                        help="cases whose id starts with this, as nn.functional; may be repeated")  # fmt: skip
    parser.add_argument("--match", type=re.compile, metavar="REGEX", help="of these, cases whose id has this somewhere")
    parser.add_argument("--quick", action="store_true", help="a fixed share of the cases that takes a few minutes")
    parser.add_argument(
        "--jobs", type=_positive, default=os.cpu_count(), metavar="N", help="worker processes (default: cores)"
    )
    parser.add_argument(
        "--timeout", type=float, default=120.0, metavar="S", help="seconds a case may take (default: %(default)g)"
    )
    parser.add_argument(
        "--memory", type=float, default=8.0, metavar="GIB", help="a worker may occupy (default: %(default)g)"
    )
    parser.add_argument("--device", default="cpu", metavar="NAME",
                        help="put the inputs of the recorded cases there, as cuda; runs no others (default: cpu)")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report to a file: one page, for any browser"
    )
    parser.add_argument("--list", action="store_true", help="print the cases and their pages; run nothing")
    chosen = parser.parse_args(given)
    everything = registry.load()
    for prefix in chosen.only:
        if not runner.select(everything, [prefix]):
            parser.error(f"no case starts with {prefix!r}")
    cases = runner.select(everything, chosen.only)
    if chosen.match:
        cases = [case for case in cases if chosen.match.search(case.id)]
        if not cases:
            parser.error(f"no case matches {chosen.match.pattern!r}")
    if chosen.device != "cpu":
        cases = [case for case in cases if case.kind == registry.RECORDED]
    if chosen.quick:
        cases = runner.quick(cases)
    if chosen.list:
        for case in cases:
            print(f"{case.id:<72} {case.page}")
        return 0
    listed = known.read(everything) if chosen.module == HOME else {}
    pool = Pool(chosen.module, chosen.jobs, chosen.timeout, chosen.memory * 2**30, chosen.device)
    try:
        return _run(pool, cases, listed, chosen.json, chosen.html)
    except StartError as error:
        parser.error(f"cannot test {chosen.module!r}: {error}")


def _run(pool: Pool, cases: list[registry.Case], listed: dict[str, str], json: Path | None, html: Path | None) -> int:
    shown, results, interrupted = progress.Progress(len(cases), sys.stdout), [], False
    start = time.monotonic()
    try:
        with contextlib.closing(pool.run(cases)) as found:
            for result in runner.with_reasons(found, listed):
                results.append(result)
                shown.add(result)
    except KeyboardInterrupt:
        interrupted = True
    shown.clear()
    ok = progress.summarize(results, sys.stdout, of=len(cases))
    results.sort(key=lambda r: r.id)
    about = {**pool.about, "date": date.today().isoformat(), "seconds": round(time.monotonic() - start)}
    about |= {"interrupted": True} if interrupted else {}
    about |= {"device": pool.device} if pool.device != "cpu" else {}
    if json:
        runner.save(results, about, json)
    if html:
        html.write_text(report.text(results, about))
        print(f"report: {html}")
    return 130 if interrupted else 0 if ok else 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def _coverage(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite coverage", description=coverage.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    parser.add_argument("--mismatches", action="store_true", help="write nothing; print what does not resolve, and why")
    parser.add_argument(
        "--inventory", type=Path, metavar="JSON", help="write names.txt anew from an inventory of the API"
    )
    chosen = parser.parse_args(argv)
    if chosen.inventory:
        coverage.NAMES.write_text(coverage.extract(chosen.inventory))
    module = importlib.import_module(HOME)
    if chosen.mismatches:
        for finding in coverage.findings(module):
            print(finding)
        return 0
    return _write(parser, coverage.PAGE, coverage.page(module), "coverage", chosen.check)


def _docs(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite docs", description=page.__doc__)
    parser.add_argument("results", type=Path, help="what --json wrote for a full run")
    chosen = parser.parse_args(argv)
    return _write(parser, page.PAGE, page.text(*runner.read(chosen.results)), "docs", check=False)


def _write(parser: argparse.ArgumentParser, path: Path, text: str, command: str, check: bool) -> int:
    if not path.parent.is_dir():
        parser.error(f"{path.parent} is no folder: run this in a checkout")
    if check:
        current = path.exists() and path.read_text() == text
        print(f"{path.name} is {'up to date' if current else f'out of date: run python -m compat_suite {command}'}")
        return 0 if current else 1
    path.write_text(text)
    return 0


def _html(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite html", description=report.__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("report", type=Path)
    chosen = parser.parse_args(argv)
    chosen.report.write_text(report.text(*runner.read(chosen.results)))
    return 0


def _entries(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite entries", description=page.entries.__doc__)
    parser.add_argument("results", type=Path)
    print(page.entries(runner.read(parser.parse_args(argv).results)[0]).lstrip())
    return 0


def _shrink(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite shrink", description=known.shrink.__doc__)
    parser.add_argument("results", type=Path)
    results, _ = runner.read(parser.parse_args(argv).results)
    print(f"{known.shrink({r.id: r for r in results if r.outcome == runner.PASS})} cases taken off the lists")
    return 0


def _begin(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat_suite begin", description=known.begin.__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("list", help=f"name of the new file in {known.FOLDER.name}, as recorded.txt")
    chosen = parser.parse_args(argv)
    results, about = runner.read(chosen.results)
    failures = {r.id: r.message for r in results if not r.ok and r.outcome != runner.PASS}
    try:
        known.begin(known.FOLDER / chosen.list, f"Cases that {about['module']} does not pass yet.", failures)
    except FileExistsError:
        parser.error(f"{chosen.list} exists; a list of known failures only gets shorter")
    print(f"{len(failures)} cases listed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
