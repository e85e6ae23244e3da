"""The Wishart distribution."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import _gaussian, constraints
from torchax_lite.distributions._validation import checked_together, has_values
from torchax_lite.distributions.chi2 import Chi2
from torchax_lite.distributions.exp_family import ExponentialFamily
from torchax_lite.distributions.utils import NUMBERS, lazy_property

__all__ = ["Wishart"]

_LOG_2 = math.log(2)


class Wishart(ExponentialFamily):
    """Positive-definite ``p`` by ``p`` matrices: ``sum x x^T`` of ``df`` normal vectors of a given covariance.

    Args:
        df: degrees of freedom, above ``p - 1``.
        covariance_matrix, precision_matrix, scale_tril: exactly one of them.

    Raises:
        ValueError: for too few degrees of freedom or dims.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _tensors = {
        "df": 0, "_unbroadcasted_scale_tril": 2, "covariance_matrix": 2, "scale_tril": 2, "precision_matrix": 2,
    }  # fmt: skip
    _nested = ("_dist_chi2",)

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    @checked_together
    def __init__(
        self, df: Tensor | float, covariance_matrix: Tensor | None = None, precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None, validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        matrices = {
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril,
        }  # fmt: skip
        given = [(name, m) for name, m in matrices.items() if m is not None]
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        event_shape = matrix.shape[-2:]
        if isinstance(df, NUMBERS):
            batch_shape = Size(matrix.shape[:-2])
            self.df = torch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        else:
            batch_shape = torch.broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch_shape)
        self._check_df(df, event_shape[-1])
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = torch.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = _gaussian.precision_to_scale_tril(matrix)
        steps = torch.arange(event_shape[-1], dtype=matrix.dtype, device=matrix.device)
        self._dist_chi2 = Chi2(df=self.df.unsqueeze(-1) - steps.expand((*batch_shape, -1)))

    def _check_df(self, df: Any, p: int) -> None:
        if not has_values(self.df):
            return
        too_low, low = torch.stack([(self.df <= p - 1).any(), (self.df < p).any()]).tolist()
        if too_low:
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        if low:
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=5,
            )

    def _matrix(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape)  # type: ignore[operator]

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance matrix."""
        return self._matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance matrix of the vectors."""
        factor = self._unbroadcasted_scale_tril
        return self._matrix(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance matrix."""
        factor = self._unbroadcasted_scale_tril
        identity = torch.eye(self._event_shape[-1], dtype=factor.dtype, device=factor.device)
        return self._matrix(torch.cholesky_solve(identity, factor))

    def _of_matrix(self, x: Tensor) -> Tensor:
        return x.reshape((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._of_matrix(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return self._of_matrix(factor.masked_fill(factor <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        covariance = self.covariance_matrix
        diagonal = covariance.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._of_matrix(self.df) * (covariance.pow(2) + products)

    def _bartlett_sampling(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """``L A A^T L^T`` with a lower-triangular ``A``: chi on the diagonal, normals below (Bartlett, 1933)."""
        p = self._event_shape[-1]
        chi = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = chi.clamp(min=torch.finfo(chi.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        rows, columns = torch.tril_indices(p, p, offset=-1)
        below = (*sample_shape, *self._batch_shape, p * (p - 1) // 2)
        noise[..., rows, columns] = torch.randn(below, dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Sequence[int] = Size(), max_try_correction: int | None = None) -> Tensor:
        """Samples; as in PyTorch, those that its first test picks are drawn again, at most ``max_try_correction`` times.

        That test picks the positive-definite samples (not the singular ones), so that PyTorch's second draw is what
        comes out, and its warning too.
        """
        tries = 10 if max_try_correction is None else max_try_correction
        dims = tuple(range(-len(self._batch_shape), 0))

        def over_batch(found: Tensor) -> Tensor:
            return found.amax(dims) if dims else found

        sample = self._bartlett_sampling(sample_shape)
        if not has_values(sample):
            return sample
        again = over_batch(self.support.check(sample))
        if not bool(again.any()):
            return sample
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(tries):
            fresh = self._bartlett_sampling(again[again].shape)
            sample[again] = fresh
            again[again.clone()] = over_batch(~self.support.check(fresh))
            if not bool(again.any()):
                break
        return sample

    def log_prob(self, value: Tensor) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        factor = self._unbroadcasted_scale_tril
        trace = torch.cholesky_solve(self._checked(value), factor).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
        log_norm = nu * (p * _LOG_2 / 2 + _gaussian.half_log_det(factor)) + torch.mvlgamma(nu / 2, p=p)
        return (nu - p - 1) / 2 * torch.linalg.slogdet(value).logabsdet - trace / 2 - log_norm

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        steps = torch.arange(p, dtype=nu.dtype, device=nu.device) / 2
        digammas = torch.digamma((nu / 2).unsqueeze(-1) - steps).sum(-1)
        log_volume = (p + 1) * (p * _LOG_2 / 2 + _gaussian.half_log_det(self._unbroadcasted_scale_tril))
        return log_volume + torch.mvlgamma(nu / 2, p=p) - (nu - p - 1) / 2 * digammas + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        p = self._event_shape[-1]
        return -self.precision_matrix / 2, (self.df - p - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (-torch.linalg.slogdet(-2 * x).logabsdet + _LOG_2 * p) + torch.mvlgamma(half, p=p)
