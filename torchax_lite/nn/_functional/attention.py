"""Scaled dot-product attention and the whole multi-head attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch

from ..._generated import internal as _ops
from ...backends import _attention as attention_backends
from .activation import softmax
from .common import keep_mask
from .dropout import dropout
from .linear import linear
from .padding import pad

if TYPE_CHECKING:
    from torchax_lite import Tensor

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """``softmax(q k^T scale + mask) v`` over ``(..., L, E)``, ``(..., S, E)`` and ``(..., S, Ev)``.

    A bool mask lets True take part; ``scale`` defaults to ``1 / sqrt(E)``; ``enable_gqa`` shares each key and value
    head among several query heads. Dropout of the weights happens whenever ``dropout_p > 0``.
    """
    if is_causal and attn_mask is not None or not attention_backends.ENABLED["math"]:
        attention_backends.check(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa)
    if not 0.0 <= dropout_p <= 1.0:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g}")
    mask = None
    if dropout_p > 0.0:
        batch = query.shape[:-2] if enable_gqa else _broadcast(query.shape[:-2], key.shape[:-2])
        mask = keep_mask(query, dropout_p, (*batch, query.shape[-2], key.shape[-2]))
    return _ops.scaled_dot_product_attention_masked(
        query, key, value, attn_mask, mask, is_causal, None if scale is None else float(scale), enable_gqa,
        1.0 - dropout_p,
    )  # fmt: skip


def _broadcast(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """Common batch shape of two batch shapes of the same rank or less."""
    rank = max(len(a), len(b))
    pairs = zip((*(1,) * (rank - len(a)), *a), (*(1,) * (rank - len(b)), *b), strict=True)
    return tuple(y if x == 1 else x for x, y in pairs)


# ---------------------------------------------------------------- multi-head attention
def _is_batched(query: Tensor, key: Tensor, value: Tensor, key_mask: Tensor | None, attn_mask: Tensor | None) -> bool:
    """Check the ranks of all arguments; whether there is a batch dim."""
    rank = query.dim()
    if rank not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor")
    form = "batched (3-D)" if rank == 3 else "unbatched (2-D)"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"For {form} `query`, expected `key` and `value` to be {rank}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if key_mask is not None and key_mask.dim() != rank - 1:
        raise AssertionError(
            f"For {form} `query`, expected `key_padding_mask` to be `None` or {rank - 1}-D but found "
            f"{key_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {form} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor "
            "instead"
        )
    return rank == 3


def _additive(mask: Tensor | None, name: str, dtype: Any) -> Any:
    """A mask as a float tensor: True becomes -inf."""
    if mask is None:
        return None
    floating = mask.is_floating_point()
    if mask.dtype != torch.bool and not floating:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if floating:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, float("-inf"))


def _in_projection(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """``q``, ``k``, ``v`` times the packed weight; one product where they are one tensor."""
    size = q.size(-1)
    if k is v and q is k:
        packed = linear(q, w, b)
        packed = packed.unflatten(-1, (3, size)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()
        return packed[0], packed[1], packed[2]
    if k is v:
        w_q, w_kv = w.split([size, 2 * size])
        b_q, b_kv = (None, None) if b is None else b.split([size, 2 * size])
        packed = linear(k, w_kv, b_kv)
        packed = packed.unflatten(-1, (2, size)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()
        return linear(q, w_q, b_q), packed[0], packed[1]
    w_q, w_k, w_v = w.chunk(3)
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    return linear(q, w_q, b_q), linear(k, w_k, b_k), linear(v, w_v, b_v)


def _check_projections(
    embed: int, key: Tensor, value: Tensor, q_weight: Tensor | None, k_weight: Tensor | None, v_weight: Tensor | None
) -> None:
    named = (("q", q_weight, embed), ("k", k_weight, key.size(-1)), ("v", v_weight, value.size(-1)))
    for name, weight, size in named:
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        if tuple(weight.shape) != (embed, size):
            raise AssertionError(f"expecting {name}_proj_weight shape of {(embed, size)}, but got {weight.shape}")


def _shaped_mask(attn_mask: Tensor, target: int, source: int, batch: int, heads: int) -> Tensor:
    """The attention mask with a leading dim of 1 or ``batch * heads``."""
    if attn_mask.dim() == 2:
        if tuple(attn_mask.shape) != (target, source):
            raise RuntimeError(f"The shape of the 2D attn_mask is {attn_mask.shape}, but should be {(target, source)}.")
        return attn_mask.unsqueeze(0)
    wanted = (batch * heads, target, source)
    if attn_mask.dim() != 3:
        raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")
    if tuple(attn_mask.shape) != wanted:
        raise RuntimeError(f"The shape of the 3D attn_mask is {attn_mask.shape}, but should be {wanted}.")
    return attn_mask


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None,
    add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Tensor | None,
    training: bool = True, key_padding_mask: Tensor | None = None, need_weights: bool = True,
    attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
    static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Multi-head attention of ``(L, N, E)`` queries over ``(S, N, *)`` keys and values (arXiv:1706.03762).

    Projects, splits into heads, attends and projects back. The weights come second, ``(N, L, S)`` averaged over the
    heads or ``(N, heads, L, S)``; None without ``need_weights``.
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask)
    if not batched:
        # the packed projection looks at identity, so one tensor must stay one
        query, key, value = _unsqueezed(query, key, value)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target, batch, embed = query.shape
    source = key.shape[0]
    key_padding_mask = _additive(key_padding_mask, "key_padding_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. Use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _additive(attn_mask, "attn_mask", query.dtype)
        is_causal = is_causal and key_padding_mask is None
    if embed != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed}")
    width = embed // num_heads
    if width * num_heads != embed:
        raise AssertionError(f"embed_dim {embed} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        _check_projections(embed, key, value, q_proj_weight, k_proj_weight, v_proj_weight)
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        q = linear(query, q_proj_weight, biases[0])  # type: ignore[arg-type]
        k = linear(key, k_proj_weight, biases[1])  # type: ignore[arg-type]
        v = linear(value, v_proj_weight, biases[2])  # type: ignore[arg-type]
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _in_projection(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _shaped_mask(attn_mask, target, source, batch, num_heads)
    grown = 0
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k, v = torch.cat([k, bias_k.repeat(1, batch, 1)]), torch.cat([v, bias_v.repeat(1, batch, 1)])
        grown += 1
    elif bias_k is not None or bias_v is not None:
        raise AssertionError("bias_k and bias_v must be given together")

    def heads(x: Tensor, length: int) -> Tensor:
        return x.view(length, batch * num_heads, width).transpose(0, 1)

    def given(x: Tensor, name: str) -> Tensor:
        if x.size(0) != batch * num_heads or x.size(2) != width:
            raise AssertionError(
                f"expecting {name}.size(0) of {batch * num_heads} and size(2) of {width}, but got {tuple(x.shape)}"
            )
        return x

    q = heads(q, target)
    k = heads(k, k.shape[0]) if static_k is None else given(static_k, "static_k")
    v = heads(v, v.shape[0]) if static_v is None else given(static_v, "static_v")
    if add_zero_attn:
        zeros = torch.zeros((batch * num_heads, 1, width), dtype=k.dtype, device=k.device)
        k, v = torch.cat([k, zeros], dim=1), torch.cat([v, zeros], dim=1)
        grown += 1
    if grown:
        attn_mask = None if attn_mask is None else pad(attn_mask, (0, grown))
        key_padding_mask = None if key_padding_mask is None else pad(key_padding_mask, (0, grown))
    source = k.size(1)
    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (batch, source):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(batch, source)}, but got {key_padding_mask.shape}"
            )
        mask = key_padding_mask.view(batch, 1, 1, source).expand(-1, num_heads, -1, -1)
        mask = mask.reshape(batch * num_heads, 1, source)
        attn_mask = mask if attn_mask is None else attn_mask + mask
    rate = dropout_p if training else 0.0
    if need_weights:
        out, weights = _attend_with_weights(q, k, v, attn_mask, rate)
        out = out.transpose(0, 1).contiguous().view(target * batch, embed)
        weights = weights.view(batch, num_heads, target, source)
        if average_attn_weights:
            weights = weights.mean(dim=1)
    else:
        if attn_mask is not None:
            if attn_mask.size(0) == 1 and attn_mask.dim() == 3:
                attn_mask = attn_mask.unsqueeze(0)
            else:
                attn_mask = attn_mask.view(batch, num_heads, -1, source)
        q, k, v = (x.view(batch, num_heads, x.size(1), width) for x in (q, k, v))
        out = scaled_dot_product_attention(q, k, v, attn_mask, rate, is_causal)
        out = out.permute(2, 0, 1, 3).contiguous().view(batch * target, embed)
        weights = None
    out = linear(out, out_proj_weight, out_proj_bias).view(target, batch, -1)
    if not batched:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


def _unsqueezed(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def _attend_with_weights(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, rate: float) -> tuple[Tensor, Tensor]:
    """Attention over ``(heads, L, E)`` and its weights (after dropout)."""
    scaled = q * math.sqrt(1.0 / q.shape[-1])
    scores = (
        torch.bmm(scaled, k.transpose(-2, -1)) if mask is None else torch.baddbmm(mask, scaled, k.transpose(-2, -1))
    )
    weights = softmax(scores, dim=-1)
    if rate > 0.0:
        weights = dropout(weights, p=rate)
    return torch.bmm(weights, v), weights
