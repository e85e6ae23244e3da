"""Record the losses of `tests/model_programs` with PyTorch into `tests/data/model_losses.json`.

    python tests/recorders/record_models.py [MODEL …]        (an interpreter with PyTorch 2.13)

Losses have seven digits, from one thread. Beside them stands how far PyTorch stays with itself: the largest relative
difference of a loss to a run with two threads (another order of sums) and to runs whose weights were changed by 1e-7 of
themselves (a last bit) before the first step. What that changes, no other implementation can reproduce.
"""

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from model_programs import MODELS, losses  # noqa: E402

FILE = TESTS / "data" / "model_losses.json"


def spread(one, other):
    return max(abs(a - b) / abs(a) for a, b in zip(one, other))


def record(name):
    torch.set_num_threads(1)
    values = losses(name)
    nudged = max(spread(values, losses(name, nudge=nudge)) for nudge in (1e-7, -1e-7))
    torch.set_num_threads(2)
    threads = spread(values, losses(name))
    print(f"{name}: {values[0]:.5f} … {values[-1]:.5f}; nudged {nudged:.1e}, two threads {threads:.1e}", flush=True)
    return {
        "nudged": float(f"{nudged:.1e}"),
        "threads": float(f"{threads:.1e}"),
        "losses": [float(f"{value:.7g}") for value in values],
    }


def main():
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    recorded["torch"] = torch.__version__
    for name in sys.argv[1:] or MODELS:
        recorded[name] = record(name)
    ordered = {key: recorded[key] for key in ("torch", *MODELS) if key in recorded}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in ordered.items())
    FILE.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
