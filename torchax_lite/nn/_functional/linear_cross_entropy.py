"""The cross entropy of a linear layer's outputs, as a whole or in pieces of the batch."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from ..._generated import internal as _ops
from .linear import linear
from .loss import cross_entropy

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["linear_cross_entropy"]


def _check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.dim()}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    shape = tuple(weight.shape[:-1])
    if bias is not None and tuple(bias.shape) != shape:
        raise RuntimeError(f"expected linear_bias shape {shape}, got {tuple(bias.shape)}")
    if len(shape) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, "
            f"(N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}"
        )


def _once(loss: Tensor) -> Tensor:
    """Refuse a second backward pass."""
    seen: list[bool] = []

    def second(_: Tensor) -> None:
        if seen:
            raise RuntimeError(
                "linear_cross_entropy chunked backward called twice; "
                "retain_graph=True / double backward are not supported."
            )
        seen.append(True)

    if loss.requires_grad:
        loss.register_hook(second)
    return loss


def _in_pieces(
    input: Tensor, linear_weight: Tensor, target: Tensor, bias: Tensor | None, weight: Tensor | None, reduction: str,
    ignore_index: int, options: Any,
) -> Tensor:  # fmt: skip
    options._check_dtype(input.dtype)
    batched = input.dim() == 2
    if not batched:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    rows = options._rows(input.shape[0], input.shape[1], linear_weight.shape[0], input.dtype)
    loss = _ops.linear_cross_entropy_chunked(
        input, linear_weight, target, bias, weight, reduction, ignore_index, rows, options.acc_dtype
    )
    if reduction != "none":
        return loss if options.allow_retain_graph else _once(loss)
    return loss if batched else loss.squeeze(0)


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: Any = None,
) -> Tensor:  # fmt: skip
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)`` of features ``(N, E)`` or ``(E,)``.

    ``linear_weight`` is ``(C, *, E)``, for logits ``(N, C, *)``. With ``options``
    (:class:`~torchax_lite.nn.LinearCrossEntropyOptions`) the rows of the batch are done in pieces, whose logits are
    computed again in the backward pass, so that those of the whole batch never exist.
    """
    _check(input, linear_weight, linear_bias)
    classes, *further = linear_weight.shape[:-1]
    shape = (*input.shape[:-1], classes, *further)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    skipped = -100 if ignore_index is None else ignore_index
    if options is not None:
        by_class = str(target.dtype) == "torch.int64"
        if not further and reduction in ("mean", "sum", "none") and label_smoothing == 0.0 and by_class:
            return _in_pieces(input, linear_weight, target, linear_bias, weight, reduction, skipped, options)
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
            "label_smoothing == 0, target.dtype == int64, out_features == (). Got "
            f"reduction={reduction!r}, label_smoothing={label_smoothing}, target.dtype={target.dtype}, "
            f"out_features={tuple(further)}.",
            stacklevel=2,
        )
    if further:
        size = math.prod(further, start=classes)
        linear_weight = linear_weight.reshape(size, linear_weight.shape[-1])
        linear_bias = None if linear_bias is None else linear_bias.reshape(size)
    logits = linear(input, linear_weight, linear_bias).reshape(shape)
    return cross_entropy(
        logits, target, weight, ignore_index=skipped, reduction=reduction, label_smoothing=label_smoothing
    )
