"""Records what PyTorch returns for ``tests/nn/functional_cases.py``: run with a real PyTorch, writes two files.

    python tests/recorders/record_functional.py

``tests/data/functional.npz`` holds the values and gradients, ``functional.json`` shapes, dtypes and node names.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "nn"))

from functional_cases import CASES, run_case  # noqa: E402


def main() -> None:
    """Run every case and write the files."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arrays: dict[str, np.ndarray] = {}
    facts: dict[str, dict[str, object]] = {}
    for name, expression in CASES:
        leaves: list[torch.Tensor] = []
        outputs = run_case(expression, torch, F, np, leaves)
        facts[name] = {
            "node": [None if o.grad_fn is None else o.grad_fn.name() for o in outputs],
            "dtype": [str(o.dtype) for o in outputs],
            "grads": [leaf.grad is not None for leaf in leaves],
        }
        for i, out in enumerate(outputs):
            arrays[f"{name}/out{i}"] = out.detach().numpy()
        for i, leaf in enumerate(leaves):
            if leaf.grad is not None:
                arrays[f"{name}/grad{i}"] = leaf.grad.numpy()
    data = HERE.parent / "data"
    np.savez_compressed(data / "functional.npz", **arrays)
    (data / "functional.json").write_text(json.dumps(facts, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
