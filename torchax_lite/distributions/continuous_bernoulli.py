"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions._probs_or_logits import ProbsOrLogits
from torchax_lite.distributions.exp_family import ExponentialFamily
from torchax_lite.distributions.utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs
from torchax_lite.nn.functional import binary_cross_entropy_with_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """Density proportional to ``probs ** x * (1 - probs) ** (1 - x)`` on [0, 1] (Loaiza-Ganem and Cunningham, 2019).

    Args:
        probs, logits: one of them.
        lims: the interval about 1/2 in which Taylor series stand for the closed forms, which are unstable there.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _fixed = ("_lims",)

    def __init__(
        self, probs: Tensor | float | None = None, logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501), validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._set_either(probs, logits)
        if probs is not None:
            if validate_args is not None and not bool(self.arg_constraints["probs"].check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self._param = self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability-like parameter, in ``[eps, 1 - eps]``."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _stable(self, x: Tensor, shift: float = 0.0) -> Tensor:
        """Whether the closed forms hold: outside ``lims``."""
        return (x <= self._lims[0] - shift) | (x > self._lims[1] - shift)

    def _cut_probs(self) -> Tensor:
        """Probabilities, those near 1/2 replaced by the lower limit."""
        return torch.where(self._stable(self.probs), self.probs, self._lims[0] * torch.ones_like(self.probs))

    def _or_taylor(self, closed: Tensor, taylor: Tensor) -> Tensor:
        return torch.where(self._stable(self.probs), closed, taylor)

    def _cont_bern_log_norm(self) -> Tensor:
        """The logarithm of the normalizing constant."""
        cut = self._cut_probs()
        low = torch.where(cut <= 0.5, cut, torch.zeros_like(cut))
        high = torch.where(cut >= 0.5, cut, torch.ones_like(cut))
        log_width = torch.where(cut <= 0.5, torch.log1p(-2.0 * low), torch.log(2.0 * high - 1.0))
        closed = torch.log(torch.abs(torch.log1p(-cut) - torch.log(cut))) - log_width
        x = torch.pow(self.probs - 0.5, 2)
        return self._or_taylor(closed, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        cut = self._cut_probs()
        closed = cut / (2.0 * cut - 1.0) + 1.0 / (torch.log1p(-cut) - torch.log(cut))
        x = self.probs - 0.5
        return self._or_taylor(closed, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * torch.pow(x, 2)) * x)

    @property
    def variance(self) -> Tensor:
        cut = self._cut_probs()
        log_odds = torch.log1p(-cut) - torch.log(cut)
        closed = cut * (cut - 1.0) / torch.pow(1.0 - 2.0 * cut, 2) + 1.0 / torch.pow(log_odds, 2)
        x = torch.pow(self.probs - 0.5, 2)
        return self._or_taylor(closed, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    @property
    def stddev(self) -> Tensor:
        return torch.sqrt(self.variance)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(torch.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        self._checked(value)
        cut = self._cut_probs()
        powers = torch.pow(cut, value) * torch.pow(1.0 - cut, 1.0 - value)
        inside = self._or_taylor((powers + cut - 1.0) / (2.0 * cut - 1.0), value)
        upper = torch.where(value >= 1.0, torch.ones_like(value), inside)
        return torch.where(value <= 0.0, torch.zeros_like(value), upper)

    def icdf(self, value: Tensor) -> Tensor:
        cut = self._cut_probs()
        log_failure = torch.log1p(-cut)
        closed = torch.log1p(-cut + value * (2.0 * cut - 1.0)) - log_failure
        return self._or_taylor(closed / (torch.log(cut) - log_failure), value)

    def entropy(self) -> Tensor:
        log_failure = torch.log1p(-self.probs)
        slope = log_failure - torch.log(self.probs)
        return self.mean * slope - self._cont_bern_log_norm() - log_failure

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Tensor:
        stable = self._stable(x, 0.5)
        cut = torch.where(stable, x, (self._lims[0] - 0.5) * torch.ones_like(x))
        closed = torch.log(torch.abs(torch.expm1(cut))) - torch.log(torch.abs(cut))
        return torch.where(stable, closed, 0.5 * x + torch.pow(x, 2) / 24.0 - torch.pow(x, 4) / 2880.0)
