"""Helpers of the distributions: broadcasting of parameters, probabilities and log-odds, lazy attributes, triangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant: Final[float] = 0.57721566490153286060
NUMBERS = (int, float, bool)


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(type(value), "__torch_function__")


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape; numbers become tensors of the first tensor's dtype and device (else the default dtype).

    Raises:
        ValueError: for an argument that is neither a number nor a tensor.
    """
    if not all(_is_tensor_like(v) or isinstance(v, NUMBERS) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    first = next((v for v in values if isinstance(v, Tensor)), None)
    options: dict[str, Any] = {"dtype": torch.get_default_dtype()}
    if first is not None:
        options = {"dtype": first.dtype, "device": first.device}
    tensors = [v if _is_tensor_like(v) else torch.tensor(v, **options) for v in values]
    return tuple(torch.broadcast_tensors(*tensors))


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    """Standard normal samples."""
    return torch.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last ``dim`` dims."""
    if dim == 0:
        return value
    return value.reshape((*value.shape[:-dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities: the sigmoid of log-odds (``is_binary``), or the softmax over the last dim."""
    return torch.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities moved into ``[eps, 1 - eps]`` of their dtype."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds (``is_binary``) or log-probabilities of probabilities, which are clamped first."""
    safe = clamp_probs(probs)
    return torch.log(safe) - torch.log1p(-safe) if is_binary else torch.log(safe)


class lazy_property:  # noqa: N801  (PyTorch's name)
    """An attribute computed at its first use, with gradients, and kept on the instance.

    On the class it is a property (for documentation and for :func:`isinstance`).
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):  # noqa: N801
    """What a :class:`lazy_property` is when it is looked up on the class."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        property.__init__(self, wrapped)


def _triangle(n: int, diag: int, device: Any) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tril_indices(n, n, offset=diag, device=device)
    return rows, columns


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries on and below diagonal ``diag`` of ``(..., n, n)`` matrices, row by row.

    Raises:
        ValueError: for a diagonal outside ``[-n, n - 1]``.
    """
    n = mat.shape[-1]
    if diag < -n or diag >= n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[(..., *_triangle(n, diag, mat.device))]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Square matrices whose entries on and below diagonal ``diag`` are the last dim of ``vec``, row by row; else 0.

    Raises:
        ValueError: where the last dim's size is not that of a triangle.
    """
    size = vec.shape[-1]
    shift = 1 + 2 * diag
    n = (-shift + (shift**2 + 8 * size + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {size} which cannot be expressed as the lower triangular part of a "
            "square D x D matrix."
        )
    order = round(n)
    mat = vec.new_zeros((*vec.shape[:-1], order, order))
    mat[(..., *_triangle(order, diag, vec.device))] = vec
    return mat
