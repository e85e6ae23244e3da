"""Twenty whole models: programs and compiles of torchax_lite, milliseconds a step, ratios to PyTorch eager and JAX.

    python benchmarks/model_table.py [MODEL …] [--torch-python PYTHON]

The models are those of `tests/model_programs`, whose losses are tested against PyTorch's; `sides/jax_models.py` has nine
of them written by hand for JAX. All sides of a model are processes that start together, stay alive and run in turns, a
block of steps at a time. Writes `results/model_table.json`, and the table as `results/model_table.md`.
"""

from __future__ import annotations

import statistics
from typing import Any

from harness import LABELS, Worker, arguments, interpreters, save, suffix, use_device

SIDES = ["torchax_lite", "torch", "jax"]
NAMES = (
    "mlp lenet resnet18 resnet50 vgg mobilenet unet dcgan vae lstm_tagger gru_tagger seq2seq transformer gpt bert vit"
    " mixer gcn realnvp dqn"
).split()
BY_HAND = {"mlp", "lenet", "resnet18", "vae", "lstm_tagger", "gpt", "vit", "mixer", "gcn"}
SCHEDULED = {"resnet50": 50}  # steps after which a model's schedule refuses more
WARM = 6  # steps before the first block: the first three or four compile
HEAD = (
    "| model | programs a step | compiled at first | later | ms a step | PyTorch | JAX | to PyTorch | to JAX |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def started(name: str, pythons: dict[str, str], result: dict[str, Any], versions: dict[str, Any]) -> dict[str, Worker]:
    """The workers of a model, past their first steps; those that fail are noted in the result."""
    workers = {
        side: Worker(python, side, f"model:{name}", wait=False)
        for side, python in pythons.items()
        if side != "jax" or name in BY_HAND
    }
    running = {}
    for side, worker in workers.items():
        try:
            first = worker.read()
            warm = worker.ask(f"run {WARM}")
            if side == "torchax_lite":
                result["compiles_at_first"] = sum(x[key] for x in (first, warm) for key in ("compiles", "disk_hits"))
            versions[side] = worker.ask("versions")
            running[side] = worker
        except RuntimeError as error:
            result["failed"][side] = str(error)
            print(f"{name}: failed: {LABELS[side]}: {error}")
    return running


def measure(name: str, pythons: dict[str, str], repeats: int, steps: int, versions: dict[str, Any]) -> dict[str, Any]:
    """Seconds a step of each side in turns, and what torchax_lite ran and compiled (or loaded from its disk cache)."""
    result: dict[str, Any] = {"failed": {}}
    workers = started(name, pythons, result, versions)
    seconds: dict[str, list[float]] = {side: [] for side in workers}
    cpu: dict[str, list[float]] = {side: [] for side in workers}
    executions = compiles = 0
    if name in SCHEDULED:
        steps = min(steps, (SCHEDULED[name] - WARM - 1) // repeats)
    for _ in range(repeats):
        for side, worker in workers.items():
            answer = worker.ask(f"run {steps}")
            seconds[side].append(answer["seconds"] / steps)
            cpu[side].append(answer["processor"] / steps)
            executions += answer.get("executions", 0)
            compiles += answer.get("compiles", 0) + answer.get("disk_hits", 0)
    for worker in workers.values():
        worker.close()
    if "torchax_lite" in workers:
        # Each block ends with one read of its own (the sum of the last result).
        result |= {"programs_per_step": executions / (repeats * steps) - 1 / steps, "compiles_later": compiles}
    medians = {side: statistics.median(values) for side, values in seconds.items()}
    ratios = {
        side: medians["torchax_lite"] / medians[side]
        for side in medians
        if side != "torchax_lite" and "torchax_lite" in medians
    }
    return result | {"seconds": seconds, "processor": cpu, "medians": medians, "ratios": ratios}


def row(name: str, result: dict[str, Any]) -> str:
    """A line of the table."""

    def cell(value: Any, form: str) -> str:
        return "–" if value is None else format(value, form)

    cells = [
        cell(result.get("programs_per_step"), ".2f"),
        cell(result.get("compiles_at_first"), "d"),
        cell(result.get("compiles_later"), "d"),
        *(cell(result["medians"][side] * 1e3 if side in result["medians"] else None, ".2f") for side in SIDES),
        *(cell(result["ratios"].get(side), ".2f") for side in SIDES[1:]),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = arguments(__doc__.partition("\n")[0], repeats=5, device=True)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--steps", type=int, default=20, help="steps of a block (all together at most 113)")
    options = parser.parse_args()
    use_device(options.device)
    if unknown := set(options.models) - set(NAMES):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    if options.repeats * options.steps + WARM + 1 > 120:
        parser.error("ResNet-50's schedule ends after 120 steps")
    pythons = interpreters(options, SIDES)
    results: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    lines = [HEAD]
    print(HEAD)
    for name in options.models or NAMES:
        results[name] = measure(name, pythons, options.repeats, options.steps, versions)
        lines.append(row(name, results[name]))
        print(lines[-1], flush=True)
    save(options, "model_table", results, versions)
    told = (
        "Made by `model_table.py`; machine and versions are in `model_table.json`. Medians; times in milliseconds; the "
        "last two columns are times of torchax_lite divided by the other's.\n\n"
    )
    (options.results / f"model_table{suffix(options)}.md").write_text(
        "# Twenty models\n\n" + told + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
