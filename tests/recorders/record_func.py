"""Record what PyTorch gives for the programs with transforms. Run with PyTorch: ``python tests/recorders/record_func.py``."""

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from autograd_programs import outcome  # noqa: E402
from func_programs import PROGRAMS  # noqa: E402

if __name__ == "__main__":
    recorded = {name: outcome(fn, torch) for name, fn in PROGRAMS.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(result)}" for name, result in recorded.items()]
    (TESTS / "data" / "func.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
