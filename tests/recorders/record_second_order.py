"""Which entries of PyTorch's operator sample database have second derivatives: ``python tests/recorders/record_second_order.py``.

Run with a real PyTorch; writes the names to ``tests/data/second_order.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch.testing._internal.common_methods_invocations import op_db

OUT = Path(__file__).parent.parent / "data" / "second_order.json"


def main() -> None:
    """Write the names of the entries that say so in float64, with what PyTorch's own check does to the first input."""
    forms = {
        "gradcheck_wrapper_hermitian_input": "hermitian",
        "gradcheck_wrapper_triangular_input_real_positive_diagonal": "triangular",
    }
    names = {
        op.full_name: forms.get(op.gradcheck_wrapper.__name__, "")
        for op in op_db
        if op.supports_autograd and op.supports_gradgrad and torch.float64 in op.backward_dtypes
    }
    OUT.write_text(json.dumps(dict(sorted(names.items())), indent=0) + "\n")


if __name__ == "__main__":
    main()
