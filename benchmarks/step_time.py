"""Seconds per step in the steady state, and how often torchax_lite executes and compiles in it.

    python benchmarks/step_time.py [LOOP …] [--torch-python PYTHON]

Every side of a loop is a process of its own that stays alive; they run in turns, a block of steps at a time.
"""

from __future__ import annotations

from harness import LABELS, Worker, arguments, interpreters, save, table, use_device

#: loop -> (steps a block, what torchax_lite's time may be as a multiple of another side's)
LOOPS: dict[str, tuple[int, dict[str, float]]] = {
    "mlp": (100, {"jax": 1.15}),
    "lenet": (50, {"jax": 1.15}),
    "char_gpt": (15, {"jax": 1.15}),
    "vae": (100, {}),
    "lstm": (30, {}),
    "dqn": (100, {}),
    "pointwise": (50, {"torch": 1.5}),
    "gpt2": (10, {"jax": 1.15}),
}
ON_A_GPU = {"gpt2"}


def main() -> None:
    parser = arguments(__doc__.partition("\n")[0], device=True)
    parser.add_argument(
        "loops", nargs="*", metavar="LOOP", help=f"of {', '.join(LOOPS)}; all by default, gpt2 on a GPU only"
    )
    options = parser.parse_args()
    use_device(options.device)
    if unknown := set(options.loops) - set(LOOPS):
        parser.error(f"no such loop: {', '.join(sorted(unknown))}")
    pythons = interpreters(options)
    results, versions = {}, {}
    usual = [name for name in LOOPS if options.device != "cpu" or name not in ON_A_GPU]
    for name in options.loops or usual:
        steps, targets = LOOPS[name]
        workers: dict[str, Worker] = {}
        failed = {}
        for side, python in pythons.items():
            try:
                worker = Worker(python, side, name)
                worker.ask(f"run {max(5, steps // 5)}")  # warm up
                workers[side] = worker
                versions[side] = worker.ask("versions")
            except RuntimeError as error:
                failed[side] = str(error)
                print(f"{name}: failed: {LABELS[side]}: {error}")
        seconds: dict[str, list[float]] = {side: [] for side in workers}
        counts: dict[str, int] = {}
        for _ in range(options.repeats):
            for side, worker in workers.items():
                answer = worker.ask(f"run {steps}")
                seconds[side].append(answer.pop("seconds") / steps)
                for key, value in answer.items():
                    counts[key] = counts.get(key, 0) + value
        for worker in workers.values():
            worker.close()
        results[name] = table(name, seconds, targets)
        if counts:
            blocks, total = options.repeats, options.repeats * steps
            # Each block ends with one read of its own (the sum of the last result).
            per_step = (counts["executions"] - blocks) / total
            print(f"    executions per step {per_step:.2f}, compiles {counts['compiles']} in {total} steps")
            results[name] |= {"executions_per_step": per_step, "compiles": counts["compiles"], "steps": total}
        results[name]["failed"] = failed
    save(options, "step_time", results, versions)


if __name__ == "__main__":
    main()
