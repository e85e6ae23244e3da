"""Mixtures of one family's distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import constraints
from torchax_lite.distributions.categorical import Categorical
from torchax_lite.distributions.distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture whose components lie along the last batch dim of ``component_distribution``.

    Args:
        mixture_distribution: a :class:`Categorical` that chooses the component.
        component_distribution: the components.

    Raises:
        ValueError: for another mixing distribution, or shapes that do not fit.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False
    _nested = ("_component_distribution", "_mixture_distribution")
    _fixed = ("_num_component", "_event_ndims")

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        mixing = mixture_distribution.batch_shape
        *_, components = component_distribution.batch_shape
        batch = component_distribution.batch_shape[:-1]
        if any(1 not in (i, j) and i != j for i, j in zip(reversed(mixing), reversed(batch))):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({mixing}) is not compatible with "
                f"`component_distribution.batch_shape`({batch})"
            )
        categories = mixture_distribution.logits.shape[-1]
        if categories != components:
            raise ValueError(
                f"`mixture_distribution component` ({categories}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._num_component = categories
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch, event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)  # type: ignore[arg-type]

    @property
    def mixture_distribution(self) -> Categorical:
        """The choice of the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _pad(self, x: Tensor) -> Tensor:
        """``x`` with a dim of size 1 for the components."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _weights(self) -> Tensor:
        """Probabilities of the components, shaped to weight events."""
        probs = self.mixture_distribution.probs
        mixing_dims = len(self.mixture_distribution.batch_shape)
        missing = 0 if mixing_dims == 1 else len(self.batch_shape) - mixing_dims
        shape = probs.shape
        return probs.reshape((*shape[:-1], *(1,) * missing, shape[-1], *(1,) * self._event_ndims))

    def _mixed(self, x: Tensor) -> Tensor:
        return torch.sum(self._weights() * x, dim=-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._mixed(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        apart = self.component_distribution.mean - self._pad(self.mean)
        return self._mixed(self.component_distribution.variance) + self._mixed(apart.pow(2.0))

    def cdf(self, x: Tensor) -> Tensor:
        return torch.sum(self.component_distribution.cdf(self._pad(x)) * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:
        by_component = self.component_distribution.log_prob(self._pad(self._checked(x)))
        log_weights = torch.log_softmax(self.mixture_distribution.logits, dim=-1)
        return torch.logsumexp(by_component + log_weights, dim=-1)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with torch.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            index = chosen.reshape((*chosen.shape, *(1,) * (self._event_ndims + 1)))
            index = index.expand((*chosen.shape, 1, *self.event_shape))
            return torch.gather(drawn, dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
