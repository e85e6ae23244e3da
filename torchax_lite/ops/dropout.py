"""Applying a drawn dropout mask."""

from __future__ import annotations

from .registry import op
from .samples import Sample, array


@op(
    "dropout_mask_apply(Tensor input, Tensor mask, Scalar scale) -> Tensor",
    method=False, out=False, namespaces=("_ops",), differentiable=("input",), grad_name="MulBackward0",
    pointwise=True,
    samples=lambda rng, dtype: iter([Sample((array(rng, (3, 4), dtype), rng.random((3, 4)) < 0.5, 2.0))]),
)  # fmt: skip
def dropout_mask_apply(input, mask, scale):
    """``input * scale`` where the mask is set, else 0 times the input (a NaN stays one); the mask may broadcast."""
    return input * (mask.astype(input.dtype) * scale.astype(input.dtype))


@dropout_mask_apply.vjp
def _(ct, mask, scale):
    return ct * (mask.astype(ct.dtype) * scale.astype(ct.dtype)), None
