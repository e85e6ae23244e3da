"""Records what PyTorch makes of less used call forms: ``python tests/recorders/record_call_forms.py`` (real torch)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import torch.utils._pytree  # noqa: F401

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from call_forms import outcome  # noqa: E402

if __name__ == "__main__":
    cases = outcome(torch)
    target = TESTS / "data" / "call_forms.json"
    target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=0) + "\n")
    print(f"{len(cases)} cases, {sum(c.startswith('!') for c in cases.values())} errors, {target.stat().st_size} bytes")
