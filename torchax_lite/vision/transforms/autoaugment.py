"""Automatic augmentations (v1): ``AutoAugment``, ``RandAugment``, ``TrivialAugmentWide``, ``AugMix``."""

from __future__ import annotations

from typing import Any

import numpy as np

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ...tensor.dtypes import to_numpy_dtype
from .._kernels import mixing
from . import _draws as draws
from . import _policies, functional
from ._geometric import fill_for
from ._interpolation import InterpolationMode
from ._policies import AutoAugmentPolicy

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]


def _apply_op(img: Any, op_name: str, magnitude: float, interpolation: Any, fill: Any) -> Any:
    return _policies.apply(functional, img, op_name, magnitude, interpolation, fill, 1.0)


def _filled(space: _policies.Space, bins: int, size: Any) -> dict[str, tuple[Any, bool]]:
    """Magnitudes for an image of a size (height, width); a 0-d array where an operation has none."""
    return {
        name: (np.float32(0.0) if make is None else make(bins, size[0], size[1]), signed)
        for name, (make, signed) in space.items()
    }


def _coin() -> bool:
    return bool(torch.randint(2, (1,)).item())


class AutoAugment(nn.Module):
    """One of the sub-policies found for a data set (Cubuk et al.).

    Args:
        policy: which data set's.
        interpolation: for the geometric operations.
        fill: for the geometric operations.
    """

    def __init__(
        self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.policy = policy
        self.interpolation = interpolation
        self.fill = fill
        self.policies = self._get_policies(policy)

    def _get_policies(self, policy: AutoAugmentPolicy) -> list[tuple[_policies.Step, _policies.Step]]:
        return _policies.policies(policy)

    def _augmentation_space(self, num_bins: int, image_size: Any) -> dict[str, tuple[Any, bool]]:
        return _filled(_policies.auto_augment_space(v2=False), num_bins, image_size)

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Tensor, Tensor]:
        """Which sub-policy, a draw for each of its two operations, and two signs."""
        policy_id = int(torch.randint(transform_num, (1,)).item())
        probs = torch.rand((2,))
        return policy_id, probs, torch.randint(2, (2,))

    def forward(self, img: Any) -> Any:
        fill = fill_for(img, self.fill)
        _, height, width = functional.get_dimensions(img)
        transform_id, probs, signs = self.get_params(len(self.policies))
        drawn, flips = probs.cpu().numpy(), signs.tolist()
        space = self._augmentation_space(10, (height, width))
        for i, (name, p, index) in enumerate(self.policies[transform_id]):
            if drawn[i] <= drawn.dtype.type(p):
                magnitudes, signed = space[name]
                magnitude = float(magnitudes[index]) if index is not None else 0.0
                if signed and flips[i] == 0:
                    magnitude *= -1.0
                img = _apply_op(img, name, magnitude, interpolation=self.interpolation, fill=fill)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(nn.Module):
    """``num_ops`` random operations of one magnitude (Cubuk et al.)."""

    def __init__(
        self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def _augmentation_space(self, num_bins: int, image_size: Any) -> dict[str, tuple[Any, bool]]:
        return _filled(_policies.rand_augment_space(v2=False), num_bins, image_size)

    def forward(self, img: Any) -> Any:
        fill = fill_for(img, self.fill)
        _, height, width = functional.get_dimensions(img)
        space = self._augmentation_space(self.num_magnitude_bins, (height, width))
        for _ in range(self.num_ops):
            name = list(space)[draws.integer(0, len(space))]
            magnitudes, signed = space[name]
            magnitude = float(magnitudes[self.magnitude]) if magnitudes.ndim > 0 else 0.0
            if signed and _coin():
                magnitude *= -1.0
            img = _apply_op(img, name, magnitude, interpolation=self.interpolation, fill=fill)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, fill={self.fill})"
        )


class TrivialAugmentWide(nn.Module):
    """One random operation of a random magnitude (Müller and Hutter)."""

    def __init__(
        self, num_magnitude_bins: int = 31, interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def _augmentation_space(self, num_bins: int) -> dict[str, tuple[Any, bool]]:
        return _filled(_policies.trivial_augment_space(v2=False), num_bins, (0, 0))

    def forward(self, img: Any) -> Any:
        fill = fill_for(img, self.fill)
        space = self._augmentation_space(self.num_magnitude_bins)
        name = list(space)[draws.integer(0, len(space))]
        magnitudes, signed = space[name]
        magnitude = float(magnitudes[draws.integer(0, len(magnitudes))]) if magnitudes.ndim > 0 else 0.0
        if signed and _coin():
            magnitude *= -1.0
        return _apply_op(img, name, magnitude, interpolation=self.interpolation, fill=fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


PARAMETER_MAX = 10
"""How many magnitudes the operations of ``AugMix`` have."""


def check_severity(severity: int) -> None:
    """Refuse a severity that is no index of a magnitude, counted from 1."""
    if not (1 <= severity <= PARAMETER_MAX):
        raise ValueError(f"The severity must be between [1, {PARAMETER_MAX}]. Got {severity} instead.")


def mixing_weights(transform: Any, batch: Tensor) -> tuple[Any, Any]:
    """Shares, drawn from Dirichlet distributions: of the image ``(N,)``, and of each chain ``(N, mixture_width)``."""
    n, alpha = batch.size(0), transform.alpha
    m = transform._sample_dirichlet(torch.tensor([alpha, alpha], device=batch.device).expand(n, -1))
    chains = torch.tensor([alpha] * transform.mixture_width, device=batch.device).expand(n, -1)
    return m[:, 0], transform._sample_dirichlet(chains) * m[:, 1].reshape(n, -1)


class AugMix(nn.Module):
    """A random mixture of the image and of chains of operations on it (Hendrycks et al.).

    Args:
        severity: magnitudes are chosen among the first ``severity`` of 10.
        mixture_width: how many chains.
        chain_depth: operations in a chain; 1 to 3 at random where it is not positive.
        alpha: parameter of the distributions that shares are drawn from.
        all_ops: use the colour changes, too.
        interpolation: for the geometric operations.
        fill: for the geometric operations.
    """

    def __init__(
        self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1, alpha: float = 1.0,
        all_ops: bool = True, interpolation: InterpolationMode = InterpolationMode.BILINEAR, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._PARAMETER_MAX = PARAMETER_MAX
        check_severity(severity)
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops
        self.interpolation = interpolation
        self.fill = fill

    def _augmentation_space(self, num_bins: int, image_size: Any) -> dict[str, tuple[Any, bool]]:
        return _filled(_policies.aug_mix_space(False, self.all_ops), num_bins, image_size)

    def _sample_dirichlet(self, params: Tensor) -> Tensor:
        return torch._sample_dirichlet(params)

    def _chain(self, img: Tensor, space: dict[str, tuple[Any, bool]], fill: Any) -> Tensor:
        depth = self.chain_depth if self.chain_depth > 0 else draws.integer(1, 4)
        for _ in range(depth):
            name = list(space)[draws.integer(0, len(space))]
            magnitudes, signed = space[name]
            magnitude = float(magnitudes[draws.integer(0, self.severity)]) if magnitudes.ndim > 0 else 0.0
            if signed and _coin():
                magnitude *= -1.0
            img = _apply_op(img, name, magnitude, interpolation=self.interpolation, fill=fill)
        return img

    def forward(self, orig_img: Any) -> Any:
        fill = fill_for(orig_img, self.fill)
        _, height, width = functional.get_dimensions(orig_img)
        img = orig_img if isinstance(orig_img, Tensor) else functional.pil_to_tensor(orig_img)
        space = self._augmentation_space(PARAMETER_MAX, (height, width))
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        share, shares = mixing_weights(self, batch)
        mix = mixing.weighed(batch, share)
        for i in range(self.mixture_width):
            mix = mixing.added(mix, self._chain(batch, space, fill), shares[:, i])
        mix = mixing.cut_off(mix, shape=tuple(img.shape), dtype=to_numpy_dtype(img.dtype))
        return mix if isinstance(orig_img, Tensor) else functional.to_pil_image(mix)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, mixture_width={self.mixture_width}, "
            f"chain_depth={self.chain_depth}, alpha={self.alpha}, all_ops={self.all_ops}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )
