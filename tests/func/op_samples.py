"""Which op calls are compared with PyTorch under transforms: a float64 sample of each op, and it rounded to whole numbers."""

from __future__ import annotations

import numpy as np
import op_calls

AT_TIES = {
    "abs", "amax", "amin", "clamp", "clamp.tensor", "clamp_max", "clamp_min", "celu", "copysign", "cummax", "cummin", "cumprod",
    "dist", "elu", "fmax", "fmin", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "hypot", "l1_loss",
    "leaky_relu", "logaddexp", "logcumsumexp", "logsumexp", "max", "max.dim", "max.other", "maximum", "median", "median.dim",
    "min", "min.dim", "min.other", "minimum", "norm", "pow", "prelu", "prod", "prod.dim", "relu", "relu6", "sgn", "sign",
    "sinc", "smooth_l1_loss", "softshrink", "sort", "sqrt", "threshold", "topk", "trunc", "xlogy", "where", "fmod", "remainder",
    "linalg_vector_norm", "nn.functional.max_pool1d", "max_pool1d", "max_pool2d", "aminmax", "kthvalue", "mode", "cdist",
}  # fmt: skip
"""Ops whose derivative at ties, kinks or zeros is a convention."""


def chosen() -> list[tuple[str, str, op_calls.Call]]:
    """(label, PyTorch's name, call)."""
    first: dict[str, op_calls.Call] = {}
    for call in op_calls.calls(np.float64):
        op, arrays = call.op, call.arrays()
        if op_calls.public_name(op) is None or op.differentiable is False or op.inplace == "only":
            continue
        if not arrays or not all(a.size for a in arrays) or not any(a.dtype.kind == "f" for a in arrays):
            continue
        held = first.get(op.name)
        if held is None or (not any(a.ndim for a in held.arrays()) and any(a.ndim for a in arrays)):
            first[op.name] = call
    found = []
    for call in first.values():
        name = op_calls.public_name(call.op) or ""
        found.append((call.op.name, name, call))
        if call.op.name in AT_TIES:
            args, kwargs = call.replaced(_rounded)
            found.append(
                (f"{call.op.name} at ties", name, op_calls.Call(call.op, 0, type(call.sample)(tuple(args), kwargs)))
            )
    return found


def _rounded(x: object) -> object:
    return np.asarray(np.clip(np.round(x), -1, 1)) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
