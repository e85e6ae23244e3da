"""The von Mises distribution, on the circle."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions.distribution import Distribution
from torchax_lite.distributions.utils import broadcast_all, lazy_property

__all__ = ["VonMises"]

# Polynomials for the modified Bessel functions of order 0 and 1, in (x / 3.75) ** 2 below 3.75 and in 3.75 / x above
# (Abramowitz and Stegun, 9.8.1 to 9.8.4)
_NEAR = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
_FAR = (
    (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377),
    (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059),
)


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = c + x * total
    return total


def _log_modified_bessel_fn(x: Tensor, order: int = 0) -> Tensor:
    """``log I_order(x)`` for ``x > 0`` and order 0 or 1."""
    if order not in (0, 1):
        raise AssertionError(f"order must be 0 or 1, got {order}")
    near = _polynomial((x / 3.75) * (x / 3.75), _NEAR[order])
    if order == 1:
        near = x.abs() * near
    far = x - 0.5 * x.log() + _polynomial(3.75 / x, _FAR[order]).log()
    return torch.where(x < 3.75, near.log(), far)


class VonMises(Distribution):
    """Density proportional to ``exp(concentration * cos(x - loc))`` on ``[-pi, pi)``.

    Samples are drawn in float64 by Best and Fisher's rejection (1979); how many rounds it takes is read on the host.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _tensors = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, Size(), validate_args)

    @property
    def mean(self) -> Tensor:
        """The circular mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance."""
        log_ratio = _log_modified_bessel_fn(self.concentration, 1) - _log_modified_bessel_fn(self.concentration, 0)
        return 1 - log_ratio.exp()

    def log_prob(self, value: Tensor) -> Tensor:
        height = self.concentration * torch.cos(self._checked(value) - self.loc)
        return height - math.log(2 * math.pi) - _log_modified_bessel_fn(self.concentration, order=0)

    @lazy_property
    def _loc(self) -> Tensor:
        return self.loc.to(torch.double)

    @lazy_property
    def _concentration(self) -> Tensor:
        return self.concentration.to(torch.double)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        """The parameter of the wrapped Cauchy proposal."""
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        return torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        r, kappa = self._proposal_r, self._concentration
        x = torch.zeros(shape, dtype=r.dtype, device=r.device)
        done = torch.zeros(shape, dtype=torch.bool, device=r.device)
        while not bool(done.all()):
            angle, threshold, side = torch.rand((3, *shape), dtype=r.dtype, device=r.device).unbind()
            z = torch.cos(math.pi * angle)
            cosine = (1 + r * z) / (r + z)
            c = kappa * (r - cosine)
            accept = (c * (2 - c) - threshold > 0) | ((c / threshold).log() + 1 - c >= 0)
            x = torch.where(accept, (side - 0.5).sign() * cosine.acos(), x)
            done = done | accept
        wrapped = (x + math.pi + self._loc) % (2 * math.pi) - math.pi
        return wrapped.to(self.loc.dtype)
