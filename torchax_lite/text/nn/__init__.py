"""Attention in parts, to be combined freely."""

from __future__ import annotations

import torchax_lite as torch

from ...nn import Module
from ...nn import functional as F  # noqa: N812

__all__ = ["InProjContainer", "MultiheadAttentionContainer", "ScaledDotProduct"]


class MultiheadAttentionContainer(Module):
    """Multi-head attention of given projections and a given attention layer.

    Args:
        nhead: the number of heads.
        in_proj_container: projects query, key and value.
        attention_layer: the attention of ``(..., length, batch * heads, features / heads)``.
        out_proj: projects the result.
        batch_first: inputs and output are ``(..., batch, length, features)`` in place of ``(..., length, batch, features)``.
    """

    def __init__(
        self,
        nhead: int,
        in_proj_container: Module,
        attention_layer: Module,
        out_proj: Module,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.nhead = nhead
        self.in_proj_container = in_proj_container
        self.attention_layer = attention_layer
        self.out_proj = out_proj
        self.batch_first = batch_first

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        bias_k: torch.Tensor | None = None,
        bias_v: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The output, shaped as ``query``, and the weights, (batch * heads, target length, source length)."""
        if self.batch_first:
            query, key, value = (x.transpose(-3, -2) for x in (query, key, value))
        target, source = query.size(-3), key.size(-3)
        batch, features = query.size(-2), query.size(-1)
        heads = []
        projected = self.in_proj_container(query, key, value)
        for name, x, length in zip(("query", "key", "value"), projected, (target, source, source), strict=True):
            assert x.size(-1) % self.nhead == 0, f"{name}'s embed_dim must be divisible by the number of heads"
            heads.append(x.reshape(length, batch * self.nhead, x.size(-1) // self.nhead))
        out, weights = self.attention_layer(*heads, attn_mask=attn_mask, bias_k=bias_k, bias_v=bias_v)
        out = self.out_proj(out.reshape(target, batch, features))
        return (out.transpose(-3, -2) if self.batch_first else out), weights


class ScaledDotProduct(Module):
    """``softmax(q k^T / sqrt(d)) v``, with dropout on the weights.

    Args:
        dropout: the probability that a weight is zeroed.
        batch_first: inputs and output are ``(..., batch, length, features)``.
    """

    def __init__(self, dropout: float = 0.0, batch_first: bool = False) -> None:
        super().__init__()
        self.dropout = dropout
        self.batch_first = batch_first

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        bias_k: torch.Tensor | None = None,
        bias_v: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The attention of ``(..., length, batch * heads, features)``.

        Args:
            attn_mask: bool, (batch * heads or 1, target length, source length); True where attention is not allowed.
            bias_k, bias_v: (1, batch * heads, features), a key and a value that are added at the end.

        Returns:
            The output, and the weights, (batch * heads, target length, source length).
        """
        if self.batch_first:
            query, key, value = (x.transpose(-3, -2) for x in (query, key, value))
        if bias_k is not None and bias_v is not None:
            for x, bias, name in ((key, bias_k, "bias_k"), (value, bias_v, "bias_v")):
                fits = x.size(-1) == bias.size(-1) and x.size(-2) == bias.size(-2) and bias.size(-3) == 1
                assert fits, f"Shape of {name} is not supported"
            key, value = torch.cat([key, bias_k]), torch.cat([value, bias_v])
            if attn_mask is not None:
                attn_mask = F.pad(attn_mask, (0, 1))
        assert query.size(-1) == key.size(-1) == value.size(-1), "The feature dim of query, key, value must be equal."
        assert key.size() == value.size(), "Shape of key, value must match"
        if attn_mask is not None:
            _check_mask(attn_mask, query.size(-3), key.size(-3), max(query.size(-2), key.size(-2)))
        query, key, value = (x.transpose(-2, -3) for x in (query, key, value))
        scores = torch.matmul(query * float(query.size(-1)) ** -0.5, key.transpose(-2, -1))
        if attn_mask is not None:
            scores = scores.masked_fill(attn_mask, -1e8)
        weights = F.dropout(F.softmax(scores, dim=-1), p=self.dropout, training=self.training)
        out = torch.matmul(weights, value)
        return (out if self.batch_first else out.transpose(-3, -2)), weights


def _check_mask(mask: torch.Tensor, target: int, source: int, heads: int) -> None:
    if mask.dim() != 3:
        raise RuntimeError("attn_mask must be a 3D tensor.")
    if mask.size(-1) != source or mask.size(-2) != target or mask.size(-3) not in (1, heads):
        raise RuntimeError("The size of the attn_mask is not correct.")
    if mask.dtype != torch.bool:
        raise RuntimeError("Only bool tensor is supported for attn_mask")


class InProjContainer(Module):
    """The projections of query, key and value.

    Args:
        query_proj, key_proj, value_proj: a module each.
    """

    def __init__(self, query_proj: Module, key_proj: Module, value_proj: Module) -> None:
        super().__init__()
        self.query_proj = query_proj
        self.key_proj = key_proj
        self.value_proj = value_proj

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.query_proj(query), self.key_proj(key), self.value_proj(value)


def generate_square_subsequent_mask(nbatch: int, sz: int) -> torch.Tensor:
    """A bool mask (nbatch, sz, sz), True on and below the diagonal."""
    return torch.ones(sz, sz, dtype=torch.bool).tril().repeat(nbatch, 1, 1)
