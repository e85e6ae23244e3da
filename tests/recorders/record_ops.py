"""Records what PyTorch answers to every op's samples, into tests/data/ops.npz.

    python tests/recorders/record_ops.py /path/to/python-with-torch

The samples come from this process (torchax_lite, no PyTorch); the other Python runs this file with ``--worker``, reads
the calls from its standard input and writes PyTorch's results to its standard output.
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
TARGET = ROOT / "tests" / "data" / "ops.npz"
DTYPES = ("float32", "int64", "complex64", "bfloat16", "bool")
WITH_GRADIENTS = ("float32", "complex64")


def worker() -> None:
    """Run the calls with PyTorch."""
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)

    def tensor(x: Any) -> Any:
        if isinstance(x, tuple) and len(x) == 3 and x[0] == "array":
            t = torch.from_numpy(np.array(x[1]))
            return t.view(torch.bfloat16) if x[2] == "bfloat16" else t
        if isinstance(x, tuple) and len(x) == 2 and x[0] == "dtype":
            return getattr(torch, x[1])
        return [tensor(y) for y in x] if isinstance(x, list) else x

    def numpy(t: Any) -> tuple[Any, str]:
        t = t.detach().resolve_conj().resolve_neg().contiguous()
        name = str(t.dtype)[6:]
        return (t.view(torch.int16) if name == "bfloat16" else t).numpy(force=True), name

    answers = []
    for call in pickle.load(sys.stdin.buffer):
        try:
            fn: Any = torch
            for part in call["name"].split(".")[1:]:
                fn = getattr(fn, part)
            args = [tensor(a) for a in call["args"]]
            kwargs = {k: tensor(v) for k, v in call["kwargs"].items()}
            leaves = []
            for value in (*args, *kwargs.values()):
                leaves.extend(x for x in (value if isinstance(value, list) else [value]) if isinstance(x, torch.Tensor))
            if call["gradients"]:
                for x in leaves:
                    x.requires_grad_(x.is_floating_point() or x.is_complex())
            try:
                value = fn(*args, **kwargs)
            except (RuntimeError, NotImplementedError) as error:
                if "deriv" not in str(error) and "differentiation" not in str(error):
                    raise
                for x in leaves:
                    x.requires_grad_(False)
                value = fn(*args, **kwargs)
            results = list(value) if isinstance(value, (tuple, list)) else [value]
            if not all(isinstance(r, torch.Tensor) for r in results):
                raise TypeError("not tensors")
            answer: dict[str, Any] = {"results": [numpy(r) for r in results]}
            diff = [(i, r) for i, r in enumerate(results) if r.requires_grad]
            if diff:
                if diff[0][1].grad_fn is not None:
                    answer["grad_fn"] = diff[0][1].grad_fn.name()
                cts = []
                for i, r in diff:
                    rng = np.random.default_rng([call["seed"], i])
                    ct = rng.standard_normal(tuple(r.shape))
                    if r.is_complex():
                        ct = ct + 1j * rng.standard_normal(tuple(r.shape))
                    cts.append(torch.from_numpy(np.asarray(ct)).to(r.dtype))
                wanted = [x for x in leaves if x.requires_grad]
                try:
                    grads = torch.autograd.grad([r for _, r in diff], wanted, cts, allow_unused=True)
                    answer["grads"] = [None if g is None else numpy(g) for g in grads]
                except (NotImplementedError, RuntimeError) as error:
                    if "derivative" not in str(error):
                        raise
        except Exception as error:  # noqa: BLE001  (whatever PyTorch raises is the answer)
            answer = {"error": type(error).__name__, "text": str(error)[:60]}
        answers.append(answer)
    pickle.dump(answers, sys.stdout.buffer)


def main(torch_python: str) -> None:
    """Collect the calls, have them answered, store the answers."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ops")]
    import op_calls

    def plain(x: Any) -> Any:
        if isinstance(x, np.dtype):
            return ("dtype", x.name)
        name = x.dtype.name
        return ("array", x.view(np.int16) if name == "bfloat16" else x, name)

    requests, entries = [], []
    for dtype in DTYPES:
        for call in op_calls.calls(op_calls.numpy_dtype(dtype)):
            name = op_calls.public_name(call.op)
            if name is None or (dtype != DTYPES[0] and call.index >= op_calls.FEW):
                continue
            args, kwargs = call.replaced(plain)
            gradients = dtype in WITH_GRADIENTS and bool(call.op.differentiable)
            requests.append(
                {"name": name, "args": args, "kwargs": kwargs, "gradients": gradients, "seed": op_calls.SEED}
            )
            entries.append({"op": call.op.name, "dtype": dtype, "index": call.index, "crc": call.checksum()})
    command = [torch_python, __file__, "--worker"]
    done = subprocess.run(command, input=pickle.dumps(requests, protocol=4), stdout=subprocess.PIPE, check=True)
    blob = bytearray()

    def stored(item: Any) -> Any:
        if item is None:
            return None
        array, name = item
        blob.extend(np.ascontiguousarray(array).tobytes())
        return [name, list(array.shape)]

    for entry, answer in zip(entries, pickle.loads(done.stdout), strict=True):
        if "error" in answer:
            entry["error"] = [answer["error"], answer["text"]]
            continue
        entry["results"] = [stored(r) for r in answer["results"]]
        if "grad_fn" in answer:
            entry["grad_fn"] = answer["grad_fn"]
        if "grads" in answer:
            entry["grads"] = [stored(g) for g in answer["grads"]]
    np.savez_compressed(
        TARGET, index=np.frombuffer(json.dumps(entries).encode(), np.uint8), data=np.frombuffer(bytes(blob), np.uint8)
    )
    errors = sum("error" in e for e in entries)
    print(f"{len(entries)} calls ({errors} raise), {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    if "--worker" in sys.argv:
        worker()
    else:
        main(sys.argv[1])
