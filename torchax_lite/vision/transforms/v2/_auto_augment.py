"""Automatic augmentations: ``AutoAugment``, ``RandAugment``, ``TrivialAugmentWide``, ``AugMix``."""

from __future__ import annotations

from typing import Any

import PIL.Image

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.utils._pytree import tree_flatten, tree_unflatten

from ....tensor.dtypes import to_numpy_dtype
from ... import tv_tensors
from ..._kernels import mixing
from .. import _draws as draws
from .. import _policies, autoaugment
from .._functional_tensor import _max_value
from . import functional as F
from ._transform import Transform
from ._utils import IMAGES, _get_fill, _setup_fill_arg, check_type

_UNSUPPORTED = (tv_tensors.BoundingBoxes, tv_tensors.Mask, tv_tensors.KeyPoints)


def _choice(n: int) -> int:
    return int(torch.randint(n, ()))


class _AutoAugmentBase(Transform):
    """Base: finds the image of a sample, and applies operations to it."""

    def __init__(self, *, interpolation: Any = "nearest", fill: Any = None) -> None:
        super().__init__()
        self.interpolation = interpolation
        self.fill = fill
        self._fill = _setup_fill_arg(fill)

    def _find(self, inputs: tuple[Any, ...]) -> tuple[list[Any], Any, int]:
        """The parts of a sample, their structure, and the index of the only image or video among them.

        Raises:
            TypeError: there is none, or several, or annotations are there.
        """
        flat, spec = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        found = []
        for i, (x, want) in enumerate(zip(flat, self._needs_transform_list(flat), strict=True)):
            if want and check_type(x, IMAGES):
                found.append(i)
            elif isinstance(x, _UNSUPPORTED):
                raise TypeError(f"Inputs of type {type(x).__name__} are not supported by {type(self).__name__}()")
        if not found:
            raise TypeError("Found no image in the sample.")
        if len(found) > 1:
            raise TypeError(
                "Auto augment transformations are only properly defined for a single image or video, "
                f"but found {len(found)}."
            )
        return flat, spec, found[0]

    def forward(self, *inputs: Any) -> Any:
        flat, spec, i = self._find(inputs)
        flat[i] = self._augmented(flat[i])
        return tree_unflatten(flat, spec)

    def _augmented(self, image: Any) -> Any:
        raise NotImplementedError

    def _drawn(self, space: _policies.Space) -> str:
        return list(space)[_choice(len(space))]

    def _operated(self, image: Any, space: _policies.Space, name: str, bins: int, size: Any, pick: Any) -> Any:
        """An operation, its magnitude the one of index ``pick()``, its sign drawn."""
        make, signed = space[name]
        magnitude = 0.0
        if make is not None:
            magnitude = float(make(bins, *size)[pick()])
            if signed and torch.rand(()).item() <= 0.5:
                magnitude *= -1
        bound = _max_value(image.dtype) if isinstance(image, Tensor) else 255.0
        fill = _get_fill(self._fill, type(image))
        return _policies.apply(F, image, name, magnitude, self.interpolation, fill, bound)


class AutoAugment(_AutoAugmentBase):
    """One of the sub-policies found for a data set (Cubuk et al.)."""

    _v1_transform_cls = autoaugment.AutoAugment

    def __init__(
        self, policy: Any = _policies.AutoAugmentPolicy.IMAGENET, interpolation: Any = "nearest", fill: Any = None
    ) -> None:
        super().__init__(interpolation=interpolation, fill=fill)
        self.policy = policy
        self._policies = _policies.policies(policy)

    def _augmented(self, image: Any) -> Any:
        size = F.get_size(image)
        space = _policies.auto_augment_space(v2=True)
        for name, probability, index in self._policies[_choice(len(self._policies))]:
            drawn = torch.rand(()).cpu().numpy()
            if drawn <= drawn.dtype.type(probability):
                image = self._operated(image, space, name, 10, size, lambda index=index: index)
        return image


class RandAugment(_AutoAugmentBase):
    """``num_ops`` random operations of one magnitude (Cubuk et al.)."""

    _v1_transform_cls = autoaugment.RandAugment

    def __init__(
        self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31, interpolation: Any = "nearest",
        fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation=interpolation, fill=fill)
        if not isinstance(num_ops, int) or num_ops < 0:
            raise ValueError(f"num_ops should be a non-negative integer, but got {num_ops} instead.")
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def _augmented(self, image: Any) -> Any:
        size = F.get_size(image)
        space = _policies.rand_augment_space(v2=True)
        for _ in range(self.num_ops):
            name = self._drawn(space)
            image = self._operated(image, space, name, self.num_magnitude_bins, size, lambda: self.magnitude)
        return image


class TrivialAugmentWide(_AutoAugmentBase):
    """One random operation of a random magnitude (Müller and Hutter)."""

    _v1_transform_cls = autoaugment.TrivialAugmentWide

    def __init__(self, num_magnitude_bins: int = 31, interpolation: Any = "nearest", fill: Any = None) -> None:
        super().__init__(interpolation=interpolation, fill=fill)
        self.num_magnitude_bins = num_magnitude_bins

    def _augmented(self, image: Any) -> Any:
        space = _policies.trivial_augment_space(v2=True)
        bins = self.num_magnitude_bins
        name = self._drawn(space)
        return self._operated(image, space, name, bins, F.get_size(image), lambda: _choice(bins))


class AugMix(_AutoAugmentBase):
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

    _v1_transform_cls = autoaugment.AugMix

    def __init__(
        self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1, alpha: float = 1.0,
        all_ops: bool = True, interpolation: Any = "bilinear", fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation=interpolation, fill=fill)
        self._PARAMETER_MAX = autoaugment.PARAMETER_MAX
        autoaugment.check_severity(severity)
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops

    def _sample_dirichlet(self, params: Tensor) -> Tensor:
        return torch._sample_dirichlet(params)

    def _augmented(self, image: Any) -> Any:
        size = F.get_size(image)
        plain = F.pil_to_tensor(image) if isinstance(image, PIL.Image.Image) else image.as_subclass(Tensor)
        space = _policies.aug_mix_space(True, self.all_ops)
        dims = 5 if isinstance(image, tv_tensors.Video) else 4
        batch = plain.reshape([1] * max(dims - plain.ndim, 0) + list(plain.shape))
        share, shares = autoaugment.mixing_weights(self, batch)
        mix = mixing.weighed(batch, share)
        for i in range(self.mixture_width):
            changed = batch
            for _ in range(self.chain_depth if self.chain_depth > 0 else draws.integer(1, 4)):
                name = self._drawn(space)
                changed = self._operated(
                    changed, space, name, self._PARAMETER_MAX, size, lambda: _choice(self.severity)
                )
            mix = mixing.added(mix, changed, shares[:, i])
        mix = mixing.cut_off(mix, shape=tuple(plain.shape), dtype=to_numpy_dtype(plain.dtype))
        if isinstance(image, tv_tensors.TVTensor):
            return tv_tensors.wrap(mix, like=image)
        return F.to_pil_image(mix) if isinstance(image, PIL.Image.Image) else mix
