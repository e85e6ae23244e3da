"""Records PyTorch's answers to ``tests/composite/expressions.py`` and ``operator_expressions.py``.

Run with real PyTorch: ``python tests/recorders/record_composites.py``; writes ``tests/data/composites.json.gz``.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from composite.expressions import FORWARD, GRADIENTS, Evaluator  # noqa: E402
from composite.operator_expressions import OPERATORS, helpers  # noqa: E402


def main() -> None:
    """Write the file."""
    evaluator = Evaluator(torch)
    recorded = {
        "torch": torch.__version__,
        "forward": {e: evaluator.forward(e) for e in FORWARD},
        "gradients": {e: evaluator.gradients(e) for e in GRADIENTS},
        "operators": {e: evaluator.forward(e, helpers) for e in OPERATORS},
    }
    with gzip.GzipFile(TESTS / "data" / "composites.json.gz", "wb", mtime=0) as f:
        f.write(json.dumps(recorded, separators=(",", ":")).encode())


if __name__ == "__main__":
    main()
