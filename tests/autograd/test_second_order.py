"""``gradgradcheck`` on samples of PyTorch's operator database: a share of the entries that have second derivatives.

``SECOND_ORDER_SHARE=1`` takes every entry.
"""

from __future__ import annotations

import os

import pytest
from differentiable_samples import entries, function

import torchax_lite as torch

SHARE = int(os.environ.get("SECOND_ORDER_SHARE", "16"))
LEFT_OUT = {
    "to_sparse": "its result has no dense derivative",
    "linalg.eig": "the check of the vectors' free phase has an absolute tolerance, as PyTorch's",
    **dict.fromkeys(
        ("bfloat16", "half", "float", "cfloat", "chalf"), "its result is too coarse for finite differences in float64"
    ),
    "nn.functional.fractional_max_pool3d": "its regions are random",
    "nn.functional.multi_head_attention_forward": "it drops elements at random",
    "cholesky_solve": "perturbations leave the triangle that it reads; PyTorch fails too",
    "linalg.norm.subgradients_at_zero": "there is no second derivative at zero",
}


@pytest.mark.parametrize(("path", "name"), entries(SHARE, LEFT_OUT))
def test_second_derivatives_agree_with_finite_differences(path, name):
    fn, inputs = function(torch, path, name)

    def differentiable(*given):
        return tuple(t for t in fn(*given) if t.requires_grad)

    assert torch.autograd.gradgradcheck(differentiable, inputs, fast_mode=True, atol=1e-4)
