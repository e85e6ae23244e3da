"""``vmap``, ``jvp``, ``jacrev``, ``jacfwd`` and ``hessian`` of the operator database's samples, compared with loops.

A share of the entries; ``TRANSFORMS_SHARE=1`` takes every one. A call is seen along two directions in its inputs, through
three weighted sums of its results: so Jacobians have six numbers, whatever the shapes.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from differentiable_samples import entries, function

import torchax_lite as torch
from torchax_lite.engine import executor

SHARE = int(os.environ.get("TRANSFORMS_SHARE", "32"))
LEFT_OUT = {
    "to_sparse": "its result has no dense derivative",
    "nn.functional.fractional_max_pool3d": "its regions are random",
    "nn.functional.multi_head_attention_forward": "it drops elements at random",
    "nn.functional.gaussian_nll_loss": "it looks at its values, as PyTorch's",
    "_batch_norm_with_update": "it changes statistics in place that the batch does not share, as PyTorch's",
    "linalg.norm.subgradients_at_zero": "there is no second derivative at zero",
    "chalf": "complex32 does not exist here",
}


@pytest.fixture(autouse=True)
def cheap_compiles(monkeypatch):
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    monkeypatch.setattr(executor, "quick_options", lambda platform: options)
    monkeypatch.setattr(executor, "STORM", 1 << 30)


def random(seed, shape):
    return torch.tensor(np.random.default_rng(seed).standard_normal(tuple(shape)) * 0.01)


def along(fn, inputs):
    """Three sums of the results as a function of two coordinates in the space of the real inputs."""
    inputs = [x.detach() for x in inputs]
    directions = [[random((i, k), x.shape) for i, x in enumerate(inputs)] for k in range(2)]

    def moved(t):
        return [x + t[0] * d0 + t[1] * d1 for x, d0, d1 in zip(inputs, *directions, strict=True)]

    def sums(t):
        parts = []
        for out in fn(*moved(t)):
            real = torch.view_as_real(out.resolve_conj()) if out.is_complex() else out
            parts.append(real.to(torch.float64).reshape(-1))
        flat = torch.cat(parts)
        return torch.stack([(flat * random((7, k), flat.shape)).sum() for k in range(3)])

    return sums


def looped(sums, t):
    """Jacobian, and Hessian of the first sum, row by row."""
    t = t.clone().requires_grad_()
    values = sums(t)

    def row(value, graph):
        (g,) = torch.autograd.grad(value, t, create_graph=graph, retain_graph=True, allow_unused=True)
        return torch.zeros_like(t) if g is None else g

    slope = row(values[0], True)
    hessian = [row(g, False) if g.requires_grad else torch.zeros_like(t) for g in slope]
    return torch.stack([row(v, False) for v in values]), torch.stack(hessian)


@pytest.mark.parametrize(("path", "name"), entries(SHARE, LEFT_OUT))
def test_transforms_agree_with_loops(path, name):
    fn, inputs = function(torch, path, name)
    sums = along(fn, inputs)
    t = torch.zeros(2, dtype=torch.float64)
    jacobian, hessian = looped(sums, t)
    batch = torch.tensor([[0.0, 0.0], [0.3, -0.2]], dtype=torch.float64)
    tangent = torch.tensor([0.5, 2.0], dtype=torch.float64)
    found = {
        "vmap": (torch.vmap(sums)(batch), torch.stack([sums(row) for row in batch])),
        "jvp": (torch.func.jvp(sums, (t,), (tangent,))[1], jacobian @ tangent),
        "jacrev": (torch.func.jacrev(sums)(t), jacobian),
        "jacfwd": (torch.func.jacfwd(sums)(t), jacobian),
        "hessian": (torch.func.hessian(lambda t: sums(t)[0])(t), hessian),
    }
    numbers = torch.cat([x.detach().reshape(-1) for pair in found.values() for x in pair]).tolist()  # one program
    wrong = {}
    for kind, (ours, loops) in found.items():
        left, right = numbers[: ours.numel()], numbers[ours.numel() : ours.numel() + loops.numel()]
        del numbers[: ours.numel() + loops.numel()]
        if ours.shape != loops.shape or not np.allclose(left, right, 1e-6, 1e-10, equal_nan=True):
            wrong[kind] = left, right
    assert not wrong
