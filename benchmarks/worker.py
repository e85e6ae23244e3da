"""One side of one benchmark, in its own process: builds a loop, then runs it whenever it is told to.

    worker.py SIDE LOOP        SIDE: torch, torch-compiled, jax, torchax_lite
    worker.py SIDE model:NAME  a model of tests/model_programs, or of sides/jax_models.py
    worker.py SIDE ops         single ops: "build LOOP" makes one of sides/op_loops.py the loop that runs

Answers each line on stdin with one line of JSON on stdout: "run N" with the seconds that N steps took and those of
processor time (and, for torchax_lite, the engine's counts), "versions" with the versions in use. The first answer comes unasked, after the
first step: seconds for import, building and the first step.
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
    device = os.environ.get("BENCHMARK_DEVICE", "cpu")
    if side != "jax" and device != "cpu":
        import torch

        torch.set_default_device(device)
    if side == "jax":
        import importlib

        loops = importlib.import_module("jax_models" if name.startswith("model:") else "jax_loops")
    elif name.startswith("model:"):
        sys.path.insert(0, str(HERE.parent / "tests"))
        import model_loops as loops
    elif name == "ops":
        import op_loops as loops
    else:
        import torch_loops as loops
    imported = time.perf_counter()

    def built(loop):
        step = loops.LOOPS[loop](*([] if side == "jax" else [side == "torch-compiled"]))
        loops.wait(step())
        return step

    step = None if name == "ops" else built(name)
    answer(imports=imported - begun, first_step=time.perf_counter() - imported, **counts(side))

    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "versions":
            answer(**versions(side))
        elif command == "build":
            step = None  # frees the inputs of the loop before
            try:
                step = built(*arguments)
                answer()
            except Exception as error:
                answer(error=f"{type(error).__name__}: {error}")
        elif command == "run":
            steps, before = int(arguments[0]), counts(side)
            start, processor = time.perf_counter(), time.process_time()
            if name == "ops":
                for _ in range(steps):
                    loops.wait(step())  # each one: what nobody looks at is not computed
            else:
                for _ in range(steps):
                    result = step()
                loops.wait(result)
            seconds, processor = time.perf_counter() - start, time.process_time() - processor
            after = counts(side)
            answer(seconds=seconds, processor=processor, **{key: after[key] - before[key] for key in after})


if __name__ == "__main__":
    main()
