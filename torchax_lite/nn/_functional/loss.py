"""Loss functions: the ops that PyTorch differentiates as one node, and the losses composed of other operations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from ..._generated import internal as _ops
from ...tensor.value_checks import known_values
from .activation import logsigmoid
from .common import reduced, reduction_name
from .distance import pairwise_distance

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss",
    "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


# ---------------------------------------------------------------- classification
def _nll(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int) -> Tensor:
    """Negative log likelihood of ``(C)``, ``(N, C)`` or ``(N, C, *)``."""
    rank = input.dim()
    if rank < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {rank})")
    if rank != 1 and target.dim() and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if rank <= 2:
        return _ops.nll_loss(input, target, weight, reduction, ignore_index)
    if rank == 4:
        return _ops.nll_loss2d(input, target, weight, reduction, ignore_index)
    n, classes = input.shape[:2]
    shape = (n, *input.shape[2:])
    if tuple(target.shape) != shape:
        raise RuntimeError(f"Expected target size {list(shape)}, got {list(target.shape)}")
    places = math.prod(shape[1:])
    if not input.is_contiguous():
        input = input.contiguous()
    flat = input.view(n, classes, 1, places)
    out = _ops.nll_loss2d(flat, target.reshape(n, 1, places), weight, reduction, ignore_index)
    return out.view(shape) if reduction == "none" else out


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``-weight[t] x[n, t]`` of log probabilities ``(N, C, *)`` for the target classes ``(N, *)``."""
    return _nll(input, target, weight, reduction_name(size_average, reduce, reduction), ignore_index)


def _class_weights(weight: Tensor, rank: int, dim: int) -> Tensor:
    return weight.view([-1 if i == dim else 1 for i in range(rank)])


def _probability_targets(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int, smoothing: float
) -> Tensor:
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {str(target.dtype)[6:].title()}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    dim = 0 if input.dim() == 1 else 1
    classes = input.shape[dim]
    if weight is not None and (weight.dim() != 1 or weight.numel() != classes):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight.shape)}"
        )
    logs = torch.log_softmax(input, dim)
    if smoothing > 0:
        target = (target * (1 - smoothing)).add(smoothing / classes)
    terms = logs * target
    if weight is not None:
        terms = terms * _class_weights(weight, input.dim(), dim)
    if reduction == "none":
        return -terms.sum(dim)
    total: Tensor = -terms.sum()
    return total.div(input.numel() / classes) if reduction == "mean" and input.numel() else total


def _smoothed(
    logs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int, smoothing: float
) -> Tensor:
    dim = 0 if logs.dim() == 1 else 1
    classes = logs.shape[dim]
    nll = _nll(logs, target, weight, reduction, ignore_index)
    terms = logs if weight is None else logs * _class_weights(weight, logs.dim(), dim)
    ignored = target == ignore_index
    smooth = (-terms.sum(dim)).masked_fill(ignored, 0.0)
    if reduction == "mean":
        if weight is None:
            count = (~ignored).sum()
        else:
            count = weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0.0).sum()
        smooth = smooth.sum() / count
    elif reduction == "sum":
        smooth = smooth.sum()
    return nll * (1 - smoothing) + smooth * (smoothing / classes)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Negative log softmax of logits ``(N, C, *)`` at the target classes ``(N, *)``, or against probabilities.

    ``label_smoothing`` mixes the target with the uniform distribution.
    """
    reduction = reduction_name(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if input.shape == target.shape and input.dim():
        return _probability_targets(input, target, weight, reduction, ignore_index, label_smoothing)
    logs = torch.log_softmax(input, 0 if input.dim() == 1 else 1)
    if label_smoothing > 0:
        return _smoothed(logs, target, weight, reduction, ignore_index, label_smoothing)
    return _nll(logs, target, weight, reduction, ignore_index)


# ---------------------------------------------------------------- regression
def _warn_sizes(input: Tensor, target: Tensor) -> None:
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def _weighted(errors: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """Errors times weights; the mean is over the weights."""
    terms = errors * weight
    if reduction == "mean":
        return terms.sum() / weight.expand_as(terms).sum()
    return reduced(terms, reduction)


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``(x - t)^2``, reduced."""
    _warn_sizes(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    if weight is not None:
        return _weighted((input - target).pow(2), weight, reduction)
    return _ops.mse_loss(input, target, reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``|x - t|``, reduced."""
    _warn_sizes(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    errors = (input - target).abs()
    return reduced(errors, reduction) if weight is None else _weighted(errors, weight, reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """``d^2 / (2 beta)`` where ``d = |x - t| < beta``, else ``d - beta / 2``; reduced."""
    _warn_sizes(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    if beta == 0.0:
        return reduced((input - target).abs(), reduction)
    return _ops.smooth_l1_loss(input, target, reduction, float(beta))


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """``d^2 / 2`` where ``d = |x - t| <= delta``, else ``delta (d - delta / 2)``; reduced."""
    _warn_sizes(input, target)
    reduction = reduction_name(None, None, reduction)
    if weight is None:
        return _ops.huber_loss(input, target, reduction, float(delta))
    return reduced(_ops.huber_loss(input, target, "none", float(delta)) * weight, reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``exp(x) - t x`` (or ``x - t log(x + eps)``), with Stirling's term for ``t > 1`` when ``full``; reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def _known_negative(var: Tensor) -> bool:
    """Whether a value is below zero; of what a training step has just computed that is not known."""
    if var.is_meta or var._aval.place.kind == "trace":
        return False
    values = known_values(var)
    if values is not None:
        return bool((values < 0).any())
    return var.grad_fn is None and bool((var.detach() < 0).any())


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """``(log var + (x - t)^2 / var) / 2`` with the variance kept above ``eps``; reduced."""
    if not isinstance(var, torch.Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * torch.ones_like(input, requires_grad=False)
    elif var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif input.dim() != var.dim() or sum(v for n, v in zip(input.size(), var.size(), strict=True) if n != v) != 1:
            # one size may be 1 where the input's is not
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    if _known_negative(var):
        raise ValueError("var has negative entry/entries")
    kept = var.detach().clamp(min=eps) + (var - var.detach()) if var.requires_grad else var.clamp(min=eps)
    loss = 0.5 * (kept.log() + (input - target) ** 2 / kept)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


# ---------------------------------------------------------------- binary and probabilistic
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``-weight (t log x + (1 - t) log(1 - x))`` with logarithms above -100; reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    return _ops.binary_cross_entropy(input, target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """:func:`binary_cross_entropy` of ``sigmoid(input)``, computed without overflow."""
    reduction = reduction_name(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if not target.is_floating_point():
        kinds = [_type_name(t) for t in (input, target)]
        raise RuntimeError(f"result type {kinds[0]} can't be cast to the desired output type {kinds[1]}")
    return _ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


def _type_name(t: Tensor) -> str:
    return t.type().rsplit(".", 1)[-1].removesuffix("Tensor")


def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """``t (log t - x)`` of log probabilities ``x``, reduced; "batchmean" divides by the batch size."""
    if size_average is not None or reduce is not None or reduction != "batchmean":
        reduction = reduction_name(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    loss = target.exp() * (target - input) if log_target else torch.xlogy(target, target) - target * input
    if reduction == "batchmean":
        total = loss.sum()
        return total / input.size(0) if input.dim() else total
    return reduced(loss, reduction)


# ---------------------------------------------------------------- margins
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``x`` where the target is 1, ``max(0, margin - x)`` where it is -1; reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    far = torch.where(target != 1, (margin - input).clamp_min(0), 0)
    near = torch.where(target != -1, input, 0)
    return reduced(far + near, reduction)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``log(1 + exp(-t x))``, reduced."""
    return _ops.soft_margin_loss(input, target, reduction_name(size_average, reduce, reduction))


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum_{i != t} max(0, margin - x[t] + x[i])^p weight[t] / C``, reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return _ops.multi_margin_loss(input, target, p, float(margin), weight, reduction)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum_{labels j, others i} max(0, 1 - (x[j] - x[i])) / C``, reduced; labels end at the first -1."""
    return _ops.multilabel_margin_loss(input, target, reduction_name(size_average, reduce, reduction))


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Mean over the classes of the binary cross entropy of ``sigmoid(input)``, reduced over the rest."""
    reduction = reduction_name(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    classes = input.size(-1)
    return reduced(loss.sum(-1) / classes, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, -t (x1 - x2) + margin)``, reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``1 - cos(x1, x2)`` where the target is 1, ``max(0, cos - margin)`` where it is -1; reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    dim = target.dim()
    if dim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if dim == 1 and (input1.dim() != 2 or input2.dim() != 2):
        raise RuntimeError("1D target tensor expects 2D input tensors, but found inputs with sizes "
                           f"{list(input1.shape)} and {list(input2.shape)}.")  # fmt: skip
    if dim == 0 and (input1.dim() != 1 or input2.dim() != 1):
        raise RuntimeError("0D target tensor expects 1D input tensors, but found inputs with sizes "
                           f"{list(input1.shape)} and {list(input2.shape)}.")  # fmt: skip
    product = (input1 * input2).sum(dim)
    length1, length2 = (input1 * input1).sum(dim) + 1e-12, (input2 * input2).sum(dim) + 1e-12
    cosine = product / (length1 * length2).sqrt()
    near = torch.where(target == 1, 1 - cosine, 0)
    far = torch.where(target == -1, (cosine - margin).clamp_min(0), 0)
    return reduced(near + far, reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, d(a, p) - d(a, n) + margin)`` with the p-norm distance, reduced."""
    reduction = reduction_name(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ranks = anchor.dim(), positive.dim(), negative.dim()
    if len(set(ranks)) != 1:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
        )
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Callable[..., Tensor] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, d(a, p) - d(a, n) + margin)`` with any distance, reduced."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ranks = anchor.ndim, positive.ndim, negative.ndim
    if len(set(ranks)) != 1:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return reduced(torch.clamp_min(margin + near - far, 0), reduction)


# ---------------------------------------------------------------- CTC
def _lengths(values: Tensor | Sequence[int], device: Any) -> Tensor:
    if isinstance(values, torch.Tensor):
        return values.to(torch.int64).reshape(-1)
    return torch.tensor(list(values), dtype=torch.int64, device=device)


def _check_ctc(log_probs: Tensor, targets: Tensor, inputs: Any, lengths: Any, batch: int) -> None:
    for name, values in (("input_lengths", inputs), ("target_lengths", lengths)):
        size = values.numel() if isinstance(values, torch.Tensor) else len(values)
        if size != batch:
            raise RuntimeError(f"{name} must be of size batch_size")
    if not isinstance(inputs, torch.Tensor) and max(inputs, default=0) > log_probs.shape[0]:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {log_probs.shape[0]}, but got value {max(inputs)} (while "
            "checking arguments for ctc_loss_allocate_outputs)"
        )
    if not isinstance(lengths, torch.Tensor) and targets.dim() == 2 and max(lengths, default=0) > targets.shape[1]:
        raise RuntimeError(
            f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size {targets.shape[1]} for "
            "argument #2 'targets' (while checking arguments for ctc_loss_allocate_outputs)"
        )


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int], blank: int = 0, reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """``-log p(targets)`` over all alignments with ``log_probs (T, N, C)``; the mean is first over target lengths.

    ``targets`` is ``(N, S)`` or all targets in one row. In the latter form the lengths are read on the host.
    """
    reduction = reduction_name(None, None, reduction)
    batched = log_probs.dim() == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.unsqueeze(0) if targets.dim() == 1 else targets
    batch = log_probs.shape[1]
    _check_ctc(log_probs, targets, input_lengths, target_lengths, batch)
    lengths = _lengths(target_lengths, log_probs.device)
    if targets.dim() == 2:
        longest = targets.shape[1]
    else:
        known = target_lengths.tolist() if isinstance(target_lengths, torch.Tensor) else list(target_lengths)
        # a power of two, so that batches of many lengths share few programs
        longest = 1 << max(max(known, default=0) - 1, 0).bit_length()
    loss = _ops.ctc_loss(
        log_probs, targets.to(torch.int64), _lengths(input_lengths, log_probs.device), lengths, blank, longest,
        zero_infinity,
    )  # fmt: skip
    if not batched and reduction == "none":
        return loss.squeeze(0)
    if reduction == "mean":
        return (loss / lengths.clamp_min(1)).mean()
    return reduced(loss, reduction)
