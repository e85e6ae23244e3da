"""Transforms that change colours."""

from __future__ import annotations

import collections.abc
from typing import Any

import torchax_lite as torch

from .. import _basic, _colors
from .. import _draws as draws
from . import functional as F
from ._transform import Transform, _RandomApplyTransform
from ._utils import query_chw

_ADJUST = (
    ("brightness_factor", F.adjust_brightness),
    ("contrast_factor", F.adjust_contrast),
    ("saturation_factor", F.adjust_saturation),
    ("hue_factor", F.adjust_hue),
)


class Grayscale(Transform):
    """The luminance, in one channel or three."""

    _v1_transform_cls = _basic.Grayscale

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.rgb_to_grayscale, inpt, num_output_channels=self.num_output_channels)


class RandomGrayscale(_RandomApplyTransform):
    """Black and white with as many channels as before, with probability ``p``."""

    _v1_transform_cls = _colors.RandomGrayscale

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p=p)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"num_input_channels": query_chw(flat_inputs)[0]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.rgb_to_grayscale, inpt, num_output_channels=params["num_input_channels"])


class RGB(Transform):
    """Gray images with three channels."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.grayscale_to_rgb, inpt)


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order."""

    _v1_transform_cls = _colors.ColorJitter

    def __init__(self, brightness: Any = None, contrast: Any = None, saturation: Any = None, hue: Any = None) -> None:
        super().__init__()
        self.brightness = self._check_input(brightness, "brightness")
        self.contrast = self._check_input(contrast, "contrast")
        self.saturation = self._check_input(saturation, "saturation")
        self.hue = self._check_input(hue, "hue", center=0, bound=(-0.5, 0.5), clip_first_on_zero=False)

    def _check_input(
        self, value: Any, name: str, center: float = 1.0, bound: Any = (0, float("inf")),
        clip_first_on_zero: bool = True,
    ) -> tuple[float, float] | None:  # fmt: skip
        """The range of a factor; None where it changes nothing."""
        if value is None:
            return None
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            value = [center - value, center + value]
            if clip_first_on_zero:
                value[0] = max(value[0], 0.0)
        elif isinstance(value, collections.abc.Sequence) and len(value) == 2:
            value = [float(v) for v in value]
        else:
            raise TypeError(f"{name}={value} should be a single number or a sequence with length 2.")
        if not bound[0] <= value[0] <= value[1] <= bound[1]:
            raise ValueError(f"{name} values should be between {bound} and increasing, but got {value}.")
        return None if value[0] == value[1] == center else (float(value[0]), float(value[1]))

    @staticmethod
    def _generate_value(left: float, right: float) -> float:
        return draws.uniform(left, right)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        params: dict[str, Any] = {"fn_idx": torch.randperm(4)}
        for name, _ in _ADJUST:
            limits = getattr(self, name.removesuffix("_factor"))
            params[name] = None if limits is None else self._generate_value(limits[0], limits[1])
        return params

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        for i in params["fn_idx"].tolist():
            name, adjust = _ADJUST[i]
            if params[name] is not None:
                inpt = self._call_kernel(adjust, inpt, **{name: params[name]})
        return inpt


class RandomChannelPermutation(Transform):
    """The channels in random order."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"permutation": torch.randperm(query_chw(flat_inputs)[0])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.permute_channels, inpt, params["permutation"])


class RandomPhotometricDistort(Transform):
    """Each change of colour with probability ``p``, as in SSD."""

    def __init__(
        self, brightness: Any = (0.875, 1.125), contrast: Any = (0.5, 1.5), saturation: Any = (0.5, 1.5),
        hue: Any = (-0.05, 0.05), p: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        self.brightness = brightness
        self.contrast = contrast
        self.hue = hue
        self.saturation = saturation
        self.p = p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        channels, *_ = query_chw(flat_inputs)
        params: dict[str, Any] = {}
        for name, _ in _ADJUST:
            limits = getattr(self, name.removesuffix("_factor"))
            params[name] = draws.uniform(limits[0], limits[1]) if draws.below(self.p) else None
        params["contrast_before"] = bool(torch.rand(()).item() < 0.5)
        params["channel_permutation"] = torch.randperm(channels) if draws.below(self.p) else None
        return params

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        (brightness, contrast, saturation, hue) = _ADJUST
        first = [brightness, contrast] if params["contrast_before"] else [brightness]
        last = [] if params["contrast_before"] else [contrast]
        for name, adjust in [*first, saturation, hue, *last]:
            if params[name] is not None:
                inpt = self._call_kernel(adjust, inpt, **{name: params[name]})
        if params["channel_permutation"] is not None:
            inpt = self._call_kernel(F.permute_channels, inpt, permutation=params["channel_permutation"])
        return inpt


class RandomEqualize(_RandomApplyTransform):
    """Each channel with a flat histogram, with probability ``p``."""

    _v1_transform_cls = _colors.RandomEqualize

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.equalize, inpt)


class RandomInvert(_RandomApplyTransform):
    """The negative, with probability ``p``."""

    _v1_transform_cls = _colors.RandomInvert

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.invert, inpt)


class RandomPosterize(_RandomApplyTransform):
    """Only the highest ``bits`` bits, with probability ``p``."""

    _v1_transform_cls = _colors.RandomPosterize

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.bits = bits

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.posterize, inpt, bits=self.bits)


class RandomSolarize(_RandomApplyTransform):
    """Values that reach the threshold inverted, with probability ``p``."""

    _v1_transform_cls = _colors.RandomSolarize

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.threshold = threshold

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.solarize, inpt, threshold=self.threshold)


class RandomAutocontrast(_RandomApplyTransform):
    """Each channel stretched to the full range, with probability ``p``."""

    _v1_transform_cls = _colors.RandomAutocontrast

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.autocontrast, inpt)


class RandomAdjustSharpness(_RandomApplyTransform):
    """The image made sharper or softer, with probability ``p``."""

    _v1_transform_cls = _colors.RandomAdjustSharpness

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.adjust_sharpness, inpt, sharpness_factor=self.sharpness_factor)
