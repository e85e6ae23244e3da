"""Record torchvision's transforms: writes ``tests/data/vision_transforms.npz`` and ``.json.gz``.

    python tests/recorders/record_vision_transforms.py    (PyTorch 2.13, Pillow, and torchvision 0.29 without its needs)

The calls are those of ``tests/vision/vision_cases.py``, which the tests make with ours. Only torchvision's Python parts
are run: its binary parts do not load beside this PyTorch (see ``torchvision_parts.py``), and no case needs them.
"""

import gzip
import json
import pathlib
import sys
import warnings

import numpy as np
import torch
import torchvision
import torchvision_parts  # noqa: F401

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "data" / "vision_transforms"
sys.path.insert(0, str(HERE.parent / "vision"))

from vision_cases import CASES, WRONG, Env, text  # noqa: E402
from vision_results import flatten  # noqa: E402


def main():
    torch.set_num_threads(1)
    env = Env(torch, torchvision)
    arrays, facts, errors = {}, {}, {}
    for name, (_, fn) in CASES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            leaves, facts[name] = flatten(fn(env))
        for i, leaf in enumerate(leaves):
            arrays[f"{name}|{i}"] = leaf
    for name, fn in WRONG.items():
        try:
            fn(env)
        except Exception as error:
            errors[name] = [type(error).__name__, str(error)]
    # One array for each dtype: thousands of members would cost more than their values.
    index, blocks, ends = {}, {}, {}
    for key, a in arrays.items():
        coarse = CASES[key.partition("|")[0]][0] in ("near", "pixels") and a.dtype == np.float32
        stored = a.astype(np.float16) if coarse else a
        name = str(stored.dtype)
        index[key] = [str(a.dtype), name, ends.get(name, 0), list(a.shape)]
        blocks.setdefault(name, []).append(np.ascontiguousarray(stored).reshape(-1))
        ends[name] = ends.get(name, 0) + a.size
    np.savez_compressed(f"{OUT}.npz", **{k: np.concatenate(v) for k, v in blocks.items()})
    made = {
        "facts": facts, "index": index, "errors": errors, "text": text(env),
        "versions": [torch.__version__, torchvision.__version__],
    }  # fmt: skip
    with gzip.GzipFile(f"{OUT}.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(made, separators=(",", ":")).encode())
    print(len(CASES), "cases", len(arrays), "arrays", len(errors), "errors of", len(WRONG))


if __name__ == "__main__":
    main()
