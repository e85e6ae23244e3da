"""Attention over sequences of several lengths that lie one behind the other, without padding."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torchax_lite as torch
from torchax_lite import Tensor

__all__ = ["AuxRequest", "varlen_attn", "varlen_attn_out"]


class AuxRequest(NamedTuple):
    """What is returned besides the attention: ``lse``, the logarithm of the sum of the exponentials."""

    lse: bool = False


def _places(bounds: Tensor, total: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each of ``total`` tokens: its sequence, its place in it, and whether it is in any."""
    tokens = torch.arange(total, device=bounds.device)
    sequence = torch.searchsorted(bounds[1:].to(torch.int64), tokens, right=True)
    inside = sequence < bounds.shape[0] - 1
    sequence = sequence.clamp(max=bounds.shape[0] - 2)
    return sequence, tokens - bounds[sequence], inside


def _allowed(
    cu_seq_q: Tensor, cu_seq_k: Tensor, totals: tuple[int, int], window: tuple[int, int], seqused_k: Tensor | None
) -> Tensor:
    """Which keys each query may look at: those of its own sequence inside the window, counted from the ends."""
    seq_q, at_q, inside_q = (t.unsqueeze(1) if t.dim() else t for t in _places(cu_seq_q, totals[0]))
    seq_k, at_k, inside_k = _places(cu_seq_k, totals[1])
    used = cu_seq_k[1:] - cu_seq_k[:-1] if seqused_k is None else seqused_k
    allowed = (seq_q == seq_k) & inside_q & inside_k & (at_k < used[seq_k])
    middle = at_q + (used - (cu_seq_q[1:] - cu_seq_q[:-1]))[seq_q]
    left, right = window
    if left >= 0:
        allowed = allowed & (at_k >= middle - left)
    if right >= 0:
        allowed = allowed & (at_k <= middle + right)
    return allowed


def varlen_attn(
    query: Tensor, key: Tensor, value: Tensor, cu_seq_q: Tensor, cu_seq_k: Tensor, max_q: int, max_k: int, *,
    return_aux: AuxRequest | None = None, scale: float | None = None, window_size: Any = (-1, -1),
    enable_gqa: bool = False, seqused_k: Tensor | None = None, block_table: Tensor | None = None,
    num_splits: int | None = None,
) -> Any:  # fmt: skip
    """Attention of each sequence's queries over its own keys.

    Computed as one masked product over all tokens: memory grows with the square of their number.

    Args:
        query: ``(total queries, heads, E)``.
        key, value: ``(total keys, heads, E)``.
        cu_seq_q, cu_seq_k: where each sequence starts, and at last where the last one ends.
        max_q, max_k: the longest sequences (not needed here).
        return_aux: also return the logarithms of the sums, ``(heads, total queries)``.
        scale: of the products; ``1 / sqrt(E)`` by default.
        window_size: how far a query looks to the left and right; -1 for any distance, ``(-1, 0)`` for causal.
        enable_gqa: share each key and value head among several query heads.
        seqused_k: how many keys of each sequence count.
        block_table: must be None.
        num_splits: how a kernel would split the work (not needed here).

    Raises:
        NotImplementedError: ``block_table`` is given.
        ValueError: heads do not fit.
    """
    if block_table is not None:
        raise NotImplementedError("varlen_attn: block_table (paged keys and values)")
    heads_q, heads_k = query.size(1), key.size(1)
    if not enable_gqa and heads_q != heads_k:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={heads_q} and Hkv={heads_k}. "
            "Try setting enable_gqa=True for GQA."
        )
    if enable_gqa and heads_q % heads_k != 0:
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={heads_q} and Hkv={heads_k}."
        )
    window = tuple(window_size) if window_size is not None else (-1, -1)
    if len(window) != 2:
        raise ValueError(f"window_size must have length 2, got {len(window)}")
    if seqused_k is not None and (query.requires_grad or key.requires_grad or value.requires_grad):
        raise RuntimeError("seqused_k is an inference-only parameter.")
    allowed = _allowed(cu_seq_q, cu_seq_k, (query.size(0), key.size(0)), window, seqused_k)
    q, k, v = (x.transpose(0, 1) for x in (query, key, value))
    if heads_q != heads_k:
        k, v = (x.repeat_interleave(heads_q // heads_k, dim=0) for x in (k, v))
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = (q.to(wide) @ k.to(wide).transpose(-2, -1)) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
    scores = scores.masked_fill(~allowed, float("-inf"))
    nothing = ~allowed.any(-1, keepdim=True)
    weights = scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)
    out = (weights @ v.to(wide)).to(query.dtype).transpose(0, 1).contiguous()
    if return_aux is None or not return_aux.lse:
        return out
    return out, torch.logsumexp(scores, dim=-1)


def varlen_attn_out(
    out: Tensor, query: Tensor, key: Tensor, value: Tensor, cu_seq_q: Tensor, cu_seq_k: Tensor, max_q: int,
    max_k: int, *, return_aux: AuxRequest | None = None, scale: float | None = None, window_size: Any = (-1, -1),
    enable_gqa: bool = False, seqused_k: Tensor | None = None, block_table: Tensor | None = None,
    num_splits: int | None = None,
) -> Any:  # fmt: skip
    """:func:`varlen_attn`, written into ``out``; not differentiable."""
    with torch.no_grad():
        result = varlen_attn(
            query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, return_aux=return_aux, scale=scale,
            window_size=window_size, enable_gqa=enable_gqa, seqused_k=seqused_k, block_table=block_table,
            num_splits=num_splits,
        )  # fmt: skip
        if isinstance(result, tuple):
            return out.copy_(result[0]), result[1]
        return out.copy_(result)
