"""Focal loss (Lin et al. 2017)."""

from __future__ import annotations

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F

from ._utils import reduce_loss


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """``alpha_t (1 - p_t)^gamma bce``, from logits; ``alpha`` -1 for no weights.

    Raises:
        ValueError: ``alpha`` outside [0, 1] and not -1, or another reduction.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = torch.sigmoid(inputs)
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = bce * ((1 - p_t) ** gamma)
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return reduce_loss(loss, reduction, empty_mean_is_zero=False)
