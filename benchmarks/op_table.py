"""Every registered op on about a million elements: milliseconds of a core a call, and the ratio to PyTorch eager.

    python benchmarks/op_table.py [OP …] [--torch-python PYTHON]

The calls are those of `sides/op_loops.py`, forward and with gradients. Both sides are processes that stay alive and run
in turns, pinned to the same core. Processor time is measured, of each side's best block: other programs of the machine
do not count. `op_table.md` is written next to the JSON file: the ten worst, then every op.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
from typing import Any

from harness import LABELS, Worker, arguments, environment, interpreters, save

SIDES = ["torch", "torchax_lite"]
KINDS = {"op": "forward", "grad": "with gradients"}
BLOCK = 0.03  # seconds that a block of calls should take, about
WARM = 8  # calls before which compiling has to end
LONGEST = 120  # characters that are kept of an error

_VIEW = "PyTorch's is a view or the tensor itself; here a program ran"
_WALK = "rejection sampling walks PyTorch's own stream number by number, in Python"
_SORT = "sorts all; PyTorch selects"
_LIBM = "values are those of the C library to the bit, called for each number"
NOTES: dict[str, str] = {
    **dict.fromkeys("conj_physical positive select squeeze.all squeeze.dims unsqueeze view view.dtype".split(), _VIEW),
    **dict.fromkeys("view_as_complex view_as_real _unsafe_view unfold diagonal isreal".split(), _VIEW),
    **dict.fromkeys("random_binomial random_dirichlet random_poisson random_standard_gamma".split(), _WALK),
    **dict.fromkeys("_standard_gamma_sample _dirichlet_sample".split(), _WALK),
    **dict.fromkeys("median nanmedian median.dim nanmedian.dim kthvalue mode quantile nanquantile".split(), _SORT),
    **dict.fromkeys("random_cauchy random_log_normal random_geometric".split(), _LIBM),
    "embedding_bag_reduce": "XLA adds rows one scatter at a time; PyTorch has a kernel of its own (FBGEMM)",
    "_segment_reduce": "XLA's scatter adds one element after another",
    "linalg_ldl_factor_ex": "a loop of XLA programs' steps over columns; PyTorch calls LAPACK",
    "linalg_ldl_solve": "as linalg_ldl_factor_ex",
    **dict.fromkeys(("cummax", "cummin"), "a loop over rows that carries value and position"),
    "sin": "XLA calls a scalar function for each element",
    "cos": "XLA calls a scalar function for each element",
    "tan": "XLA calls a scalar function for each element",
}
"""Why an op is slower than PyTorch's, where that is known."""


def asked(python: str, code: str) -> list[str]:
    """The words that a line of Python prints, run where the calls and the package are found."""
    paths = os.pathsep.join([environment()["PYTHONPATH"], os.path.join(os.path.dirname(__file__), "sides")])
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": paths}
    )
    return done.stdout.split()


def names_of_ops(python: str) -> list[str]:
    """The registered ops that have a call; one that has neither a call nor a reason for it is an error."""
    install = "import torchax_lite; torchax_lite.install(); import op_loops; "
    registered = asked(python, "from torchax_lite.ops import families, registry; print(*sorted(registry.OPS))")
    calls = asked(python, install + "print(*op_loops.CALLS)")
    without = asked(python, install + "print(*op_loops.WITHOUT)")
    if odd := set(registered) ^ {*calls, *without}:
        raise SystemExit(f"sides/op_loops.py is not up to date: {', '.join(sorted(odd))}")
    return sorted(calls)


def prepare(worker: Worker, loop: str) -> tuple[str, int]:
    """Build a loop and have it compiled: (the error or "", calls of a block)."""
    answer = worker.ask(f"build {loop}")
    if "error" in answer:
        return answer["error"].partition("\n")[0][:LONGEST], 0
    for _ in range(WARM):
        answer = worker.ask("run 1")
        if not answer.get("compiles"):
            break
    return "", max(1, min(30, round(BLOCK / max(answer["processor"], 1e-4))))


def measure(loop: str, workers: dict[str, Worker], repeats: int) -> dict[str, Any]:
    """Seconds of the processor a call of all sides, in turns, and their ratio."""
    blocks, result = {}, {}
    for side, worker in workers.items():
        error, steps = prepare(worker, loop)
        if error:
            result.setdefault("failed", {})[side] = error
        else:
            blocks[side] = steps
    seconds: dict[str, list[float]] = {side: [] for side in blocks}
    for _ in range(repeats if "torchax_lite" in blocks else 0):
        for side, steps in blocks.items():
            seconds[side].append(workers[side].ask(f"run {steps}")["processor"] / steps)
    result["best"] = {side: min(values) for side, values in seconds.items() if values}
    if len(result["best"]) == len(SIDES):
        result["ratio"] = result["best"]["torchax_lite"] / max(result["best"]["torch"], 1e-9)
    return result


def markdown(results: dict[str, Any], machine: str) -> str:
    """The table for readers, worst ops first."""
    lines = [
        "# Ops on a million elements",
        "",
        f"Milliseconds of a core a call, and torchax_lite / PyTorch eager ({machine}).",
    ]
    lines += ["Made by `benchmarks/op_table.py`; the calls are in `benchmarks/sides/op_loops.py`.", ""]
    for kind, title in KINDS.items():
        timed = {name: r[kind] for name, r in results.items() if "ratio" in r.get(kind, {})}
        worst = sorted(timed, key=lambda name: -timed[name]["ratio"])
        if not worst:
            continue
        ratios = [timed[name]["ratio"] for name in worst]
        lines += [f"## {title.capitalize()}", ""]
        lines += [
            f"{len(worst)} ops; median ratio {statistics.median(ratios):.2f}; "
            f"{sum(r > 10 for r in ratios)} above 10, {sum(r > 3 for r in ratios)} above 3, "
            f"{sum(r <= 1 for r in ratios)} at most 1.",
            "",
            "The ten worst: " + ", ".join(f"`{name}` ({timed[name]['ratio']:.1f})" for name in worst[:10]) + ".",
            "",
        ]
        lines += ["| op | torchax_lite | PyTorch | ratio | |", "| --- | --- | --- | --- | --- |"]
        for name in worst:
            ours, theirs = (timed[name]["best"][side] * 1e3 for side in reversed(SIDES))
            note = NOTES.get(name, "") if timed[name]["ratio"] > 2 else ""
            lines.append(f"| `{name}` | {ours:.2f} | {theirs:.2f} | {timed[name]['ratio']:.2f} | {note} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = arguments(__doc__.partition("\n")[0], repeats=5)
    parser.add_argument("ops", nargs="*", metavar="OP", help="all by default")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # the workers inherit it
    pythons = interpreters(options, SIDES)
    names = names_of_ops(options.lite_python)
    if unknown := set(options.ops) - set(names):
        parser.error(f"no such op: {', '.join(sorted(unknown))}")
    run(options, pythons, options.ops or names)


def run(options: argparse.Namespace, pythons: dict[str, str], names: list[str]) -> None:
    """Measure, print and save."""
    workers = {
        side: Worker(python, side, "ops", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1") for side, python in pythons.items()
    }
    versions = {side: worker.ask("versions") for side, worker in workers.items()}
    results: dict[str, Any] = {}
    for name in names:
        results[name] = {kind: measure(f"{kind}:{name}", workers, options.repeats) for kind in options.kinds}
        for kind, result in results[name].items():
            shown = "  ".join(f"{LABELS[side]} {value * 1e3:.2f} ms" for side, value in result["best"].items())
            ratio = f"  ratio {result['ratio']:.2f}" if "ratio" in result else ""
            print(f"{name}, {KINDS[kind]}: {shown}{ratio}  {result.get('failed', '')}", flush=True)
    for worker in workers.values():
        worker.close()
    if options.ops:
        return  # the files hold whole runs only
    save(options, "op_table", results, versions)
    machine = f"PyTorch {versions['torch']['torch']}, one thread"
    path = options.results / "op_table.md"
    path.write_text(markdown(results, machine))
    print(f"written: {path}")


if __name__ == "__main__":
    main()
