"""Random programs of view, in-place, index-write and read operations, the same for any module that is torch.

A program is made from a seed alone. :func:`run` plays it on ``torch`` (real or ours) with gradients;
:func:`run_numpy` plays the part of it that NumPy has, where a view is NumPy's own view.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

SHAPES = [(4, 6), (3, 2, 4), (12,), (2, 3, 2, 2)]


def make_view(rng: random.Random, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """One view operation for a tensor of this shape, as (name, arguments)."""
    n = len(shape)
    choices = ["flat", "newaxis"]
    if n:
        choices += ["select", "slice", "step", "reverse_dims", "swap"]
    if n >= 2:
        choices += ["diagonal"]
    name = rng.choice(choices)
    dim = rng.randrange(n) if n else 0
    if name == "select":
        return ("select", dim, rng.randrange(shape[dim])) if shape[dim] else ("flat",)
    if name == "slice":
        a = rng.randrange(shape[dim] + 1)
        b = rng.randrange(a, shape[dim] + 1)
        return ("slice", dim, a, max(b, min(a + 1, shape[dim])), 1)
    if name == "step":
        return ("slice", dim, rng.randrange(2) if shape[dim] > 1 else 0, shape[dim], 2)
    if name == "swap":
        return ("swap", dim, rng.randrange(n))
    if name == "diagonal":
        return ("diagonal", 0, 1)
    if name == "newaxis":
        return ("newaxis", rng.randrange(n + 1))
    return (name,)


def apply_view(x: Any, op: tuple[Any, ...], numpy: bool) -> Any:
    """Apply a view operation to a tensor or a NumPy array."""
    name = op[0]
    if name == "select":
        return x[(slice(None),) * op[1] + (op[2],)] if not numpy else x[(slice(None),) * op[1] + (op[2], ...)]
    if name == "slice":
        return x[(slice(None),) * op[1] + (slice(op[2], op[3], op[4]),)]
    if name == "swap":
        return np.swapaxes(x, op[1], op[2]) if numpy else x.transpose(op[1], op[2])
    if name == "reverse_dims":
        return x.transpose() if numpy else x.permute(*range(x.ndim - 1, -1, -1))
    if name == "diagonal":
        return (writable_diagonal(x) if numpy else x.diagonal(0, 0, 1)) if x.ndim >= 2 else x
    if name == "newaxis":
        return np.expand_dims(x, op[1]) if numpy else x.unsqueeze(op[1])
    if numpy:
        return x.reshape(-1) if x.flags.c_contiguous else x
    return x.view(-1) if x.is_contiguous() else x


def writable_diagonal(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The diagonal of the first two dims as a writable NumPy view."""
    made = np.diagonal(x, 0, 0, 1)
    made.flags.writeable = True
    return made


def write(x: Any, kind: str, amount: float, numpy: bool) -> None:
    """One in-place operation."""
    if kind == "add":
        if numpy:
            x += amount
        else:
            x.add_(amount)
    elif kind == "mul":
        if numpy:
            x *= amount
        else:
            x.mul_(amount)
    elif kind == "fill":
        if numpy:
            x[...] = amount
        else:
            x.fill_(amount)
    elif kind == "set":
        x[...] = amount
    elif kind == "index":
        if x.ndim and x.shape[0]:
            x[0] = amount
    elif kind == "copy_self":
        if numpy:
            x[...] = x * amount + 1
        else:
            x.copy_(x * amount + 1)
    elif kind == "gather_write":
        if x.ndim and x.shape[0] > 1:
            x[[0, x.shape[0] - 1]] = amount


WRITES = ["add", "mul", "fill", "set", "index", "copy_self", "gather_write"]


def program(seed: int, length: int = 14) -> list[tuple[Any, ...]]:
    """A list of steps: ("view", source, op), ("write", target, kind, amount), ("read", target)."""
    rng = random.Random(seed)
    shapes: list[tuple[int, ...]] = [SHAPES[seed % len(SHAPES)]]
    models = [np.zeros(shapes[0])]
    steps: list[tuple[Any, ...]] = []
    for _ in range(length):
        kind = rng.random()
        if kind < 0.4:
            source = rng.randrange(len(models))
            op = make_view(rng, models[source].shape)
            steps.append(("view", source, op))
            models.append(apply_view(models[source], op, True))
        elif kind < 0.85:
            steps.append(("write", rng.randrange(len(models)), rng.choice(WRITES), round(rng.uniform(-2, 2), 3)))
        else:
            steps.append(("read", rng.randrange(len(models))))
    return steps


def run_numpy(seed: int) -> list[np.ndarray[Any, Any]]:
    """Values read, then the final values of every view."""
    shape = SHAPES[seed % len(SHAPES)]
    tensors = [np.arange(np.prod(shape), dtype=np.float64).reshape(shape) / 7]
    reads = []
    for step in program(seed):
        if step[0] == "view":
            tensors.append(apply_view(tensors[step[1]], step[2], True))
        elif step[0] == "write":
            write(tensors[step[1]], step[2], step[3], True)
        else:
            reads.append(tensors[step[1]].copy())
    return reads + [t.copy() for t in tensors]


def run(torch: Any, seed: int) -> list[Any]:
    """The same on ``torch`` without gradients, as NumPy arrays."""
    shape = SHAPES[seed % len(SHAPES)]
    tensors = [torch.arange(int(np.prod(shape)), dtype=torch.float64).reshape(shape) / 7]
    reads = []
    for step in program(seed):
        if step[0] == "view":
            tensors.append(apply_view(tensors[step[1]], step[2], False))
        elif step[0] == "write":
            write(tensors[step[1]], step[2], step[3], False)
        else:
            reads.append(np.array(tensors[step[1]].tolist()).reshape(tuple(tensors[step[1]].shape)))
    return reads + [np.array(t.tolist()).reshape(tuple(t.shape)) for t in tensors]


def run_with_gradients(torch: Any, seed: int) -> dict[str, Any]:
    """The program on a non-leaf with history: values, the leaf's gradient, metadata of every view, or the error."""
    shape = SHAPES[seed % len(SHAPES)]
    leaf = (torch.arange(int(np.prod(shape)), dtype=torch.float64).reshape(shape) / 7).requires_grad_()
    tensors = [leaf * 1.5]
    try:
        for step in program(seed):
            if step[0] == "view":
                tensors.append(apply_view(tensors[step[1]], step[2], False))
            elif step[0] == "write":
                write(tensors[step[1]], step[2], step[3], False)
        total = sum((t * t).sum() * (i + 1) for i, t in enumerate(tensors))
        total.backward()
    except RuntimeError as error:
        return {"error": str(error).split(".")[0][:60]}
    return {
        "values": [np.round(np.array(t.detach().reshape(-1).tolist()), 9).tolist() for t in tensors],
        "grad": np.round(np.array(leaf.grad.reshape(-1).tolist()), 9).tolist(),
        "strides": [list(t.stride()) for t in tensors],
        "offsets": [t.storage_offset() for t in tensors],
        "versions": [t._version for t in tensors],
        "contiguous": [t.is_contiguous() for t in tensors],
    }
