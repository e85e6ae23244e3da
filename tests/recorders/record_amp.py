"""Records PyTorch's results of ``tests/amp_programs.py``: ``python tests/recorders/record_amp.py`` with a real PyTorch."""

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from amp_programs import record  # noqa: E402

(TESTS / "data" / "amp.json").write_text(json.dumps(record(torch), indent=0, allow_nan=True) + "\n")
