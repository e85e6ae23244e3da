"""A linear layer and the cross entropy of its outputs as one loss."""

from __future__ import annotations

import math
from typing import Any

from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.linear import Linear
from torchax_lite.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions
from torchax_lite.nn.modules.loss import _WeightedLoss

__all__ = ["LinearCrossEntropyLoss"]


class LinearCrossEntropyLoss(_WeightedLoss):
    """-weight[y] · log softmax(W x)[y], x features ``(N, in_features)``, y classes ``(N, *)`` or probabilities.

    Args:
        in_features: the last dimension of the input.
        num_classes: number of classes.
        out_features: further sizes of the logits, ``(N, num_classes, *out_features)``.
        bias: whether the layer has a bias.
        device: where the parameters are.
        dtype: of the parameters.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: one factor a class; the mean is weighted by them.
        ignore_index: a class that does not count; None stands for -100.
        label_smoothing: the part of each target that is spread evenly over all classes.
        options: compute the rows of the batch in pieces.
    """

    __constants__ = ["num_classes", "out_features", "reduction", "ignore_index", "label_smoothing"]

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1.0:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight=weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        size = math.prod(out_features, start=num_classes)
        self.linear = Linear(in_features, size, bias=bias, device=device, dtype=dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape((*shape, self.linear.in_features)),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
            f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}"
        )
