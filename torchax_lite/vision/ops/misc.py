"""Layers that models are put together from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

Size = int | tuple[int, ...]
Layer = Callable[..., nn.Module]


class FrozenBatchNorm2d(nn.Module):
    """``weight (x - mean) / sqrt(var + eps) + bias`` with fixed statistics and factors, all of them buffers."""

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x: Tensor) -> Tensor:
        w, b, var, mean = (
            t.reshape(1, -1, 1, 1) for t in (self.weight, self.bias, self.running_var, self.running_mean)
        )
        scale = w * (var + self.eps).rsqrt()
        return x * scale + (b - mean * scale)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.weight.shape[0]}, eps={self.eps})"


def _same_padding(kernel_size: Any, dilation: Any) -> Any:
    """The padding that keeps the size at stride 1."""
    if isinstance(kernel_size, int) and isinstance(dilation, int):
        return (kernel_size - 1) // 2 * dilation
    n = len(kernel_size) if isinstance(kernel_size, Sequence) else len(dilation)
    kernel = kernel_size if isinstance(kernel_size, Sequence) else (kernel_size,) * n
    spread = dilation if isinstance(dilation, Sequence) else (dilation,) * n
    return tuple((k - 1) // 2 * d for k, d in zip(kernel, spread))


class ConvNormActivation(nn.Sequential):
    """A convolution, then a normalisation and an activation where given; use the forms for images or volumes."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size = 3, stride: Size = 1, padding: Any = None,
        groups: int = 1, norm_layer: Layer | None = nn.BatchNorm2d, activation_layer: Layer | None = nn.ReLU,
        dilation: Size = 1, inplace: bool | None = True, bias: bool | None = None, conv_layer: Layer = nn.Conv2d,
    ) -> None:  # fmt: skip
        layers = [
            conv_layer(
                in_channels, out_channels, kernel_size, stride,
                _same_padding(kernel_size, dilation) if padding is None else padding, dilation=dilation, groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]  # fmt: skip
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels
        if self.__class__ == ConvNormActivation:
            warnings.warn(
                "Don't use ConvNormActivation directly, please use Conv2dNormActivation and Conv3dNormActivation "
                "instead.",
                stacklevel=2,
            )


class Conv2dNormActivation(ConvNormActivation):
    """Conv2d, normalisation, activation; by default the padding keeps the size, and there is a bias without a norm."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size = 3, stride: Size = 1, padding: Any = None,
        groups: int = 1, norm_layer: Layer | None = nn.BatchNorm2d, activation_layer: Layer | None = nn.ReLU,
        dilation: Size = 1, inplace: bool | None = True, bias: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation,
            inplace, bias, nn.Conv2d,
        )  # fmt: skip


class Conv3dNormActivation(ConvNormActivation):
    """Conv3d, normalisation, activation; see :class:`Conv2dNormActivation`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size = 3, stride: Size = 1, padding: Any = None,
        groups: int = 1, norm_layer: Layer | None = nn.BatchNorm3d, activation_layer: Layer | None = nn.ReLU,
        dilation: Size = 1, inplace: bool | None = True, bias: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation,
            inplace, bias, nn.Conv3d,
        )  # fmt: skip


class SqueezeExcitation(nn.Module):
    """``x * gate(fc2(act(fc1(mean(x)))))``, channel by channel (Hu et al. 2018)."""

    def __init__(
        self, input_channels: int, squeeze_channels: int, activation: Layer = nn.ReLU,
        scale_activation: Layer = nn.Sigmoid,
    ) -> None:  # fmt: skip
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def _scale(self, input: Tensor) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))

    def forward(self, input: Tensor) -> Tensor:
        return self._scale(input) * input


class MLP(nn.Sequential):
    """Linear layers of the given widths, each but the last followed by norm, activation and dropout."""

    def __init__(
        self, in_channels: int, hidden_channels: list[int], norm_layer: Layer | None = None,
        activation_layer: Layer | None = nn.ReLU, inplace: bool | None = None, bias: bool = True, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        options = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        width = in_channels
        for hidden in hidden_channels[:-1]:
            layers.append(nn.Linear(width, hidden, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(hidden))
            layers.append(activation_layer(**options))
            layers.append(nn.Dropout(dropout, **options))
            width = hidden
        layers += [nn.Linear(width, hidden_channels[-1], bias=bias), nn.Dropout(dropout, **options)]
        super().__init__(*layers)


class Permute(nn.Module):
    """``x.permute(dims)``."""

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return torch.permute(x, self.dims)
