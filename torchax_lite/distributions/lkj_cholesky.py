"""The LKJ distribution over Cholesky factors of correlation matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.beta import Beta
from torchax_lite.distributions.distribution import Distribution
from torchax_lite.distributions.utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Factors ``L`` of correlation matrices of density proportional to ``det(L L^T) ** (concentration - 1)``.

    Sampled by the onion method (Lewandowski, Kurowicka and Joe, 2009).

    Args:
        dim: the order of the matrices, at least 2.
        concentration: 1 is uniform over correlation matrices, larger values favour the identity.

    Raises:
        ValueError: for a dim below 2.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _tensors = {"concentration": 0}
    _nested = ("_beta",)
    _fixed = ("dim",)

    @checked_together
    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        marginal = self.concentration + 0.5 * (dim - 2)
        rows = torch.tensor([0, *range(dim - 1)], dtype=marginal.dtype, device=marginal.device)
        self._beta = Beta(rows + 0.5, marginal.unsqueeze(-1) - 0.5 * rows)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        squared = self._beta.sample(sample_shape).unsqueeze(-1)
        shape = self._extended_shape(sample_shape)
        direction = torch.randn(shape, dtype=squared.dtype, device=squared.device).tril(-1)
        direction = direction / direction.norm(dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)
        below = torch.sqrt(squared) * direction
        left = torch.clamp(1 - torch.sum(below**2, dim=-1), min=torch.finfo(below.dtype).tiny)
        return below + torch.diag_embed(left.sqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        diagonal = self._checked(value).diagonal(dim1=-1, dim2=-2)[..., 1:]
        rows = torch.arange(2, self.dim + 1, device=self.concentration.device)
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - rows
        n = self.dim - 1
        alpha = self.concentration + 0.5 * n
        log_norm = 0.5 * n * math.log(math.pi) + torch.mvlgamma(alpha - 0.5, n) - torch.lgamma(alpha) * n
        return torch.sum(powers * diagonal.log(), dim=-1) - log_norm
