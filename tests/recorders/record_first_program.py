"""Records what PyTorch prints for ``tests/data/lenet.py``: ``ONEDNN_MAX_CPU_ISA=AVX2 python …`` (real torch).

The AVX-512 kernels add a convolution's bias last, and so print other last digits than the AVX2 ones.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import torch

DATA = Path(__file__).resolve().parent.parent / "data"

if __name__ == "__main__":
    source = (DATA / "lenet.py").read_text()
    texts = {}
    for seed in range(30):
        torch.manual_seed(seed)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(source, {})
        texts[str(seed)] = out.getvalue()
    (DATA / "lenet.json").write_text(json.dumps(texts, indent=0) + "\n")
