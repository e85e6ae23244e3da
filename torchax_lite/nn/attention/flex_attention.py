"""Attention with a function of the scores and a mask that is a function of positions (FlexAttention).

The functions get 0-dim tensors and are applied to all positions by ``vmap``; scores are made as a whole, and XLA fuses
what is done to them.
"""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypedDict

import torchax_lite as torch
from torchax_lite import Tensor

from ._block_mask import BLOCK, WHOLE, BlockMask, dense, noop_mask, ordered, sliced_mask_mod

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "FlexKernelOptions",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_BACKENDS = ("AUTO", "TRITON", "FLASH", "TRITON_DECODE")


class FlexKernelOptions(TypedDict, total=False):
    """How PyTorch's kernels would be launched; checked, without effect here."""

    num_warps: int
    num_stages: int
    BLOCK_M: int
    BLOCK_N: int
    BLOCK_M1: int
    BLOCK_N1: int
    BLOCK_M2: int
    BLOCK_N2: int
    PRESCALE_QK: bool
    ROWS_GUARANTEED_SAFE: bool
    BLOCKS_ARE_CONTIGUOUS: bool
    WRITE_DQ: bool
    FORCE_USE_FLEX_ATTENTION: bool
    USE_TMA: bool
    kpack: int
    matrix_instr_nonkdim: int
    waves_per_eu: int
    BACKEND: Literal["AUTO", "TRITON", "FLASH", "TRITON_DECODE"]


class AuxRequest(NamedTuple):
    """What is returned besides the attention."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for: logarithms of the sums of exponentials, and largest scores, ``(B, H, queries)`` each."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def _over_positions(function: Callable[..., Tensor], scores: bool) -> Callable[..., Tensor]:
    """``function(b, h, q_idx, kv_idx)``, with ``scores`` of a score first, mapped over vectors of positions."""
    first: tuple[int | None, ...] = (0,) if scores else ()
    for at in (3, 2, 1, 0):
        dims = tuple(0 if n == at else None for n in range(4))
        function = torch.vmap(function, in_dims=first + dims, out_dims=0)
    return function


def _positions(sizes: tuple[int, ...], device: Any) -> list[Tensor]:
    return [torch.arange(n, device=device) for n in sizes]


def _takes_scores(function: Callable[..., Any]) -> bool:
    """Whether it is a function of a score and four positions, rather than of the positions alone."""
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    count = sum(p.kind in plain and p.default is inspect.Parameter.empty for p in parameters)
    if count not in (4, 5):
        raise ValueError("Unknown modification type")
    return count == 5


def create_mask(
    mod_fn: Callable[..., Tensor], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None
) -> Tensor:
    """The bool mask ``(B, H, Q_LEN, KV_LEN)`` of a function of positions, or of where a score becomes -inf.

    Args:
        mod_fn: ``(b, h, q_idx, kv_idx) -> bool`` or ``(score, b, h, q_idx, kv_idx) -> score``.
        B, H: batches and heads; None for one that stands for all.
        Q_LEN, KV_LEN: numbers of queries and keys.
        device: of the mask.
    """
    sizes = (1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN)
    takes_scores = _takes_scores(mod_fn)
    function = _over_positions(mod_fn, takes_scores)
    if not takes_scores:
        return function(*_positions(sizes, device))
    scores = function(torch.zeros(sizes, device=device), *_positions(sizes, device))
    return ~torch.isneginf(scores)


def create_block_mask(
    mask_mod: Callable[..., Tensor], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = BLOCK, _compile: bool = False, separate_full_blocks: bool = True,
    compute_dq_write_order: bool = False, dq_kv_order: bool = True,
) -> BlockMask:  # fmt: skip
    """The block mask of a function of positions.

    Args:
        mask_mod: ``(b, h, q_idx, kv_idx) -> bool``: whether the query sees the key.
        B, H: batches and heads; None for one that stands for all.
        Q_LEN, KV_LEN: numbers of queries and keys.
        device: of the mask.
        BLOCK_SIZE: queries and keys of a block, or one number for both.
        separate_full_blocks: whether blocks that are wholly seen are listed apart.
        compute_dq_write_order: must be False.
        dq_kv_order: a hint to kernels, without effect unless ``compute_dq_write_order``.
    """
    if _takes_scores(mask_mod):
        raise AssertionError(f"create-block_mask requires a mask_mod function! Got {mask_mod}")
    if not isinstance(dq_kv_order, bool):
        raise ValueError("dq_kv_order must be a bool when using create_block_mask")
    if compute_dq_write_order:
        raise NotImplementedError("create_block_mask: compute_dq_write_order (an order of a CUDA kernel's writes)")
    block_q, block_kv = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    mask = torch.nn.functional.pad(mask, (0, -KV_LEN % block_kv, 0, -Q_LEN % block_q))
    batch, heads, rows, columns = mask.shape
    seen = mask.view(batch, heads, rows // block_q, block_q, columns // block_kv, block_kv).sum((3, 5))
    full: tuple[Any, Any] = (None, None)
    partial = seen > 0
    if separate_full_blocks:
        full = ordered(seen == block_q * block_kv)
        partial = partial & (seen < block_q * block_kv)
    return BlockMask.from_kv_blocks(
        *ordered(partial), *full, BLOCK_SIZE=(block_q, block_kv), mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN)
    )


def _check_mods(mask_mods: tuple[Any, ...]) -> None:
    if not all(callable(mod) for mod in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")


def or_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The mask function that is true where any of ``mask_mods`` is."""
    _check_mods(mask_mods)

    def or_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_zeros((), dtype=torch.bool)
        for mod in mask_mods:
            result = result | mod(b, h, q_idx, kv_idx)
        return result

    return or_mask


def and_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The mask function that is true where all of ``mask_mods`` are."""
    _check_mods(mask_mods)

    def and_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_ones((), dtype=torch.bool)
        for mod in mask_mods:
            result = result & mod(b, h, q_idx, kv_idx)
        return result

    return and_mask


def _check_sizes(query: Tensor, key: Tensor, value: Tensor, block_mask: BlockMask | None, enable_gqa: bool) -> None:
    if query.size(-1) != key.size(-1):
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension "
            f"but got E={query.size(-1)} and E={key.size(-1)}."
        )
    if not query.dim() == key.dim() == value.dim() == 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    heads_q, heads_kv = query.size(1), key.size(1)
    if not enable_gqa and heads_q != heads_kv:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={heads_q} and Hkv={heads_kv}. "
            "Try setting enable_gqa=True for GQA."
        )
    if enable_gqa and heads_q % heads_kv != 0:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA "
            f"but got Hq={heads_q} and Hkv={heads_kv}."
        )
    if query.size(0) == key.size(0):
        return
    sizes = f"Bq={query.size(0)}"
    if block_mask is None:
        raise ValueError(
            "Expect query and key/value to have the same batch size, or non-none block_mask, "
            f"but got block_mask=None, {sizes}, and Bkv={key.size(0)}."
        )
    if block_mask.kv_num_blocks.size(0) != query.size(0):
        raise ValueError(
            "Expect query and key/value to have the same batch size, or block_mask and query to have the same batch "
            f"size, but got {sizes}, Bkv={key.size(0)}, B_block_mask={block_mask.kv_num_blocks.size(0)}."
        )


def _check_block_mask(query: Tensor, key: Tensor, block_mask: BlockMask) -> None:
    if block_mask.mask_mod is sliced_mask_mod:
        raise RuntimeError("Cannot use mask_mod from a sliced BlockMask")
    if block_mask.BLOCK_SIZE == (WHOLE, WHOLE):
        return
    (q_len, kv_len), (mask_q, mask_kv) = (query.size(-2), key.size(-2)), block_mask.shape[-2:]
    text = (
        f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={q_len} and kv_len={kv_len}. "
        "As the block mask was created for a "
    )
    if q_len > mask_q or kv_len > mask_kv:
        raise ValueError(text + "smaller length than you're using it for, you likely need to create a new block mask.")
    if q_len < mask_q or kv_len < mask_kv:
        raise ValueError(
            text + "larger length than you're using it for, create a new block mask, or take its upper left corner "
            "with block_mask._adjust(q_len, kv_len) if its mask_mod allows that."
        )
    if query.device != block_mask.kv_num_blocks.device:
        raise RuntimeError(
            "Expect q/k/v and block_mask to be on the same device "
            f"but got {query.device} and {block_mask.kv_num_blocks.device}."
        )


def _check_options(options: FlexKernelOptions | None) -> None:
    options = {} if options is None else options
    if "BACKEND" in options and options.get("FORCE_USE_FLEX_ATTENTION", False):
        raise RuntimeError("BACKEND cannot be combined with legacy FORCE_USE_FLEX_ATTENTION. ")
    if options.get("BACKEND", "AUTO") not in _BACKENDS:
        raise ValueError(f"Invalid BACKEND value '{options['BACKEND']}'. Must be one of {_BACKENDS}")
    for name in ("OUTPUT_LOGSUMEXP", "OUTPUT_MAX"):
        if name in options:
            raise AssertionError(f"{name} must not be in kernel_options")


def _seen(scores: Tensor, block_mask: BlockMask) -> Tensor:
    """Which elements of ``(B, H, queries, keys)`` the block mask lets through."""
    keep = _over_positions(block_mask.mask_mod, scores=False)(*_positions(tuple(scores.shape), scores.device))
    block_q, block_kv = block_mask.BLOCK_SIZE
    if (block_q, block_kv) == (WHOLE, WHOLE):
        return keep
    rows = torch.arange(scores.shape[2], device=scores.device) // block_q
    columns = torch.arange(scores.shape[3], device=scores.device) // block_kv

    def elements(counts: Tensor, indices: Tensor) -> Tensor:
        blocks = dense(counts, indices)[: scores.shape[0], : scores.shape[1]]
        return blocks.to(torch.bool)[:, :, rows][:, :, :, columns]

    keep = keep & elements(block_mask.kv_num_blocks, block_mask.kv_indices)
    if block_mask.full_kv_num_blocks is not None and block_mask.full_kv_indices is not None:
        keep = keep | elements(block_mask.full_kv_num_blocks, block_mask.full_kv_indices)
    return keep


@functools.cache
def _warn_about_lse() -> None:
    warnings.warn(
        "return_lse is deprecated and will be removed in v2.10. Please use return_aux=AuxRequest(lse=True) instead.",
        FutureWarning,
        stacklevel=3,
    )


def flex_attention(
    query: Tensor, key: Tensor, value: Tensor, score_mod: Callable[..., Tensor] | None = None,
    block_mask: BlockMask | None = None, scale: float | None = None, enable_gqa: bool = False,
    return_lse: bool = False, kernel_options: FlexKernelOptions | None = None, *, return_aux: AuxRequest | None = None,
) -> Any:  # fmt: skip
    """``softmax(score_mod(q k^T scale)) v``, over the keys that ``block_mask`` lets through; differentiable.

    Args:
        query: ``(B, Hq, L, E)``.
        key: ``(B, Hkv, S, E)``.
        value: ``(B, Hkv, S, Ev)``.
        score_mod: ``(score, b, h, q_idx, kv_idx) -> score``; it may use other tensors, also ones that are trained.
        block_mask: made by :func:`create_block_mask`; all keys by default.
        scale: of the scores; ``1 / sqrt(E)`` by default.
        enable_gqa: share each key and value head among several query heads.
        return_lse: also return the logarithms of the sums of exponentials (deprecated).
        kernel_options: checked, without effect.
        return_aux: also return an :class:`AuxOutput` with what it asks for.

    A query that sees no key gives zeros, and -inf in ``lse``.
    """
    _check_sizes(query, key, value, block_mask, enable_gqa)
    if block_mask is not None:
        _check_block_mask(query, key, block_mask)
    if return_lse and return_aux is not None:
        raise ValueError(
            "Cannot specify both return_lse and return_aux. "
            "return_lse is deprecated, please use return_aux=AuxRequest(lse=True) instead."
        )
    if return_lse:
        _warn_about_lse()
    _check_options(kernel_options)
    scale = 1.0 / math.sqrt(query.size(-1)) if scale is None else scale
    groups = query.size(1) // key.size(1)
    if groups != 1:
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = query.to(wide) @ key.to(wide).transpose(-2, -1) * scale
    if score_mod is not None:
        positions = _positions(tuple(scores.shape), scores.device)
        scores = _over_positions(score_mod, scores=True)(scores, *positions).to(wide)
    if block_mask is not None:
        scores = torch.where(_seen(scores, block_mask), scores, float("-inf"))
    nothing = (scores == float("-inf")).all(-1, keepdim=True)
    weights = scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)
    out = weights.to(query.dtype) @ value.to(query.dtype)
    if return_aux is not None:
        return out, AuxOutput(
            torch.logsumexp(scores, dim=-1) if return_aux.lse else None,
            scores.amax(-1) if return_aux.max_scores else None,
        )
    return (out, torch.logsumexp(scores, dim=-1)) if return_lse else out
