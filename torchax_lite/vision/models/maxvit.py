"""MaxViT (Tu et al. 2022): convolution, attention in windows, attention on a coarse grid, block after block."""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.nn import functional as F

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ..ops.stochastic_depth import StochasticDepth
from ._utils import Layer, _ovewrite_named_param, builder, classify, with_weights
from ._weights import weights_enum
from .swin_transformer import relative_position_index

__all__ = ["MaxVit", "MaxVit_T_Weights", "maxvit_t"]


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    """Size after a 3 x 3 convolution with stride 2."""
    return (size[0] - 1) // 2 + 1, (size[1] - 1) // 2 + 1


class MBConv(nn.Module):
    """``proj(x) + drop(conv(x))``: widen, filter each channel by itself, weigh the channels, narrow."""

    def __init__(
        self, in_channels: int, out_channels: int, expansion_ratio: float, squeeze_ratio: float, stride: int,
        activation_layer: Layer, norm_layer: Layer, p_stochastic_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.proj: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            proj: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=1, bias=True)]
            if stride == 2:
                proj = [nn.AvgPool2d(kernel_size=3, stride=stride, padding=1), *proj]
            self.proj = nn.Sequential(*proj)
        wide, narrow = int(out_channels * expansion_ratio), int(out_channels * squeeze_ratio)
        self.stochastic_depth: nn.Module = (
            StochasticDepth(p_stochastic_dropout, mode="row") if p_stochastic_dropout else nn.Identity()
        )
        conv = partial(Conv2dNormActivation, activation_layer=activation_layer, norm_layer=norm_layer, inplace=None)
        self.layers = nn.Sequential(
            OrderedDict(
                pre_norm=norm_layer(in_channels),
                conv_a=conv(in_channels, wide, kernel_size=1, stride=1, padding=0),
                conv_b=conv(wide, wide, kernel_size=3, stride=stride, padding=1, groups=wide),
                squeeze_excitation=SqueezeExcitation(wide, narrow, activation=nn.SiLU),
                conv_c=nn.Conv2d(in_channels=wide, out_channels=out_channels, kernel_size=1, bias=True),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        res = self.proj(x)
        return res + self.stochastic_depth(self.layers(x))


class RelativePositionalMultiHeadAttention(nn.Module):
    """Attention within groups ``(N, groups, places, C)``, with biases by relative position."""

    def __init__(self, feat_dim: int, head_dim: int, max_seq_len: int) -> None:
        super().__init__()
        if feat_dim % head_dim != 0:
            raise ValueError(f"feat_dim: {feat_dim} must be divisible by head_dim: {head_dim}")
        self.n_heads = feat_dim // head_dim
        self.head_dim = head_dim
        self.size = int(math.sqrt(max_seq_len))
        self.max_seq_len = max_seq_len
        self.to_qkv = nn.Linear(feat_dim, self.n_heads * self.head_dim * 3)
        self.scale_factor = feat_dim**-0.5
        self.merge = nn.Linear(self.head_dim * self.n_heads, feat_dim)
        self.relative_position_bias_table = nn.Parameter(
            torch.empty(((2 * self.size - 1) * (2 * self.size - 1), self.n_heads), dtype=torch.float32)
        )
        self.register_buffer("relative_position_index", relative_position_index(self.size, self.size))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def get_relative_positional_bias(self) -> Tensor:
        """``(1, heads, places, places)``."""
        rows = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        rows = rows.view(self.max_seq_len, self.max_seq_len, -1)
        return rows.permute(2, 0, 1).contiguous().unsqueeze(0)

    def forward(self, x: Tensor) -> Tensor:
        n, g, p, d = x.shape
        q, k, v = (
            t.reshape(n, g, p, self.n_heads, self.head_dim).permute(0, 1, 3, 2, 4)
            for t in torch.chunk(self.to_qkv(x), 3, dim=-1)
        )
        logits = torch.einsum("B G H I D, B G H J D -> B G H I J", q, k * self.scale_factor)
        share = F.softmax(logits + self.get_relative_positional_bias(), dim=-1)
        out = torch.einsum("B G H I J, B G H J D -> B G H I D", share, v)
        return self.merge(out.permute(0, 1, 3, 2, 4).reshape(n, g, p, d))


class SwapAxes(nn.Module):
    """Two dims exchanged."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a = a
        self.b = b

    def forward(self, x: Tensor) -> Tensor:
        return torch.swapaxes(x, self.a, self.b)


class WindowPartition(nn.Module):
    """``(N, C, H, W)`` as windows of side ``p``: ``(N, windows, p * p, C)``."""

    def forward(self, x: Tensor, p: int) -> Tensor:
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)
        return x.reshape(n, (h // p) * (w // p), p * p, c)


class WindowDepartition(nn.Module):
    """The inverse of :class:`WindowPartition`."""

    def forward(self, x: Tensor, p: int, h_partitions: int, w_partitions: int) -> Tensor:
        n, _, _, c = x.shape
        x = x.reshape(n, h_partitions, w_partitions, p, p, c).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(n, c, h_partitions * p, w_partitions * p)


class PartitionAttentionLayer(nn.Module):
    """Attention and MLP within windows ("window"), or between the same places of all windows ("grid")."""

    def __init__(
        self, in_channels: int, head_dim: int, partition_size: int, partition_type: str, grid_size: tuple[int, int],
        mlp_ratio: int, activation_layer: Layer, norm_layer: Layer, attention_dropout: float, mlp_dropout: float,
        p_stochastic_dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_heads = in_channels // head_dim
        self.head_dim = head_dim
        self.n_partitions = grid_size[0] // partition_size
        self.partition_type = partition_type
        self.grid_size = grid_size
        if partition_type not in ["grid", "window"]:
            raise ValueError("partition_type must be either 'grid' or 'window'")
        sizes = (partition_size, self.n_partitions)
        self.p, self.g = sizes if partition_type == "window" else sizes[::-1]
        grid = partition_type == "grid"
        self.partition_op = WindowPartition()
        self.departition_op = WindowDepartition()
        self.partition_swap = SwapAxes(-2, -3) if grid else nn.Identity()
        self.departition_swap = SwapAxes(-2, -3) if grid else nn.Identity()
        self.attn_layer = nn.Sequential(
            norm_layer(in_channels),
            RelativePositionalMultiHeadAttention(in_channels, head_dim, partition_size**2),
            nn.Dropout(attention_dropout),
        )
        self.mlp_layer = nn.Sequential(
            nn.LayerNorm(in_channels),
            nn.Linear(in_channels, in_channels * mlp_ratio),
            activation_layer(),
            nn.Linear(in_channels * mlp_ratio, in_channels),
            nn.Dropout(mlp_dropout),
        )
        self.stochastic_dropout = StochasticDepth(p_stochastic_dropout, mode="row")

    def forward(self, x: Tensor) -> Tensor:
        h, w = self.grid_size
        torch._assert(
            h % self.p == 0 and w % self.p == 0,
            f"Grid size must be divisible by partition size. Got grid size of {self.grid_size} and partition size of "
            f"{self.p}",
        )
        x = self.partition_swap(self.partition_op(x, self.p))
        x = x + self.stochastic_dropout(self.attn_layer(x))
        x = x + self.stochastic_dropout(self.mlp_layer(x))
        return self.departition_op(self.departition_swap(x), self.p, h // self.p, w // self.p)


class MaxVitLayer(nn.Module):
    """Convolution, then attention in windows, then on the grid."""

    def __init__(
        self, in_channels: int, out_channels: int, squeeze_ratio: float, expansion_ratio: float, stride: int,
        norm_layer: Layer, activation_layer: Layer, head_dim: int, mlp_ratio: int, mlp_dropout: float,
        attention_dropout: float, p_stochastic_dropout: float, partition_size: int, grid_size: tuple[int, int],
    ) -> None:  # fmt: skip
        super().__init__()
        attention = partial(
            PartitionAttentionLayer, in_channels=out_channels, head_dim=head_dim, partition_size=partition_size,
            grid_size=grid_size, mlp_ratio=mlp_ratio, activation_layer=activation_layer, norm_layer=nn.LayerNorm,
            attention_dropout=attention_dropout, mlp_dropout=mlp_dropout, p_stochastic_dropout=p_stochastic_dropout,
        )  # fmt: skip
        conv = MBConv(
            in_channels, out_channels, expansion_ratio, squeeze_ratio, stride, activation_layer, norm_layer,
            p_stochastic_dropout,
        )  # fmt: skip
        self.layers = nn.Sequential(
            OrderedDict(
                MBconv=conv,
                window_attention=attention(partition_type="window"),
                grid_attention=attention(partition_type="grid"),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class MaxVitBlock(nn.Module):
    """Layers of one size; the first halves it."""

    def __init__(
        self, in_channels: int, out_channels: int, squeeze_ratio: float, expansion_ratio: float, norm_layer: Layer,
        activation_layer: Layer, head_dim: int, mlp_ratio: int, mlp_dropout: float, attention_dropout: float,
        partition_size: int, input_grid_size: tuple[int, int], n_layers: int, p_stochastic: list[float],
    ) -> None:  # fmt: skip
        super().__init__()
        if not len(p_stochastic) == n_layers:
            raise ValueError(f"p_stochastic must have length n_layers={n_layers}, got p_stochastic={p_stochastic}.")
        self.layers = nn.ModuleList()
        self.grid_size = _halved(input_grid_size)
        for i, p in enumerate(p_stochastic):
            self.layers.append(
                MaxVitLayer(
                    in_channels=in_channels if i == 0 else out_channels, out_channels=out_channels,
                    squeeze_ratio=squeeze_ratio, expansion_ratio=expansion_ratio, stride=2 if i == 0 else 1,
                    norm_layer=norm_layer, activation_layer=activation_layer, head_dim=head_dim, mlp_ratio=mlp_ratio,
                    mlp_dropout=mlp_dropout, attention_dropout=attention_dropout, partition_size=partition_size,
                    grid_size=self.grid_size, p_stochastic_dropout=p,
                )
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def _check_sizes(input_size: tuple[int, int], partition_size: int, blocks: int) -> None:
    sizes = [_halved(_halved(input_size))]
    for _ in range(blocks - 1):
        sizes.append(_halved(sizes[-1]))
    for i, size in enumerate(sizes):
        if size[0] % partition_size != 0 or size[1] % partition_size != 0:
            raise ValueError(
                f"Input size {size} of block {i} is not divisible by partition size {partition_size}. Consider changing "
                "the partition size or the input size.\n"
                f"Current configuration yields the following block input sizes: {sizes}."
            )


class MaxVit(nn.Module):
    """A stem and MaxViT blocks for images of ``input_size``."""

    def __init__(
        self, input_size: tuple[int, int], stem_channels: int, partition_size: int, block_channels: list[int],
        block_layers: list[int], head_dim: int, stochastic_depth_prob: float, norm_layer: Layer | None = None,
        activation_layer: Layer = nn.GELU, squeeze_ratio: float = 0.25, expansion_ratio: float = 4, mlp_ratio: int = 4,
        mlp_dropout: float = 0.0, attention_dropout: float = 0.0, num_classes: int = 1000,
    ) -> None:  # fmt: skip
        super().__init__()
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        _check_sizes(input_size, partition_size, len(block_channels))
        self.stem = nn.Sequential(
            Conv2dNormActivation(
                3, stem_channels, 3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer, bias=False,
                inplace=None,
            ),
            Conv2dNormActivation(
                stem_channels, stem_channels, 3, stride=1, norm_layer=None, activation_layer=None, bias=True
            ),
        )  # fmt: skip
        size = _halved(input_size)
        self.partition_size = partition_size
        self.blocks = nn.ModuleList()
        chances = np.linspace(0, stochastic_depth_prob, sum(block_layers)).tolist()
        first = 0
        for width_in, width, layers in zip([stem_channels, *block_channels[:-1]], block_channels, block_layers):
            self.blocks.append(
                MaxVitBlock(
                    in_channels=width_in, out_channels=width, squeeze_ratio=squeeze_ratio,
                    expansion_ratio=expansion_ratio, norm_layer=norm_layer, activation_layer=activation_layer,
                    head_dim=head_dim, mlp_ratio=mlp_ratio, mlp_dropout=mlp_dropout, attention_dropout=attention_dropout,
                    partition_size=partition_size, input_grid_size=size, n_layers=layers,
                    p_stochastic=chances[first : first + layers],
                )
            )  # fmt: skip
            size = self.blocks[-1].grid_size
            first += layers
        last = block_channels[-1]
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(last), nn.Linear(last, last), nn.Tanh(),
            nn.Linear(last, num_classes, bias=False),
        )  # fmt: skip
        self._init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)

    def _init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)


def _maxvit(weights: Any, progress: bool, **kwargs: Any) -> MaxVit:
    classify(weights, kwargs)
    if weights is not None:
        _ovewrite_named_param(kwargs, "input_size", weights.meta["min_size"])
    kwargs.setdefault("input_size", (224, 224))
    model = MaxVit(
        stem_channels=64, block_channels=[64, 128, 256, 512], block_layers=[2, 2, 5, 2], head_dim=32,
        stochastic_depth_prob=0.2, partition_size=7, **kwargs,
    )  # fmt: skip
    return with_weights(model, weights, progress)


MaxVit_T_Weights = weights_enum("MaxVit_T_Weights", __name__)
maxvit_t = builder("maxvit_t", __name__, MaxVit_T_Weights, _maxvit)
