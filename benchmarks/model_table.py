"""Twenty whole models: programs and compiles of torchax_lite, milliseconds a step, and the ratio to PyTorch eager.

    python benchmarks/model_table.py [MODEL …] [--torch-python PYTHON]

The models are those of `tests/model_programs`, whose losses are tested against PyTorch's. Both sides are processes that
stay alive and run in turns, a block of steps at a time.
"""

from __future__ import annotations

import statistics
from typing import Any

from harness import LABELS, Worker, arguments, interpreters, save

SIDES = ["torch", "torchax_lite"]
NAMES = (
    "mlp lenet resnet18 resnet50 vgg mobilenet unet dcgan vae lstm_tagger gru_tagger seq2seq transformer gpt bert vit"
    " mixer gcn realnvp dqn"
).split()
WARM = 6  # steps before the first block: the first three or four compile


def measure(name: str, pythons: dict[str, str], repeats: int, steps: int, versions: dict[str, Any]) -> dict[str, Any]:
    """Seconds a step of each side in turns, and what torchax_lite ran and compiled."""
    workers: dict[str, Worker] = {}
    result: dict[str, Any] = {"failed": {}, "seconds": {}}
    for side, python in pythons.items():
        try:
            worker = Worker(python, side, f"model:{name}")
            first = worker.first | worker.ask(f"run {WARM}")
            if side == "torchax_lite":
                result["compiles_at_first"] = worker.first["compiles"] + first["compiles"]
            workers[side] = worker
            versions[side] = worker.ask("versions")
        except RuntimeError as error:
            result["failed"][side] = str(error)
            print(f"{name}: failed: {LABELS[side]}: {error}")
    result["seconds"] = {side: [] for side in workers}
    executions = compiles = 0
    for _ in range(repeats):
        for side, worker in workers.items():
            answer = worker.ask(f"run {steps}")
            result["seconds"][side].append(answer["seconds"] / steps)
            executions += answer.get("executions", 0)
            compiles += answer.get("compiles", 0)
    for worker in workers.values():
        worker.close()
    if "torchax_lite" in workers:
        # Each block ends with one read of its own (the sum of the last result).
        result |= {"programs_per_step": executions / (repeats * steps) - 1 / steps, "compiles_later": compiles}
    result["medians"] = {side: statistics.median(values) for side, values in result["seconds"].items()}
    if len(result["medians"]) == len(SIDES):
        result["ratio"] = result["medians"]["torchax_lite"] / result["medians"]["torch"]
    return result


def row(name: str, result: dict[str, Any]) -> str:
    """A line of the table."""

    def cell(value: Any, form: str) -> str:
        return "-" if value is None else format(value, form)

    medians = {side: value * 1e3 for side, value in result["medians"].items()}
    cells = [
        cell(result.get("programs_per_step"), ".2f"),
        f"{result.get('compiles_at_first', '-')} + {result.get('compiles_later', '-')}",
        *(cell(medians.get(side), ".2f") for side in reversed(SIDES)),
        cell(result.get("ratio"), ".2f"),
    ]
    return f"| {name:11} | " + " | ".join(f"{text:>9}" for text in cells) + " |"


def main() -> None:
    parser = arguments(__doc__.partition("\n")[0], repeats=5)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--steps", type=int, default=20, help="steps of a block")
    options = parser.parse_args()
    if unknown := set(options.models) - set(NAMES):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    pythons = interpreters(options, SIDES)
    results: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    print("| model       |  programs |  compiles |   lite ms |  torch ms |     ratio |")
    print("| ----------- | --------- | --------- | --------- | --------- | --------- |")
    for name in options.models or NAMES:
        results[name] = measure(name, pythons, options.repeats, options.steps, versions)
        print(row(name, results[name]), flush=True)
    save(options, "model_table", results, versions)


if __name__ == "__main__":
    main()
