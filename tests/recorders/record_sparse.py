"""Records what PyTorch makes of the sparse programs: ``python tests/recorders/record_sparse.py`` (real torch)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from sparse_programs import outcome  # noqa: E402

if __name__ == "__main__":
    cases = outcome(torch)
    target = TESTS / "data" / "sparse.json"
    target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=0) + "\n")
    print(f"{len(cases)} cases, {sum(c.startswith('!') for c in cases.values())} errors, {target.stat().st_size} bytes")
