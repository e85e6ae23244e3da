"""Every declared op: its gradient against finite differences, its in-place and ``out=`` forms, its declaration."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import op_calls
import pytest

import torchax_lite as torch
from torchax_lite.ops import families
from torchax_lite.ops.registry import OPS
from torchax_lite.tensor import dispatch

STEP = 1e-6
SAMPLES = 2
"""Calls of each op that are tried here; the recorded results go through all of them."""

NOT_A_SLOPE = {
    "geqrf": "PyTorch has no derivative of it",
    "linalg_ldl_factor_ex": "as geqrf",
    "linalg_ldl_solve": "as geqrf",
    "embedding": "the padding row learns nothing, and rows may be scaled by their frequency",
    "scatter.src": "which of several writes to one place wins is unspecified, and all get its gradient",
    "index_copy": "as scatter.src: the sample writes one place twice",
    "linalg_cholesky_ex": "one triangle is read, the gradient is spread over both",
    "cholesky_inverse": "one triangle is read, the gradient is that of the whole matrix",
    "cholesky_solve": "one triangle is read, the gradient is that of the whole matrix",
    "ctc_loss": "it is taken for inputs that are normalised log-probabilities",
    "ps_roi_pool": "the last row and column are not read, but torchvision's derivative spreads over them",
    "native_batch_norm_train": "the statistics among the results carry no gradient",
}
"""Op -> why its documented gradient is no derivative."""


OWN_CONVENTIONS = {"linalg", "decomposition"}
"""Families whose gradients are those of symmetric or triangular inputs, or fixed up to a gauge: only compared with
PyTorch's."""


def tensor(x: Any) -> Any:
    return getattr(torch, x.name) if isinstance(x, np.dtype) else torch.tensor(x)


def chosen(dtype: Any, family: str) -> list[op_calls.Call]:
    """The first few calls of each op with something in them."""
    taken: dict[str, int] = {}
    found = []
    for call in op_calls.calls(dtype, family):
        if call.op.view or not all(a.size for a in call.arrays()) or taken.get(call.op.name, 0) >= SAMPLES:
            continue
        taken[call.op.name] = taken.get(call.op.name, 0) + 1
        found.append(call)
    return found


def run(call: op_calls.Call, values: dict[str, Any]) -> list[Any]:
    result = dispatch.call(call.op, *op_calls.grouped(call.op, values))
    return list(result) if isinstance(result, (tuple, list)) else [result]


def inexact(t: Any) -> bool:
    return isinstance(t, torch.Tensor) and (t.is_floating_point() or t.is_complex())


class Slope:
    """One call's gradient and finite difference along a random direction, recorded together."""

    def __init__(self, call: op_calls.Call) -> None:
        values = op_calls.arguments(call, tensor)
        allowed = call.op.differentiable
        rng = np.random.default_rng(op_calls.SEED)
        ahead, behind = dict(values), dict(values)
        self.directions, leaves = [], []

        def moved(t: Any, name: str) -> tuple[Any, Any]:
            refused = name in call.op.without_slope or (isinstance(allowed, tuple) and name not in allowed)
            if not inexact(t) or refused:
                return t, t
            v = rng.standard_normal(tuple(t.shape)).astype(str(t.dtype)[6:])
            t.requires_grad_(True)
            leaves.append(t)
            self.directions.append(v)
            return (t + STEP * torch.tensor(v)).detach(), (t - STEP * torch.tensor(v)).detach()

        for p in call.op.tensor_params:
            value = values[p.name]
            if isinstance(value, list):
                pairs = [moved(x, p.name) for x in value]
                ahead[p.name], behind[p.name] = [a for a, _ in pairs], [b for _, b in pairs]
            else:
                ahead[p.name], behind[p.name] = moved(value, p.name)
        results = run(call, values)
        used = [(i, r) for i, r in enumerate(results) if r.requires_grad]
        self.cts = [op_calls.cotangent(tuple(r.shape), str(r.dtype)[6:], i) for i, r in used]
        self.ahead = [run(call, ahead)[i] for i, _ in used]
        self.behind = [run(call, behind)[i] for i, _ in used]
        self.grads: list[Any] = []
        if used:
            cts = [torch.tensor(c) for c in self.cts]
            self.grads = list(torch.autograd.grad([r for _, r in used], leaves, cts, allow_unused=True))

    def error(self) -> str | None:
        """How the two disagree."""
        if not self.directions:
            return None
        if not self.grads:
            return "no result requires grad"
        pairs = zip(self.cts, self.ahead, self.behind)
        measured = sum(np.sum(np.conj(c) * (a.numpy() - b.numpy())).real for c, a, b in pairs) / (2 * STEP)
        told = sum(np.sum(np.conj(g.numpy()) * v).real for g, v in zip(self.grads, self.directions) if g is not None)
        if np.isnan(measured) or abs(measured - told) <= 1e-4 * max(1.0, abs(measured)):
            return None
        return f"gradient along a direction {told:.7g}, finite difference {measured:.7g}"


@pytest.mark.parametrize("family", [f for f in op_calls.family_names() if f not in OWN_CONVENTIONS])
def test_gradients_are_the_slopes(family: str) -> None:
    tried = [
        (call, Slope(call))
        for call in chosen(np.float64, family)
        if call.op.differentiable
        and call.op.name not in NOT_A_SLOPE
        and any(a.dtype.kind in "fc" for a in call.arrays())
    ]
    wrong = [f"{call.label}: {error}" for call, slope in tried if (error := slope.error())]
    assert not wrong, "\n".join(wrong)


class Forms:
    """One call in its functional, in-place and ``out=`` forms, recorded together."""

    def __init__(self, call: op_calls.Call) -> None:
        op = call.op
        values = op_calls.arguments(call, tensor)
        groups = op_calls.grouped(op, values)
        self.results = run(call, values)
        self.inplace: Any = None
        self.out: list[Any] = []
        target = groups[0][0]
        first = self.results[0]
        fits = isinstance(target, torch.Tensor) and (first.shape, first.dtype) == (target.shape, target.dtype)
        if op.inplace and fits:
            self.target = target.clone()
            self.inplace = dispatch.call_inplace(op, [self.target, *groups[0][1:]], *groups[1:])
        if op.out and op.inplace != "only":
            self.given = tuple(torch.empty(tuple(r.shape), dtype=r.dtype) for r in self.results)
            made = dispatch.call_out(op, *groups, self.given if len(self.given) > 1 else self.given[0])
            self.out = list(made) if isinstance(made, tuple) else [made]

    def error(self) -> str | None:
        """What is wrong with a form."""
        if self.inplace is not None:
            if self.inplace is not self.target:
                return "the in-place form does not return its tensor"
            if not np.array_equal(self.target.numpy(), self.results[0].numpy(), equal_nan=True):
                return f"in-place gives {self.target}, the function {self.results[0]}"
        for given, made, result in zip(getattr(self, "given", ()), self.out, self.results):
            if made is not given:
                return "the out= form does not return what it was given"
            if not np.array_equal(made.numpy(), result.numpy(), equal_nan=True):
                return f"out= gives {made}, the function {result}"
        return None


@pytest.mark.parametrize("family", op_calls.family_names())
def test_inplace_and_out_agree_with_the_function(family: str) -> None:
    tried = []
    for call in chosen(np.float32, family):
        try:
            run(call, op_calls.arguments(call, tensor))
        except NotImplementedError:
            continue  # not an op of this dtype
        tried.append((call, Forms(call)))
    wrong = [f"{call.label}: {error}" for call, forms in tried if (error := forms.error())]
    assert not wrong, "\n".join(wrong)


def test_every_op_says_what_it_computes() -> None:
    bare = [name for name, op in OPS.items() if not (op.__doc__ or "").strip()]
    assert not bare


def test_every_alias_names_an_op_and_hides_none() -> None:
    bases = {op.base for op in OPS.values()}
    assert not [new for new, old in families.ALIASES.items() if old not in bases]
    in_torch = {op.base for op in OPS.values() if op.function and "torch" in op.namespaces}
    assert not [new for new in families.ALIASES if new in in_torch]


def test_derivatives_name_parameters_of_their_op() -> None:
    for op in OPS.values():
        if op.vjp_body is not None:
            names = {p.name for p in op.schema.params}
            known = {"ct", "cts", "result", "results", *names, *(f"{n}_shape" for n in names)}
            assert set(inspect.signature(op.vjp_body).parameters) <= known, op.name
