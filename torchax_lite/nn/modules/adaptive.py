"""An approximate softmax for many classes of unequal frequency."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules.container import ModuleList, Sequential
from torchax_lite.nn.modules.linear import Linear
from torchax_lite.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities over classes sorted by frequency: frequent ones directly, others by cluster (Grave, 2017).

    Args:
        in_features: last dimension of the input.
        n_classes: number of classes; class 0 is the most frequent.
        cutoffs: where the clusters end; the classes before the first cut-off form the head.
        div_value: each cluster's hidden size is the one before divided by this.
        head_bias: whether the head has a bias.
        device: where the parameters are.
        dtype: of the parameters.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(cutoffs)
            or min(cutoffs) <= 0
            or max(cutoffs) > n_classes - 1
            or len(set(cutoffs)) != len(cutoffs)
            or any(int(cutoff) != cutoff for cutoff in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                "where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        factory = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory)
        self.tail = ModuleList()
        for cluster in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (cluster + 1)))
            size = self.cutoffs[cluster + 1] - self.cutoffs[cluster]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **factory), Linear(hidden, size, bias=False, **factory)
                )
            )

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for to_hidden, to_classes in self.tail:
            to_hidden.reset_parameters()
            to_classes.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """The log-probability of each target, and the mean of their negatives.

        Args:
            input_: ``(N, in_features)`` or ``(in_features,)``.
            target_: the classes, ``(N,)`` or ``()``.
        """
        if target_.dim() == 1:
            if input_.size(0) != target_.size(0):
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input_.dim() != 2:
                raise RuntimeError(
                    "1D target tensor expects 2D input tensors, but found inputs with size", input_.size()
                )
        elif target_.dim() == 0:
            if input_.dim() != 1:
                raise RuntimeError(
                    f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        batched = target_.dim() > 0
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        lowest, highest = int(target.min()), int(target.max())
        if lowest < 0 or highest >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], "
                f"but values in range [{lowest}, {highest}] were found. "
            )
        # Every cluster is evaluated for every sample, and the wanted values are selected: shapes stay fixed.
        head_log_prob = F.log_softmax(self.head(input), dim=1)
        output = head_log_prob.gather(1, target.clamp(max=self.shortlist_size - 1).unsqueeze(1)).squeeze(1)
        for cluster in range(self.n_clusters):
            low, high = self.cutoffs[cluster], self.cutoffs[cluster + 1]
            log_prob = F.log_softmax(self.tail[cluster](input), dim=1)
            relative = (target - low).clamp(0, high - low - 1).unsqueeze(1)
            value = head_log_prob[:, self.shortlist_size + cluster] + log_prob.gather(1, relative).squeeze(1)
            output = torch.where((target >= low) & (target < high), value, output)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        """The log-probabilities of all classes, given the head's output."""
        head_log_prob = F.log_softmax(head_output, dim=1)
        parts = [head_log_prob[:, : self.shortlist_size]]
        for cluster, tail in enumerate(self.tail):
            within = F.log_softmax(tail(input), dim=1)
            parts.append(within + head_log_prob[:, self.shortlist_size + cluster].unsqueeze(1))
        return torch.cat(parts, dim=1)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes, ``(N, n_classes)``, of ``(N, in_features)``."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each sample of ``(N, in_features)``."""
        return torch.argmax(self.log_prob(input), dim=1)
