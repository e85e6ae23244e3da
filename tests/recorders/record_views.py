"""Records what PyTorch makes of the random view programs: ``python tests/recorders/record_views.py`` (real torch)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from view_programs import run_with_gradients  # noqa: E402

COUNT = 40

if __name__ == "__main__":
    cases = [run_with_gradients(torch, seed) for seed in range(COUNT)]
    target = TESTS / "data" / "views.json"
    target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
    print(f"{len(cases)} programs, {sum('error' in c for c in cases)} errors, {target.stat().st_size} bytes")
