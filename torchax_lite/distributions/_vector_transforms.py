"""Transforms of vectors and matrices: simplices, Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

import torchax_lite as torch
from torchax_lite.distributions import constraints
from torchax_lite.distributions._elementwise_transforms import _clipped_sigmoid
from torchax_lite.distributions._transform import Transform, _Parameterless
from torchax_lite.distributions.utils import (
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)
from torchax_lite.nn import functional as F


def _require_dims(shape: Any, n: int) -> None:
    if len(shape) < n:
        raise ValueError("Too few dimensions on input")


def _shifted_products(x: Any) -> Any:
    """Cumulative products along the last dim, one place to the right, starting with 1."""
    return F.pad(x.cumprod(-1), [1, 0], value=1)


class CorrCholeskyTransform(Transform):
    """From ``D (D - 1) / 2`` real numbers to the Cholesky factor of a ``D`` by ``D`` correlation matrix.

    The numbers become, through tanh, canonical partial correlations; each row is then filled by breaking a stick of
    squared length 1 (Lewandowski, Kurowicka and Joe, 2009; Stan's reference manual).
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        eps = torch.finfo(x.dtype).eps
        partial = vec_to_tril_matrix(torch.tanh(x).clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - partial**2).sqrt().cumprod(-1)
        with_diagonal = partial + torch.eye(partial.shape[-1], dtype=partial.dtype, device=partial.device)
        return with_diagonal * F.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        left = F.pad((1 - (y * y).cumsum(-1))[..., :-1], [1, 0], value=1)
        t = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (t.log1p() - t.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        from_tanh = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * left.log().sum(-1) + from_tanh

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        n = shape[-1]
        size = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (size, size)

    def inverse_shape(self, shape: Any) -> Any:
        _require_dims(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        size = shape[-1]
        return shape[:-2] + (size * (size - 1) // 2,)


class SoftmaxTransform(_Parameterless):
    """``y = softmax(x)`` along the last dim; the inverse is the logarithm. Not bijective."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Parameterless):
    """From ``K`` real numbers to a point of the simplex with ``K + 1`` entries, by breaking pieces off a stick."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _log_remaining(like: Any) -> Any:
        """Logarithms of the numbers of pieces that are still to come."""
        return torch.arange(like.shape[-1], 0, -1, dtype=like.dtype, device=like.device).log()

    def _call(self, x: Any) -> Any:
        share = _clipped_sigmoid(x - self._log_remaining(x))
        return F.pad(share, [0, 1], value=1) * _shifted_products(1 - share)

    def _inverse(self, y: Any) -> Any:
        pieces = y[..., :-1]
        left = (1 - pieces.cumsum(-1)).clamp(min=torch.finfo(y.dtype).tiny)
        return pieces.log() - left.log() + self._log_remaining(pieces)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._log_remaining(x)
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


def _diagonal(x: Any) -> Any:
    return x.diagonal(dim1=-2, dim2=-1)


class LowerCholeskyTransform(_Parameterless):
    """From square matrices to lower-triangular ones with a positive diagonal (its exponential)."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + _diagonal(x).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + _diagonal(y).log().diag_embed()


class PositiveDefiniteTransform(_Parameterless):
    """From square matrices to positive-definite ones: ``L L^T`` of the :class:`LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))
