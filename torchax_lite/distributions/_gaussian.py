"""Linear algebra of the multivariate normal family, over batches."""

from __future__ import annotations

import torchax_lite as torch
from torchax_lite import Tensor


def matvec(matrix: Tensor, vector: Tensor) -> Tensor:
    """Matrix times vector."""
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def mahalanobis(scale_tril: Tensor, x: Tensor) -> Tensor:
    """``|L^-1 x|^2``, batches broadcast; one factor for many vectors is one solve."""
    if scale_tril.dim() == 2 and x.dim() > 1:
        rows = x.reshape(-1, x.shape[-1])
        solved = torch.linalg.solve_triangular(scale_tril, rows.mT, upper=False)
        return solved.pow(2).sum(-2).reshape(x.shape[:-1])
    batch = torch.broadcast_shapes(scale_tril.shape[:-2], x.shape[:-1])
    columns = x.expand((*batch, x.shape[-1])).unsqueeze(-1)
    factors = scale_tril.expand((*batch, *scale_tril.shape[-2:]))
    return torch.linalg.solve_triangular(factors, columns, upper=False).pow(2).sum((-2, -1))


def half_log_det(scale_tril: Tensor) -> Tensor:
    """Half the log determinant of ``L L^T``."""
    return scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def squared_norm(matrix: Tensor) -> Tensor:
    """``tr(M M^T)``."""
    return matrix.pow(2).sum((-2, -1))


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a precision matrix, without forming that inverse."""
    flipped = torch.linalg.cholesky(torch.flip(precision, (-2, -1)))
    inverse = torch.flip(flipped, (-2, -1)).mT
    identity = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return torch.linalg.solve_triangular(inverse, identity, upper=False)
