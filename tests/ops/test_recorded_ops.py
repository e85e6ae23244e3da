"""Every declared op against PyTorch's recorded results (``tests/recorders/record_ops.py``)."""

from __future__ import annotations

import functools
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import op_calls
import pytest

import torchax_lite as torch

DATA = Path(__file__).resolve().parents[1] / "data" / "ops.npz"
DTYPES = ("float32", "int64", "complex64", "bfloat16", "bool")
TOLERANCE = {"float32": 2e-5, "float64": 1e-10, "complex64": 2e-5, "complex128": 1e-10, "bfloat16": 1.6e-2}


WIDER = {("index_put", "TypeError"), ("index_fill", "IndexError")}
"""(op, PyTorch's exception) where the declared op takes more than PyTorch's public function."""
OTHER_GRADIENTS = {("as_strided_scatter", "float32"), ("as_strided_scatter", "complex64"), ("cumprod", "complex64")}
"""(op, dtype) whose PyTorch 2.13 gradient is not the derivative: it is zero where it should flow, or is taken of
another function than the forward (a product cast from complex to real)."""

OTHER_VALUES = {("div", "bool"), ("rnn_tanh_cell", "int64")}
"""(op, dtype) that are not compared: XLA reads a bool times x as a selection, so 0 / 0 is 0; cells of integers."""

FREE_INDICES = {"kthvalue", "topk", "median", "nanmedian", "mode"}
"""Ops whose indices among equal elements PyTorch leaves open."""

STRICT = {
    "activation", "binary", "comparison", "extremum", "integer", "order_statistics", "power", "reduction", "scan",
    "selection", "softmax", "sorting", "special", "unary", "vector_norm",
}  # fmt: skip
"""Families that refuse the dtypes that PyTorch refuses, and with its exception. The others may know more dtypes, and
may refuse those that no script uses (products of bools) otherwise."""


class Recorded:
    """One call's recorded answer."""

    def __init__(self, entry: dict[str, Any], take: Any) -> None:
        self.crc: int = entry["crc"]
        self.error: list[str] | None = entry.get("error")
        self.grad_fn: str | None = entry.get("grad_fn")
        self.results = [take(x) for x in entry.get("results", ())]
        self.grads = [take(x) for x in entry["grads"]] if "grads" in entry else None


@functools.cache
def recorded() -> dict[tuple[str, str, int], Recorded]:
    """All answers by (op, dtype, sample)."""
    with np.load(DATA) as stored:
        index = json.loads(stored["index"].tobytes())
        data = stored["data"].tobytes()
    at = 0

    def take(item: Any) -> Any:
        nonlocal at
        if item is None:
            return None
        dtype, shape = op_calls.numpy_dtype(item[0]), tuple(item[1])
        size = int(np.prod(shape)) * dtype.itemsize
        at += size
        return np.frombuffer(data[at - size : at], dtype).reshape(shape)

    return {(e["op"], e["dtype"], e["index"]): Recorded(e, take) for e in index}


def tensor(x: Any) -> Any:
    """A tensor for an array, a torch dtype for a NumPy dtype."""
    return getattr(torch, x.name) if isinstance(x, np.dtype) else torch.tensor(x)


def leaves_of(values: Any) -> list[Any]:
    """The tensors among arguments, lists flattened."""
    found: list[Any] = []
    for value in values:
        found.extend(x for x in (value if isinstance(value, list) else [value]) if isinstance(x, torch.Tensor))
    return found


def function(name: str) -> Any:
    """The function that PyTorch calls ``name``."""
    space, _, last = name.rpartition(".")
    holder = torch.Tensor if space == "torch.Tensor" else importlib.import_module("torchax_lite" + space[5:])
    return getattr(holder, last)


class Value:
    """A tensor to compare: what NumPy cannot hold is converted while everything is still being recorded."""

    def __init__(self, t: Any) -> None:
        self.dtype = str(t.dtype)[6:]
        self.shape = tuple(t.shape)
        plain = t.detach().resolve_conj()
        self.tensor = plain.float() if self.dtype == "bfloat16" else plain

    def numpy(self) -> np.ndarray:
        """The values; the first call runs all that was recorded."""
        return self.tensor.numpy()


def difference(ours: Value, theirs: np.ndarray) -> str | None:
    """What is wrong with a result; None if nothing."""
    name = theirs.dtype.name
    if (ours.dtype, ours.shape) != (name, theirs.shape):
        return f"{ours.dtype} {ours.shape}, PyTorch's {name} {theirs.shape}"
    values, theirs = ours.numpy(), theirs.astype(np.float32) if name == "bfloat16" else theirs
    tolerance = TOLERANCE.get(name)
    if tolerance is None:
        same = np.array_equal(values, theirs)
    else:
        same = np.allclose(values, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    return None if same else f"values {values.ravel()[:6]}, PyTorch's {theirs.ravel()[:6]}"


class Answer:
    """What we answer to a call: results and gradients, not yet computed, or an exception."""

    def __init__(self, call: op_calls.Call, want: Recorded) -> None:
        self.error: Exception | None = None
        self.results: list[Value] = []
        self.grads: list[Value | None] | None = None
        self.grad_fn: str | None = None
        args, kwargs = call.replaced(tensor)
        leaves = leaves_of((*args, *kwargs.values()))
        if want.grad_fn or want.grads:
            for x in leaves:
                x.requires_grad_(x.is_floating_point() or x.is_complex())
        try:
            value = function(op_calls.public_name(call.op))(*args, **kwargs)
        except Exception as error:  # the test compares it
            self.error = error
            return
        results = list(value) if isinstance(value, (tuple, list)) else [value]
        self.results = [Value(r) for r in results]
        self.grad_fn = next((r.grad_fn.name() for r in results if r.grad_fn is not None), None)
        if want.grads is None:
            return
        differentiable = [(i, r) for i, r in enumerate(results) if r.requires_grad]
        cts = []
        for i, r in differentiable:
            wide = np.complex128 if r.is_complex() else np.float64
            cts.append(torch.tensor(op_calls.cotangent(tuple(r.shape), wide, i)).to(r.dtype))
        wanted = [x for x in leaves if x.requires_grad]
        grads = torch.autograd.grad([r for _, r in differentiable], wanted, cts, allow_unused=True)
        self.grads = [None if g is None else Value(g) for g in grads]


def check(call: op_calls.Call, dtype: str, want: Recorded, got: Answer) -> list[str]:
    """Differences between our answer and PyTorch's."""
    if (call.op.name, want.error and want.error[0]) in WIDER or (call.op.name, dtype) in OTHER_VALUES:
        return []
    lenient = op_calls.family_of(call.op) not in STRICT or dtype == "bfloat16"
    if lenient and dtype != "float32" and (want.error or isinstance(got.error, NotImplementedError)):
        return []
    if want.error is not None:
        if got.error is None:
            return [f"gives a result, PyTorch raises {want.error}"]
        if type(got.error).__name__ != want.error[0]:
            return [f"raises {got.error!r}, PyTorch {want.error}"]
        return []
    if got.error is not None:
        return [f"raises {got.error!r}"]
    if len(got.results) != len(want.results):
        return [f"{len(got.results)} results, PyTorch {len(want.results)}"]
    compared = 1 if call.op.base in FREE_INDICES and dtype != "float32" else len(want.results)
    found = [difference(a, b) for a, b in zip(got.results[:compared], want.results)]
    if want.grad_fn:
        same = got.grad_fn == want.grad_fn or want.grads is None
        found.append(None if same else f"grad_fn {got.grad_fn}, PyTorch's {want.grad_fn}")
    if want.grads is not None and got.grads is not None and (call.op.name, dtype) not in OTHER_GRADIENTS:
        for i, (a, b) in enumerate(zip(got.grads, want.grads)):
            if b is None or a is None:
                zero = not (a is not None and a.numpy().any()) and not (b is not None and b.any())
                found.append(None if zero else f"gradient {i}: {a and a.numpy()}, PyTorch's {b}")
                continue
            wrong = difference(a, b)
            found.append(wrong and f"gradient {i}: {wrong}")
    return [x for x in found if x]


@pytest.mark.parametrize("family", op_calls.family_names())
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_and_gradients_are_pytorchs(family: str, dtype: str) -> None:
    answers = []
    for call in op_calls.calls(op_calls.numpy_dtype(dtype), family):
        want = recorded().get((call.op.name, dtype, call.index))
        if want is None:
            left_out = op_calls.public_name(call.op) is None or (dtype != "float32" and call.index >= op_calls.FEW)
            assert left_out, f"{call.label}: run tests/recorders/record_ops.py again"
            continue
        assert want.crc == call.checksum(), f"{call.label} changed: run tests/recorders/record_ops.py again"
        answers.append((call, want, Answer(call, want)))
    wrong = [f"{call.label}: {text}" for call, want, got in answers for text in check(call, dtype, want, got)]
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong)
