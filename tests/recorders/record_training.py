"""Record the losses of `tests/training_loops.py` with PyTorch into `tests/data/training.json`.

    python tests/recorders/record_training.py        (an interpreter with PyTorch 2.13 and scikit-learn)

Losses are kept with nine significant digits, which a float32 needs.
"""

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from training_loops import CASES  # noqa: E402


def main():
    torch.use_deterministic_algorithms(True)
    recorded = {"torch": torch.__version__}
    for name, (loop, arguments, tolerance) in CASES.items():
        runs = []
        for threads in (2, 1):  # the order of sums differs: what it changes, no one can reproduce
            torch.set_num_threads(threads)
            runs.append(loop(**arguments))
        spread = max(abs(a - b) / abs(b) for a, b in zip(*runs))
        assert spread < tolerance / 5, f"{name}: PyTorch with one and with two threads differs by {spread:.1e}"
        recorded[name] = [float(f"{x:.9g}") for x in runs[-1]]
        first, last, count = recorded[name][0], recorded[name][-1], len(runs[-1])
        print(f"{name}: {first:.6f} … {last:.6f} ({count} steps, PyTorch against itself {spread:.1e})")
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in recorded.items())
    (TESTS / "data" / "training.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
