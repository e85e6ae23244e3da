"""Parametrizations that keep a weight orthogonal, or split off its length or its largest singular value."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn.modules import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.utils import parametrize

from .weight_norm import lengths

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_MAPS = ("matrix_exp", "cayley", "householder")


def _with_orthogonal_columns(matrix: Tensor) -> Tensor:
    """Q of ``matrix = Q R`` with a positive diagonal of R."""
    factors, tau = torch.geqrf(matrix)
    signs = factors.diagonal(dim1=-2, dim2=-1).sgn()
    return torch.linalg.householder_product(factors, tau) * signs.unsqueeze(-2)


def _is_orthogonal(matrix: Tensor) -> bool:
    identity = torch.eye(matrix.size(-1), dtype=matrix.dtype, device=matrix.device)
    eps = 10.0 * matrix.size(-2) * torch.finfo(matrix.dtype).eps
    return torch.allclose(matrix.mH @ matrix, identity, atol=eps)


class _Orthogonal(Module):
    """A (batch of) matrices with orthonormal columns, or rows if there are more columns, from any matrix X.

    ``"matrix_exp"`` is ``exp(A)`` and ``"cayley"`` ``(I - A/2)^-1 (I + A/2)``, with A the skew-symmetric matrix whose
    lower triangle is X's; ``"householder"`` is a product of reflections whose vectors are X's columns below the
    diagonal (signs on it). With ``use_trivialization`` the result is multiplied by a matrix ``base`` from the left,
    chosen so that the present weight belongs to a fixed X.
    """

    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def _mapped(self, X: Tensor) -> Tensor:
        """The map of a matrix of at least as many rows as columns."""
        n, k = X.size(-2), X.size(-1)
        if self.orthogonal_map == "householder":
            vectors = X.tril(diagonal=-1)
            tau = 2.0 / (1.0 + (vectors * vectors).sum(dim=-2))
            Q = torch.linalg.householder_product(vectors, tau)
            # As integers the signs on the diagonal are constants, to gradients and so to training.
            return Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        lower = X.tril()
        if n != k:
            lower = torch.cat([lower, lower.new_zeros(n, n - k).expand(*X.shape[:-2], -1, -1)], dim=-1)
        skew = lower - lower.mH
        if self.orthogonal_map == "matrix_exp":
            Q = torch.matrix_exp(skew)
        else:
            identity = torch.eye(n, dtype=skew.dtype, device=skew.device)
            Q = torch.linalg.solve(torch.add(identity, skew, alpha=-0.5), torch.add(identity, skew, alpha=0.5))
        return Q[..., :k] if n != k else Q

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix of X."""
        wide = X.size(-2) < X.size(-1)
        Q = self._mapped(X.mT if wide else X)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    @torch.no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        """The X that belongs to Q; with ``base`` that is fixed, and the base is changed."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        given, wide = Q, Q.size(-2) < Q.size(-1)
        if wide:
            Q = Q.mT
        n, k = Q.size(-2), Q.size(-1)
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential "
                    "or the Cayley parametrizations when use_trivialization=False."
                )
            return self._reflections(Q, wide)
        if n == k:
            Q = Q.clone() if _is_orthogonal(Q) else _with_orthogonal_columns(Q)
        else:
            more = torch.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
            Q = _with_orthogonal_columns(torch.cat([Q, more], dim=-1))
        self.base = Q
        # Minus the identity: the signs that the reflections' map reads on the diagonal make it the identity there.
        fixed = torch.zeros_like(given)
        fixed.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return fixed

    @staticmethod
    def _reflections(Q: Tensor, wide: bool) -> Tensor:
        """The reflections that Q is a product of, with the signs of R's diagonal on the diagonal."""
        factors, tau = torch.geqrf(Q)
        diagonal = factors.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0.0] *= -1  # a reflection that is left out turns no sign
        return factors.mT if wide else factors


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a weight of ``module`` orthogonal (or with orthonormal columns or rows); return the module.

    Args:
        module: the module.
        name: a parameter or buffer of at least 2 dims.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``; by default the first for square and complex
            matrices, the last for others.
        use_trivialization: whether the map starts at the present weight.

    Raises:
        ValueError: there is no such tensor, it has one dim, or no such map.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1) or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)


class _WeightNorm(Module):
    """``g v / |v|`` with a length for each slice along ``dim`` (-1: one length)."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight of length g and direction v."""
        return weight_v * (weight_g / lengths(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Length and (not normalized) direction of a weight."""
        return lengths(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Give a weight as length times direction (Salimans and Kingma, 2016), both trained; return the module.

    The length is ``parametrizations.<name>.original0``, the direction ``original1``; states of
    ``torch.nn.utils.weight_norm`` can be loaded.

    Args:
        module: the module.
        name: the weight.
        dim: dim whose slices have a length each (0: output units); None for one length of the whole weight.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: Any, prefix: str, *_: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, which power iterations in training estimate."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        rank = weight.ndim
        if not -rank <= dim < rank:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{rank}, {rank - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % rank
        self.eps = eps
        if rank > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            rows, columns = matrix.size()
            u, v = matrix.new_empty(rows).normal_(0, 1), matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """The slices along ``dim`` as rows."""
        return weight.movedim(self.dim, 0).flatten(1)

    @torch.no_grad()
    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        """Improve both singular vectors in place."""
        for _ in range(n_power_iterations):
            self._u = F.normalize(torch.mv(weight_mat, self._v), dim=0, eps=self.eps, out=self._u)
            self._v = F.normalize(torch.mv(weight_mat.mH, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Tensor) -> Tensor:
        """The normalized weight; a vector is divided by its length."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # what this pass saves outlives the next pass's update
        return weight / torch.vdot(u, torch.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: it is not known to be normalized, and the next reading normalizes it."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al., 2018); return the module.

    Args:
        module: the module.
        name: a parameter or buffer.
        n_power_iterations: iterations at each reading in training.
        eps: what a norm is divided by at least.
        dim: dim that makes the rows of the matrix: 1 for transposed convolutions, else 0, by default.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
