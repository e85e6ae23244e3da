"""Seconds to import, to the first small op after the import, and to the first finished training step.

    python benchmarks/start_time.py [--torch-python PYTHON]

Every measurement is a fresh process. The first step is measured twice for each turn: with an empty compile cache, and
again in a second process that finds what the first one left. JAX's own program runs with JAX's defaults (no cache on
disk).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time

from harness import LABELS, Worker, arguments, environment, interpreters, python_version, save, table

IMPORTS = {"torch": "import torch", "jax": "import jax, jax.numpy, optax", "torchax_lite": "import torchax_lite"}
FIRST_OPS = {
    "torch": "import torch as t; {begin}; y = (t.ones(3) + 1).tolist()",
    "jax": "import jax.numpy as t; {begin}; y = (t.ones(3) + 1).tolist()",
    "torchax_lite": "import torchax_lite as t; {begin}; y = (t.ones(3) + 1).tolist()",
}
FIRST_STEPS = ["mlp", "lenet", "char_gpt"]


def timed(python: str, code: str, cache: str) -> float:
    """The seconds that `code` measures between {begin} and its end, in a fresh process."""
    program = code.replace("{begin}", "import time; a = time.perf_counter()")
    program += "; import json; print(json.dumps(time.perf_counter() - a))"
    result = subprocess.run(
        [python, "-c", program], env=environment(TORCHAX_LITE_CACHE_DIR=cache), capture_output=True, text=True
    )
    if result.returncode:
        raise RuntimeError(result.stderr.strip().splitlines()[-1])
    return float(json.loads(result.stdout.splitlines()[-1]))


def first_step(python: str, side: str, loop: str, cache: str) -> float:
    """Seconds from starting the process to the end of the first step."""
    begun = time.perf_counter()
    worker = Worker(python, side, loop, TORCHAX_LITE_CACHE_DIR=cache)
    seconds = time.perf_counter() - begun
    worker.close()
    return seconds


def main() -> None:
    options = arguments(__doc__.partition("\n")[0], repeats=5).parse_args()
    pythons = interpreters(options, ["torch", "jax", "torchax_lite"])
    results = {}

    with tempfile.TemporaryDirectory() as cache:
        for side, python in pythons.items():
            timed(python, "{begin}; " + IMPORTS[side], cache)  # leaves its bytecode behind
        for title, codes, targets in (
            ("import", {side: "{begin}; " + code for side, code in IMPORTS.items()}, {"torch": 0.8}),
            ("first small op after the import", FIRST_OPS, {}),
        ):
            seconds: dict[str, list[float]] = {side: [] for side in pythons}
            for _ in range(options.repeats):
                for side, python in pythons.items():
                    seconds[side].append(timed(python, codes[side], cache))
            results[title] = table(title, seconds, targets)
        if "torchax_lite" in pythons:
            cold = []
            for turn in range(options.repeats):
                cold.append(timed(pythons["torchax_lite"], FIRST_OPS["torchax_lite"], f"{cache}/{turn}"))
            middle = statistics.median(cold)
            verdict = "met" if middle <= 0.3 else "MISSED"
            print(f"    torchax_lite with an empty cache: {middle * 1e3:.0f} ms  ({verdict}: at most 300)")
            results["first small op, empty cache"] = cold

    for loop in FIRST_STEPS:
        first: dict[str, list[float]] = {side: [] for side in pythons}
        second: dict[str, list[float]] = {side: [] for side in pythons}
        for _ in range(options.repeats):
            for side, python in pythons.items():
                with tempfile.TemporaryDirectory() as cache:
                    try:
                        first[side].append(first_step(python, side, loop, cache))
                        second[side].append(first_step(python, side, loop, cache))
                    except RuntimeError as error:
                        print(f"{loop}: failed: {LABELS[side]}: {error}")
        results[f"{loop}: first step"] = table(f"{loop}: process start to first step", first, {"jax": 1.0})
        results[f"{loop}: first step, second process"] = table(
            f"{loop}: the same, second process", second, {"jax": 0.5}
        )
    save(options, "start_time", results, {side: python_version(python) for side, python in pythons.items()})


if __name__ == "__main__":
    main()
