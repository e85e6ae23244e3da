"""One side of one benchmark, in its own process: builds a loop, then runs it whenever it is told to.

    worker.py SIDE LOOP        SIDE: torch, torch-compiled, jax, torchax_lite
    worker.py SIDE model:NAME  a model of tests/model_programs, or of sides/jax_models.py

Answers each line on stdin with one line of JSON on stdout: "run N" with the seconds that N steps took, on the clock and
of all processors (and, for torchax_lite, the engine's counts), "versions" with the versions in use. The first answer
comes unasked, after the first step: seconds for import, building and the first step.
"""

import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def counts(side):
    if side != "torchax_lite":
        return {}
    from torchax_lite import engine

    seen = engine.stats()
    return {"executions": seen.executions, "compiles": seen.compiles, "disk_hits": seen.disk_hits}


def versions(side):
    import platform

    import numpy

    found = {"python": platform.python_version(), "numpy": numpy.__version__}
    for name in ("torch", "jax", "jaxlib", "optax"):
        if name in sys.modules:
            found[name] = str(sys.modules[name].__version__)
    return found


def main():
    side, name = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")  # whatever a library prints goes to stderr, not between the answers
    os.dup2(2, 1)
    sys.path[:0] = [str(HERE / "sides"), str(HERE.parent)]

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    begun = time.perf_counter()
    if side == "torchax_lite":
        import torchax_lite

        torchax_lite.install()
    if side == "jax":
        import importlib

        loops = importlib.import_module("jax_models" if name.startswith("model:") else "jax_loops")
    elif name.startswith("model:"):
        sys.path.insert(0, str(HERE.parent / "tests"))
        import model_loops as loops
    else:
        import torch_loops as loops
    imported = time.perf_counter()
    step = loops.LOOPS[name](*([] if side == "jax" else [side == "torch-compiled"]))
    loops.wait(step())
    answer(imports=imported - begun, first_step=time.perf_counter() - imported, **counts(side))

    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "versions":
            answer(**versions(side))
        elif command == "run":
            steps, before = int(arguments[0]), counts(side)
            start, start_cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                result = step()
            loops.wait(result)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
            after = counts(side)
            answer(seconds=seconds, cpu_seconds=cpu_seconds, **{key: after[key] - before[key] for key in after})


if __name__ == "__main__":
    main()
