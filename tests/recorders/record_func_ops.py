"""Records forward mode and ``vmap`` of every op's first sample by PyTorch, into tests/data/func_ops.json.

    python tests/recorders/record_func_ops.py /path/to/python-with-torch

The samples come from this process (torchax_lite, no PyTorch); the other Python runs this file with ``--worker``.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "data" / "func_ops.json"


def worker() -> None:
    """Run the calls with PyTorch."""
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT / "tests" / "func"))
    from op_directions import summary

    def tensor(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return torch.from_numpy(np.array(x))
        if isinstance(x, np.dtype):
            return getattr(torch, x.name)
        return [tensor(y) for y in x] if isinstance(x, list) else x

    answers = []
    for name, args, kwargs in pickle.load(sys.stdin.buffer):
        fn: Any = torch
        for part in name.split(".")[1:]:
            fn = getattr(fn, part)
        found = summary(torch, fn, [tensor(a) for a in args], {k: tensor(v) for k, v in kwargs.items()})
        answers.append({k: [x.item() if isinstance(x, torch.Tensor) else x for x in v] for k, v in found.items()})
    pickle.dump(answers, sys.stdout.buffer)


def main(torch_python: str) -> None:
    """Collect the calls, have them answered, store the answers."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ops"), str(ROOT / "tests" / "func")]
    from op_samples import chosen

    calls = chosen()
    request = [(name, *call.replaced(lambda x: x)) for _, name, call in calls]
    done = subprocess.run(
        [torch_python, __file__, "--worker"],
        input=pickle.dumps(request, protocol=4),
        stdout=subprocess.PIPE,
        check=True,
    )
    lines = []
    for (label, _, _), answer in zip(calls, pickle.loads(done.stdout), strict=True):
        short = {k: [float(f"{x:.9g}") if isinstance(x, float) else x for x in v] for k, v in answer.items()}
        lines.append(f"{json.dumps(label)}: {json.dumps(short)}")
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["--worker"] else main(sys.argv[1])
