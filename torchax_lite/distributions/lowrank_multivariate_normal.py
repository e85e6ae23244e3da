"""The multivariate normal distribution with a covariance of low rank plus a diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import _gaussian, constraints
from torchax_lite.distributions._validation import checked_together
from torchax_lite.distributions.distribution import Distribution
from torchax_lite.distributions.utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with mean ``loc`` and covariance ``W W^T + diag(D)``.

    By the Woodbury identity and the matrix determinant lemma, only the ``m`` by ``m`` capacitance matrix
    ``I + W^T D^-1 W`` is factorised.

    Args:
        loc: the mean, ``(..., n)``.
        cov_factor: ``W``, ``(..., n, m)``.
        cov_diag: ``D``, ``(..., n)``.

    Raises:
        ValueError: for shapes that do not fit.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _tensors = {"loc": 1, "cov_factor": 2, "cov_diag": 1}
    _fixed = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    @checked_together
    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            columns = torch.broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_factor, self.cov_diag = columns[0][..., 0], columns[1], columns[2][..., 0]
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        capacitance = self._scaled_factor() @ cov_factor
        identity = torch.eye(cov_factor.shape[-1], dtype=capacitance.dtype, device=capacitance.device)
        self._capacitance_tril = torch.linalg.cholesky(capacitance + identity)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def _scaled_factor(self) -> Tensor:
        """``W^T D^-1``."""
        return self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)

    def _reduced_factor(self) -> Tensor:
        """``A`` such that the precision is ``D^-1 - A^T A``."""
        return torch.linalg.solve_triangular(self._capacitance_tril, self._scaled_factor(), upper=False)

    def _log_det(self) -> Tensor:
        """The log determinant of the covariance."""
        return 2 * _gaussian.half_log_det(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def _mahalanobis(self, x: Tensor) -> Tensor:
        """``x^T covariance^-1 x``."""
        explained = _gaussian.mahalanobis(self._capacitance_tril, _gaussian.matvec(self._scaled_factor(), x))
        return (x.pow(2) / self._unbroadcasted_cov_diag).sum(-1) - explained

    def _matrix(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)  # type: ignore[operator]

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The variance of each entry."""
        variance = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return variance.expand(self._batch_shape + self._event_shape)  # type: ignore[operator]

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance matrix."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        identity = torch.eye(self._event_shape[0], dtype=scaled.dtype, device=scaled.device)
        return self._matrix(root * torch.linalg.cholesky(scaled @ scaled.mT + identity))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance matrix."""
        factor = self._unbroadcasted_cov_factor
        return self._matrix(factor @ factor.mT + torch.diag_embed(self._unbroadcasted_cov_diag))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance matrix."""
        reduced = self._reduced_factor()
        return self._matrix(torch.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - reduced.mT @ reduced)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        options = self.loc.dtype, self.loc.device
        common = _standard_normal((*shape[:-1], self.cov_factor.shape[-1]), *options)
        own = _standard_normal(shape, *options)
        explained = _gaussian.matvec(self._unbroadcasted_cov_factor, common)
        return self.loc + explained + self._unbroadcasted_cov_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        distance = self._mahalanobis(self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self) -> Tensor:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return entropy.expand(self._batch_shape)
