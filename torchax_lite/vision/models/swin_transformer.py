"""Swin transformer (Liu et al. 2021) and its second version (Liu et al. 2022)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, fx, nn
from torchax_lite.nn import functional as F

from ..ops.misc import MLP, Permute
from ..ops.stochastic_depth import StochasticDepth
from ._utils import Layer, builder, classify, with_weights
from ._weights import weights_enum
from .vision_transformer import initialise_mlp

__all__ = [
    "SwinTransformer", "Swin_T_Weights", "Swin_S_Weights", "Swin_B_Weights", "Swin_V2_T_Weights", "Swin_V2_S_Weights",
    "Swin_V2_B_Weights", "swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b",
]  # fmt: skip


def _patch_merging_pad(x: Tensor) -> Tensor:
    """``(..., H / 2, W / 2, 4 C)``: each square of four places as one, the map padded to even sizes."""
    h, w, _ = x.shape[-3:]
    x = F.pad(x, (0, 0, 0, w % 2, 0, h % 2))
    parts = [x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
    return torch.cat(parts, -1)


fx.wrap("_patch_merging_pad")


def _get_relative_position_bias(table: Tensor, index: Tensor, window_size: list[int]) -> Tensor:
    """``(1, heads, N, N)`` rows of the table for every pair of places in a window."""
    n = window_size[0] * window_size[1]
    return table[index].view(n, n, -1).permute(2, 0, 1).contiguous().unsqueeze(0)


fx.wrap("_get_relative_position_bias")


class PatchMerging(nn.Module):
    """Half the size, twice the width; normalised before."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(_patch_merging_pad(x)))


class PatchMergingV2(nn.Module):
    """Half the size, twice the width; normalised after."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(_patch_merging_pad(x)))


def _windows(x: Tensor, window: list[int]) -> Tensor:
    """``(N * windows, places, C)`` of ``(N, H, W, C)``."""
    n, h, w, c = x.shape
    x = x.view(n, h // window[0], window[0], w // window[1], window[1], c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, window[0] * window[1], c)


def _shift_mask(x: Tensor, height: int, width: int, window: list[int], shift: list[int]) -> Tensor:
    """``(windows, places, places)``: -100 between places that only the shift has brought together, else 0."""
    area = x.new_zeros((height, width))
    number = 0
    for rows in ((0, -window[0]), (-window[0], -shift[0]), (-shift[0], None)):
        for columns in ((0, -window[1]), (-window[1], -shift[1]), (-shift[1], None)):
            area[rows[0] : rows[1], columns[0] : columns[1]] = number
            number += 1
    parts = _windows(area[None, :, :, None], window)[..., 0]
    apart = parts.unsqueeze(1) - parts.unsqueeze(2)
    return apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)


def _attention(
    x: Tensor, qkv: Tensor, num_heads: int, relative_position_bias: Tensor, mask: Tensor | None,
    logit_scale: Tensor | None, attention_dropout: float, training: bool,
) -> Tensor:  # fmt: skip
    """Attention within each window: ``x (windows, places, C)``, ``qkv (windows, places, 3 C)``."""
    count, places, c = x.shape
    qkv = qkv.reshape(count, places, 3, num_heads, c // num_heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    if logit_scale is not None:
        attn = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        attn = attn * torch.clamp(logit_scale, max=math.log(100.0)).exp()
    else:
        attn = (q * (c // num_heads) ** -0.5).matmul(k.transpose(-2, -1))
    attn = attn + relative_position_bias
    if mask is not None:
        windows = mask.shape[0]
        attn = attn.view(count // windows, windows, num_heads, places, places) + mask.unsqueeze(1).unsqueeze(0)
        attn = attn.view(-1, num_heads, places, places)
    attn = F.dropout(F.softmax(attn, dim=-1), p=attention_dropout, training=training)
    return attn.matmul(v).transpose(1, 2).reshape(count, places, c)


def shifted_window_attention(
    input: Tensor, qkv_weight: Tensor, proj_weight: Tensor, relative_position_bias: Tensor, window_size: list[int],
    num_heads: int, shift_size: list[int], attention_dropout: float = 0.0, dropout: float = 0.0,
    qkv_bias: Tensor | None = None, proj_bias: Tensor | None = None, logit_scale: Tensor | None = None,
    training: bool = True,
) -> Tensor:  # fmt: skip
    """Attention within windows of ``input (N, H, W, C)``, which lie shifted where ``shift_size`` is not 0.

    With ``logit_scale`` the logits are scaled cosines, and the keys have no bias (Swin v2).
    """
    _, h, w, c = input.shape
    right = (window_size[1] - w % window_size[1]) % window_size[1]
    below = (window_size[0] - h % window_size[0]) % window_size[0]
    x = F.pad(input, (0, 0, 0, right, 0, below))
    n, high, wide, _ = x.shape
    shift = [0 if size >= length else s for s, size, length in zip(shift_size, window_size, (high, wide))]
    if sum(shift) > 0:
        x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
    x = _windows(x, window_size)
    if logit_scale is not None and qkv_bias is not None:
        qkv_bias = qkv_bias.clone()
        length = qkv_bias.numel() // 3
        qkv_bias[length : 2 * length].zero_()
    mask = _shift_mask(x, high, wide, window_size, shift) if sum(shift) > 0 else None
    x = _attention(
        x, F.linear(x, qkv_weight, qkv_bias), num_heads, relative_position_bias, mask, logit_scale, attention_dropout,
        training,
    )  # fmt: skip
    x = F.dropout(F.linear(x, proj_weight, proj_bias), p=dropout, training=training)
    x = x.view(n, high // window_size[0], wide // window_size[1], window_size[0], window_size[1], c)
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(n, high, wide, c)
    if sum(shift) > 0:
        x = torch.roll(x, shifts=(shift[0], shift[1]), dims=(1, 2))
    return x[:, :h, :w, :].contiguous()


fx.wrap("shifted_window_attention")


class ShiftedWindowAttention(nn.Module):
    """:func:`shifted_window_attention` with parameters and a table of biases by relative position."""

    def __init__(
        self, dim: int, window_size: list[int], shift_size: list[int], num_heads: int, qkv_bias: bool = True,
        proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size = window_size
        self.shift_size = shift_size
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self) -> None:
        """One row of biases for each pair of offsets."""
        h, w = self.window_size
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * h - 1) * (2 * w - 1), self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self) -> None:
        """The row of the table for each pair of places."""
        self.register_buffer("relative_position_index", relative_position_index(*self.window_size).flatten())

    def get_relative_position_bias(self) -> Tensor:
        """``(1, heads, places, places)``."""
        return _get_relative_position_bias(
            self.relative_position_bias_table, self.relative_position_index, self.window_size
        )

    def _options(self) -> dict[str, Any]:
        return {
            "shift_size": self.shift_size, "attention_dropout": self.attention_dropout, "dropout": self.dropout,
            "qkv_bias": self.qkv.bias, "proj_bias": self.proj.bias,
        }  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        bias = self.get_relative_position_bias()
        return shifted_window_attention(
            x, self.qkv.weight, self.proj.weight, bias, self.window_size, self.num_heads, **self._options(),
            training=self.training,
        )  # fmt: skip


def relative_position_index(height: int, width: int) -> Tensor:
    """``(places, places)``: a number for each pair of offsets between two places of a window."""
    places = torch.flatten(
        torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")), 1
    )  # fmt: skip
    apart = places[:, :, None] - places[:, None, :]
    return (apart[0] + (height - 1)) * (2 * width - 1) + (apart[1] + (width - 1))


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """The same with scaled cosines as logits, and a small network that gives the biases from log-spaced offsets."""

    def __init__(
        self, dim: int, window_size: list[int], shift_size: list[int], num_heads: int, qkv_bias: bool = True,
        proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(
            dim, window_size, shift_size, num_heads, qkv_bias=qkv_bias, proj_bias=proj_bias,
            attention_dropout=attention_dropout, dropout=dropout,
        )  # fmt: skip
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones((num_heads, 1, 1))))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 512, bias=True), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False)
        )
        if qkv_bias:
            length = self.qkv.bias.numel() // 3
            self.qkv.bias[length : 2 * length].data.zero_()

    def define_relative_position_bias_table(self) -> None:
        """``(1, 2 h - 1, 2 w - 1, 2)`` offsets on a log scale."""
        h, w = self.window_size
        down = torch.arange(-(h - 1), h, dtype=torch.float32) / (h - 1)
        across = torch.arange(-(w - 1), w, dtype=torch.float32) / (w - 1)
        table = torch.stack(torch.meshgrid([down, across], indexing="ij"), -1).unsqueeze(0) * 8
        table = torch.sign(table) * torch.log2(torch.abs(table) + 1.0) / 3.0
        self.register_buffer("relative_coords_table", table)

    def get_relative_position_bias(self) -> Tensor:
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * torch.sigmoid(_get_relative_position_bias(table, self.relative_position_index, self.window_size))

    def forward(self, x: Tensor) -> Tensor:
        bias = self.get_relative_position_bias()
        return shifted_window_attention(
            x, self.qkv.weight, self.proj.weight, bias, self.window_size, self.num_heads, **self._options(),
            logit_scale=self.logit_scale, training=self.training,
        )  # fmt: skip


class SwinTransformerBlock(nn.Module):
    """``y = x + drop(attention(norm(x)))``, then ``y + drop(mlp(norm(y)))``."""

    def __init__(
        self, dim: int, num_heads: int, window_size: list[int], shift_size: list[int], mlp_ratio: float = 4.0,
        dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm, attn_layer: Layer = ShiftedWindowAttention,
    ) -> None:  # fmt: skip
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        initialise_mlp(self.mlp)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The same with the normalisations after attention and MLP."""

    def __init__(
        self, dim: int, num_heads: int, window_size: list[int], shift_size: list[int], mlp_ratio: float = 4.0,
        dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm, attn_layer: Layer = ShiftedWindowAttentionV2,
    ) -> None:  # fmt: skip
        super().__init__(
            dim, num_heads, window_size, shift_size, mlp_ratio=mlp_ratio, dropout=dropout,
            attention_dropout=attention_dropout, stochastic_depth_prob=stochastic_depth_prob, norm_layer=norm_layer,
            attn_layer=attn_layer,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of blocks, every second with shifted windows, and halvings of the size between the stages."""

    def __init__(
        self, patch_size: list[int], embed_dim: int, depths: list[int], num_heads: list[int], window_size: list[int],
        mlp_ratio: float = 4.0, dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000, norm_layer: Layer | None = None, block: Layer | None = None,
        downsample_layer: Layer = PatchMerging,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_classes = num_classes
        block = block or SwinTransformerBlock
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-5)
        patch = (patch_size[0], patch_size[1])
        first = nn.Conv2d(3, embed_dim, kernel_size=patch, stride=patch)
        layers: list[nn.Module] = [nn.Sequential(first, Permute([0, 2, 3, 1]), norm_layer(embed_dim))]
        total = sum(depths)
        number = 0
        for i, depth in enumerate(depths):
            dim = embed_dim * 2**i
            stage: list[nn.Module] = []
            for j in range(depth):
                stage.append(
                    block(
                        dim, num_heads[i], window_size=window_size,
                        shift_size=[0 if j % 2 == 0 else w // 2 for w in window_size], mlp_ratio=mlp_ratio,
                        dropout=dropout, attention_dropout=attention_dropout,
                        stochastic_depth_prob=stochastic_depth_prob * float(number) / (total - 1), norm_layer=norm_layer,
                    )
                )  # fmt: skip
                number += 1
            layers.append(nn.Sequential(*stage))
            if i < len(depths) - 1:
                layers.append(downsample_layer(dim, norm_layer))
        self.features = nn.Sequential(*layers)
        width = embed_dim * 2 ** (len(depths) - 1)
        self.norm = norm_layer(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _swin_transformer(
    embed_dim: int, third: int, first_heads: int, stochastic_depth_prob: float, second: bool, weights: Any,
    progress: bool, **kwargs: Any,
) -> SwinTransformer:  # fmt: skip
    classify(weights, kwargs)
    given = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2} if second else {}
    model = SwinTransformer(
        patch_size=[4, 4], embed_dim=embed_dim, depths=[2, 2, third, 2], num_heads=[first_heads * 2**i for i in range(4)],
        window_size=[8, 8] if second else [7, 7], stochastic_depth_prob=stochastic_depth_prob, **given, **kwargs,
    )  # fmt: skip
    return with_weights(model, weights, progress)


Swin_T_Weights = weights_enum("Swin_T_Weights", __name__)
Swin_S_Weights = weights_enum("Swin_S_Weights", __name__)
Swin_B_Weights = weights_enum("Swin_B_Weights", __name__)
Swin_V2_T_Weights = weights_enum("Swin_V2_T_Weights", __name__)
Swin_V2_S_Weights = weights_enum("Swin_V2_S_Weights", __name__)
Swin_V2_B_Weights = weights_enum("Swin_V2_B_Weights", __name__)

swin_t = builder("swin_t", __name__, Swin_T_Weights, partial(_swin_transformer, 96, 6, 3, 0.2, False))
swin_s = builder("swin_s", __name__, Swin_S_Weights, partial(_swin_transformer, 96, 18, 3, 0.3, False))
swin_b = builder("swin_b", __name__, Swin_B_Weights, partial(_swin_transformer, 128, 18, 4, 0.5, False))
swin_v2_t = builder("swin_v2_t", __name__, Swin_V2_T_Weights, partial(_swin_transformer, 96, 6, 3, 0.2, True))
swin_v2_s = builder("swin_v2_s", __name__, Swin_V2_S_Weights, partial(_swin_transformer, 96, 18, 3, 0.3, True))
swin_v2_b = builder("swin_v2_b", __name__, Swin_V2_B_Weights, partial(_swin_transformer, 128, 18, 4, 0.5, True))
