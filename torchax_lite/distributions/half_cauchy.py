"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.distributions.cauchy import Cauchy
from torchax_lite.distributions.half_normal import Halved
from torchax_lite.distributions.transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(Halved):
    """``|x|`` of a Cauchy ``x`` with median 0 and half width ``scale``."""

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return torch.full(self._extended_shape(), math.inf, dtype=self.scale.dtype, device=self.scale.device)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def log_prob(self, value: Any) -> Tensor:
        self._checked(value)
        return super().log_prob(torch.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device))
