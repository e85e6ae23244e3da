"""The layers of T5 (Raffel et al., 2020): attention with relative positions, RMS norm, and the two stacks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torchax_lite as torch

from ... import nn
from ...nn import functional as F  # noqa: N812
from ...nn.modules.linear import NonDynamicallyQuantizableLinear

__all__ = ["T5Decoder", "T5Encoder", "T5Layer", "T5LayerNorm", "T5MultiheadAttention"]

Activation = str | Callable[[torch.Tensor], torch.Tensor]


class T5MultiheadAttention(nn.MultiheadAttention):
    """Multi-head attention whose scores are not scaled, but get a learnt bias of the distance.

    Args:
        embed_dim: features.
        num_heads: heads.
        is_decoder: whether a query may not look ahead.
        dropout: on the weights.
        bias: of the projections.
        qkv_dim: features of a head.
        compute_relative_attention_bias: whether the layer has the bias; others are given it.
        relative_attention_num_buckets: distances are put into so many groups.
        relative_attention_max_distance: from this distance on they are all in the last one.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        is_decoder: bool = False,
        dropout: float = 0.0,
        bias: bool = False,
        qkv_dim: int = 64,
        compute_relative_attention_bias: bool = False,
        relative_attention_num_buckets: int = 32,
        relative_attention_max_distance: int = 128,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(embed_dim, num_heads, dropout, bias, False, False, qkv_dim, qkv_dim, True, device, dtype)
        self.is_decoder = is_decoder
        self.inner_dim = qkv_dim * num_heads
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
            setattr(self, name, nn.Parameter(torch.empty((self.inner_dim, embed_dim), device=device, dtype=dtype)))
        self.out_proj = NonDynamicallyQuantizableLinear(
            self.inner_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        self.register_parameter("in_proj_weight", None)
        self.compute_relative_attention_bias = compute_relative_attention_bias
        self.relative_attention_num_buckets = relative_attention_num_buckets
        self.relative_attention_max_distance = relative_attention_max_distance
        self.relative_attention_bias = None
        if compute_relative_attention_bias:
            self.relative_attention_bias = nn.Embedding(relative_attention_num_buckets, num_heads)

    def forward(  # type: ignore[override]
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        query_length: int | None = None,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = False,
        position_bias: torch.Tensor | None = None,
        past_key_value: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, tuple[torch.Tensor, torch.Tensor]]:
        """Attention of ``query`` (batch, L, features) to ``key`` and ``value`` (batch, S, features).

        Args:
            query_length: how many queries there have been, where keys are remembered.
            key_padding_mask: (batch, S), True for keys that are padding.
            need_weights: give the weights.
            attn_mask: (L, S), True where a query may not look, or a number to add to the score.
            average_attn_weights: give their mean over the heads.
            position_bias: (1, heads, L, S); computed here by default.
            past_key_value: the keys and values of earlier calls, (batch, heads, S, features of a head).

        Returns:
            The output, the bias, the weights (batch, heads, L, S) or None, and the keys and values.
        """
        is_self = query is key
        batch, length, _ = query.shape
        seen = length
        if past_key_value is not None:
            assert len(past_key_value) == 2, (
                f"past_key_value should have 2 past states: keys and values. Got {len(past_key_value)} past states"
            )
            seen += past_key_value[0].shape[2] if query_length is None else query_length
        q, k, v = self._project(query, key, value, is_self, past_key_value)
        source = k.size(2)
        mask = self._mask(query, attn_mask, key_padding_mask, is_self, source, past_key_value is not None)
        if position_bias is None:
            position_bias = self._bias(seen, source, k)
            if past_key_value is not None:
                position_bias = position_bias[:, :, -length:, :]
        weights = F.softmax(torch.matmul(q, k.transpose(3, 2)) + (position_bias + mask), dim=-1)
        if self.training and self.dropout > 0.0:
            weights = F.dropout(weights, p=self.dropout)
        out = torch.matmul(weights, v).transpose(1, 2).contiguous().view(batch, -1, self.inner_dim)
        out = self.out_proj(out)
        if not need_weights:
            return out, position_bias, None, (k, v)
        return out, position_bias, weights.sum(dim=1) / self.num_heads if average_attn_weights else weights, (k, v)

    def _heads(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """A projection, (batch, heads, length, features of a head)."""
        return (
            F.linear(x, weight).view(x.shape[0], -1, self.num_heads, weight.shape[0] // self.num_heads).transpose(1, 2)
        )

    def _project(self, query: Any, key: Any, value: Any, is_self: bool, past: Any) -> Any:
        q = self._heads(query, self.q_proj_weight)
        if past is not None and not is_self:
            return q, past[0], past[1]
        k, v = self._heads(key, self.k_proj_weight), self._heads(value, self.v_proj_weight)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        return q, k, v

    def _mask(self, query: Any, attn_mask: Any, padding: Any, is_self: bool, source: int, remembered: bool) -> Any:
        """What is added to the scores: minus infinity where a query may not look."""
        batch, length, _ = query.shape
        if attn_mask is None:
            attn_mask = torch.zeros((length, source), dtype=torch.bool, device=query.device)
            if self.is_decoder and is_self:
                attn_mask = torch.ones((length, length), dtype=torch.bool, device=query.device).triu(1)
        if attn_mask.dtype == torch.uint8:
            warnings.warn("Byte tensor for attn_mask is not supported. Using bool tensor instead.", stacklevel=3)
            attn_mask = attn_mask.to(torch.bool)
        assert attn_mask.is_floating_point() or attn_mask.dtype == torch.bool, (
            f"Only float and bool types are supported for attn_mask, not {attn_mask.dtype}"
        )
        if attn_mask.dim() != 2:
            raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill(attn_mask, -math.inf)
        if padding is None:
            return attn_mask
        padding = padding.to(torch.bool)
        if tuple(padding.shape) != (batch, source):
            assert remembered, "Must provide past_key_value if key_padding_mask needs to be expanded."
            padding = padding.expand(batch, source)
        return attn_mask.masked_fill(padding.view(batch, 1, 1, source), -math.inf)

    def _bias(self, length: int, source: int, k: torch.Tensor) -> torch.Tensor:
        """The bias of each distance, (1, heads, length, source); zeros in a layer without one."""
        if self.relative_attention_bias is None:
            return torch.zeros((1, self.num_heads, length, source), device=k.device, dtype=k.dtype)
        positions = torch.arange(source, device=k.device)[None, :] - torch.arange(length, device=k.device)[:, None]
        return self.relative_attention_bias(self._bucket(positions)).permute(2, 0, 1).unsqueeze(0)

    def _bucket(self, distance: torch.Tensor) -> torch.Tensor:
        """The group of each distance: one each for small ones, then wider and wider ones."""
        count = self.relative_attention_num_buckets
        first: Any = 0
        if self.is_decoder:
            distance = (-distance).clamp(min=0)
        else:
            count //= 2
            first = (distance > 0).long() * count
            distance = distance.abs()
        exact = count // 2
        scale = math.log(self.relative_attention_max_distance / exact)
        wide = exact + (torch.log(distance.float() / exact) / scale * (count - exact)).long()
        return first + torch.where(distance < exact, distance, wide.clamp(max=count - 1))


class T5LayerNorm(nn.Module):
    """``weight * x / sqrt(mean(x^2) + eps)``, with the mean in float32."""

    def __init__(self, d_model: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.variance_epsilon = eps

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        variance = hidden_states.to(torch.float32).pow(2).mean(-1, keepdim=True)
        out = hidden_states * torch.rsqrt(variance + self.variance_epsilon)
        if self.weight.dtype in (torch.float16, torch.bfloat16):
            out = out.to(self.weight.dtype)
        return self.weight * out


_ACTIVATIONS: dict[str, Callable[[], Any]] = {
    "relu": lambda: F.relu,
    "gelu": lambda: F.gelu,
    "gelu_new": lambda: nn.GELU(approximate="tanh"),
}


class T5Layer(nn.Module):
    """Self-attention, in a decoder cross-attention, and two linear layers; each after a norm, with a residual.

    Args:
        d_model: features.
        nhead, qkv_dim: heads, and features of each.
        dim_feedforward: features between the linear layers.
        dropout: of attention and of each part's output.
        activation: ``"relu"``, ``"gelu"``, ``"gelu_new"``, or a function.
        is_gated_act: multiply the activation by a second linear layer's output (FLAN-T5).
        layer_norm_eps: of the norms.
        relative_attention_num_buckets, relative_attention_max_distance, compute_relative_attention_bias: of
            :class:`T5MultiheadAttention`.
        is_decoder: whether the layer is a decoder's.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 3072,
        qkv_dim: int = 64,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        is_gated_act: bool = False,
        layer_norm_eps: float = 1e-6,
        relative_attention_num_buckets: int = 32,
        relative_attention_max_distance: int = 128,
        compute_relative_attention_bias: bool = False,
        is_decoder: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.is_gated_act = is_gated_act
        self.compute_relative_attention_bias = compute_relative_attention_bias
        self.is_decoder = is_decoder
        attention: dict[str, Any] = dict(
            dropout=dropout, qkv_dim=qkv_dim, relative_attention_num_buckets=relative_attention_num_buckets,
            relative_attention_max_distance=relative_attention_max_distance, device=device, dtype=dtype,
        )  # fmt: skip
        self.self_attn = T5MultiheadAttention(
            d_model, nhead, is_decoder, compute_relative_attention_bias=compute_relative_attention_bias, **attention
        )
        self.cross_attn = self.norm3 = self.dropout4 = None
        if is_decoder:
            self.cross_attn = T5MultiheadAttention(d_model, nhead, True, **attention)
            self.norm3 = T5LayerNorm(d_model, eps=layer_norm_eps)
            self.dropout4 = nn.Dropout(dropout)
        self.linear1 = self.linear1_0 = self.linear1_1 = None
        if is_gated_act:
            self.linear1_0 = nn.Linear(d_model, dim_feedforward, bias=False)
            self.linear1_1 = nn.Linear(d_model, dim_feedforward, bias=False)
        else:
            self.linear1 = nn.Linear(d_model, dim_feedforward, bias=False)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=False)
        self.norm1 = T5LayerNorm(d_model, eps=layer_norm_eps)
        self.norm2 = T5LayerNorm(d_model, eps=layer_norm_eps)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)
        self.dropout3 = nn.Dropout(dropout)
        if isinstance(activation, str):
            assert activation in _ACTIVATIONS, (
                f"Do not support '{activation}' activation. Use 'relu' or 'gelu' or 'gelu_new'"
            )
            activation = _ACTIVATIONS[activation]()
        self.activation = activation

    def forward(
        self,
        seq: torch.Tensor,
        memory: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        seq_key_padding_mask: torch.Tensor | None = None,
        memory_mask: torch.Tensor | None = None,
        memory_key_padding_mask: torch.Tensor | None = None,
        position_bias: torch.Tensor | None = None,
        past_key_values: Any = None,
    ) -> tuple[Any, ...]:
        """The output (batch, L, features) of ``seq``, in a decoder with the encoder's output ``memory``.

        Returns:
            The output, the position bias, the weights of self-attention and of cross-attention, and the keys and values
            of both.
        """
        own, crossed = (past_key_values[:2], past_key_values[2:]) if past_key_values is not None else (None, None)
        x = self.norm1(seq)
        attended, bias, weights, kept = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=seq_key_padding_mask, position_bias=position_bias,
            past_key_value=own,
        )  # fmt: skip
        if self.compute_relative_attention_bias:
            position_bias = bias
        x = seq + self.dropout1(attended)
        cross_weights, cross_kept = None, (None, None)
        if self.is_decoder:
            assert memory is not None, "Must provide memory (encoder hidden states)."
            attended, _, cross_weights, cross_kept = self.cross_attn(
                self.norm3(x), memory, memory, query_length=kept[0].shape[2], attn_mask=memory_mask,
                key_padding_mask=memory_key_padding_mask, past_key_value=crossed,
            )  # fmt: skip
            x = x + self.dropout4(attended)
        return x + self._feed_forward(self.norm2(x)), position_bias, weights, cross_weights, (*kept, *cross_kept)

    def _feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.is_gated_act:
            inner = self.activation(self.linear1_0(x)) * self.linear1_1(x)
        else:
            inner = self.activation(self.linear1(x))
        return self.dropout3(self.linear2(self.dropout2(inner)))


class _Stack(nn.Module):
    def __init__(self, layers: int, d_model: int, dropout: float, **options: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            T5Layer(d_model, dropout=dropout, compute_relative_attention_bias=i == 0, **options) for i in range(layers)
        )
        self.num_layers = layers
        self.norm = T5LayerNorm(d_model)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)


class T5Encoder(_Stack):
    """A stack of layers over embedded tokens.

    Args:
        d_model, nhead, dim_feedforward, qkv_dim, dropout, activation, is_gated_act, layer_norm_eps,
        relative_attention_num_buckets, relative_attention_max_distance: as of :class:`T5Layer`.
        num_layers: the number of layers.
        token_embeddings: embeds tokens.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int = 3072,
        qkv_dim: int = 64,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        is_gated_act: bool = False,
        layer_norm_eps: float = 1e-6,
        relative_attention_num_buckets: int = 32,
        relative_attention_max_distance: int = 128,
        token_embeddings: nn.Module | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_layers, d_model, dropout, nhead=nhead, dim_feedforward=dim_feedforward, qkv_dim=qkv_dim,
            activation=activation, is_gated_act=is_gated_act, layer_norm_eps=layer_norm_eps,
            relative_attention_num_buckets=relative_attention_num_buckets,
            relative_attention_max_distance=relative_attention_max_distance, device=device, dtype=dtype,
        )  # fmt: skip
        self.token_embeddings = token_embeddings

    def forward(
        self,
        src: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        src_key_padding_mask: torch.Tensor | None = None,
        embedded_src: torch.Tensor | None = None,
    ) -> dict[str, Any]:
        """A dict of the last output (``encoder_output``), all of them, the position bias, and the weights.

        Args:
            src: tokens (batch, length), or ``embedded_src`` (batch, length, features).
        """
        if embedded_src is None:
            assert self.token_embeddings is not None and src is not None, (
                "Must provide `token_embeddings` and `tgt` if not providing already embedded tokens."
            )
            embedded_src = self.token_embeddings(src)
        x = self.dropout1(embedded_src)
        bias = None
        outputs, weights = [], []
        for layer in self.layers:
            outputs.append(x)
            x, bias, own, _, _ = layer(x, mask=mask, seq_key_padding_mask=src_key_padding_mask, position_bias=bias)
            weights.append(own)
        x = self.dropout2(self.norm(x))
        return {
            "encoder_output": x,
            "encoder_hidden_states": [*outputs, x],
            "encoder_position_bias": bias,
            "encoder_sa_scores": weights,
        }


class T5Decoder(_Stack):
    """A stack of layers that also attend to an encoder's output.

    Args:
        d_model, nhead, ...: as of :class:`T5Encoder`.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int = 3072,
        qkv_dim: int = 64,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        is_gated_act: bool = False,
        layer_norm_eps: float = 1e-6,
        relative_attention_num_buckets: int = 32,
        relative_attention_max_distance: int = 128,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_layers, d_model, dropout, nhead=nhead, dim_feedforward=dim_feedforward, qkv_dim=qkv_dim,
            activation=activation, is_gated_act=is_gated_act, layer_norm_eps=layer_norm_eps,
            relative_attention_num_buckets=relative_attention_num_buckets,
            relative_attention_max_distance=relative_attention_max_distance, is_decoder=True, device=device, dtype=dtype,
        )  # fmt: skip

    def forward(
        self,
        embedded_tgt: torch.Tensor,
        memory: torch.Tensor,
        tgt_mask: torch.Tensor | None = None,
        memory_mask: torch.Tensor | None = None,
        tgt_key_padding_mask: torch.Tensor | None = None,
        memory_key_padding_mask: torch.Tensor | None = None,
        past_key_values: Any = None,
        return_past_key_values: bool = False,
    ) -> dict[str, Any]:
        """A dict of the last output (``decoder_output``), all of them, the position bias, the weights, keys and values."""
        x = self.dropout1(embedded_tgt)
        bias = None
        outputs, weights, cross_weights, kept = [], [], [], []
        for i, layer in enumerate(self.layers):
            outputs.append(x)
            x, bias, own, crossed, keys_and_values = layer(
                x, memory, mask=tgt_mask, memory_mask=memory_mask, seq_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, position_bias=bias,
                past_key_values=None if past_key_values is None else past_key_values[i],
            )  # fmt: skip
            weights.append(own)
            cross_weights.append(crossed)
            kept.append(keys_and_values)
        x = self.dropout2(self.norm(x))
        return {
            "decoder_output": x,
            "decoder_hidden_states": [*outputs, x],
            "decoder_position_bias": bias,
            "decoder_sa_scores": weights,
            "decoder_ca_scores": cross_weights,
            "past_key_values": kept if return_past_key_values else [],
        }
