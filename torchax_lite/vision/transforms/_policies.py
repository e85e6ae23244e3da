"""What the automatic augmentations choose from: policies, operations, and their magnitudes."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from .._kernels.geometry import steps


class AutoAugmentPolicy(Enum):
    """The data set that a policy of ``AutoAugment`` was found on."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


_TEXTS = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 0.4 8, Rotate 0.6 9
        Solarize 0.6 5, AutoContrast 0.6 -
        Equalize 0.8 -, Equalize 0.6 -
        Posterize 0.6 7, Posterize 0.6 6
        Equalize 0.4 -, Solarize 0.2 4
        Equalize 0.4 -, Rotate 0.8 8
        Solarize 0.6 3, Equalize 0.6 -
        Posterize 0.8 5, Equalize 1.0 -
        Rotate 0.2 3, Solarize 0.6 8
        Equalize 0.6 -, Posterize 0.4 6
        Rotate 0.8 8, Color 0.4 0
        Rotate 0.4 9, Equalize 0.6 -
        Equalize 0.0 -, Equalize 0.8 -
        Invert 0.6 -, Equalize 1.0 -
        Color 0.6 4, Contrast 1.0 8
        Rotate 0.8 8, Color 1.0 2
        Color 0.8 8, Solarize 0.8 7
        Sharpness 0.4 7, Invert 0.6 -
        ShearX 0.6 5, Equalize 1.0 -
        Color 0.4 0, Equalize 0.6 -
        Equalize 0.4 -, Solarize 0.2 4
        Solarize 0.6 5, AutoContrast 0.6 -
        Invert 0.6 -, Equalize 1.0 -
        Color 0.6 4, Contrast 1.0 8
        Equalize 0.8 -, Equalize 0.6 -
    """,
    AutoAugmentPolicy.CIFAR10: """
        Invert 0.1 -, Contrast 0.2 6
        Rotate 0.7 2, TranslateX 0.3 9
        Sharpness 0.8 1, Sharpness 0.9 3
        ShearY 0.5 8, TranslateY 0.7 9
        AutoContrast 0.5 -, Equalize 0.9 -
        ShearY 0.2 7, Posterize 0.3 7
        Color 0.4 3, Brightness 0.6 7
        Sharpness 0.3 9, Brightness 0.7 9
        Equalize 0.6 -, Equalize 0.5 -
        Contrast 0.6 7, Sharpness 0.6 5
        Color 0.7 7, TranslateX 0.5 8
        Equalize 0.3 -, AutoContrast 0.4 -
        TranslateY 0.4 3, Sharpness 0.2 6
        Brightness 0.9 6, Color 0.2 8
        Solarize 0.5 2, Invert 0.0 -
        Equalize 0.2 -, AutoContrast 0.6 -
        Equalize 0.2 -, Equalize 0.6 -
        Color 0.9 9, Equalize 0.6 -
        AutoContrast 0.8 -, Solarize 0.2 8
        Brightness 0.1 3, Color 0.7 0
        Solarize 0.4 5, AutoContrast 0.9 -
        TranslateY 0.9 9, TranslateY 0.7 9
        AutoContrast 0.9 -, Solarize 0.8 3
        Equalize 0.8 -, Invert 0.1 -
        TranslateY 0.7 9, AutoContrast 0.9 -
    """,
    AutoAugmentPolicy.SVHN: """
        ShearX 0.9 4, Invert 0.2 -
        ShearY 0.9 8, Invert 0.7 -
        Equalize 0.6 -, Solarize 0.6 6
        Invert 0.9 -, Equalize 0.6 -
        Equalize 0.6 -, Rotate 0.9 3
        ShearX 0.9 4, AutoContrast 0.8 -
        ShearY 0.9 8, Invert 0.4 -
        ShearY 0.9 5, Solarize 0.2 6
        Invert 0.9 -, AutoContrast 0.8 -
        Equalize 0.6 -, Rotate 0.9 3
        ShearX 0.9 4, Solarize 0.3 3
        ShearY 0.8 8, Invert 0.7 -
        Equalize 0.9 -, TranslateY 0.6 6
        Invert 0.9 -, Equalize 0.6 -
        Contrast 0.3 3, Rotate 0.8 4
        Invert 0.8 -, TranslateY 0.0 2
        ShearY 0.7 6, Solarize 0.4 8
        Invert 0.6 -, Rotate 0.8 4
        ShearY 0.3 7, TranslateX 0.9 3
        ShearX 0.1 6, Invert 0.6 -
        Solarize 0.7 2, TranslateY 0.6 7
        ShearY 0.8 4, Invert 0.8 -
        ShearX 0.7 9, TranslateY 0.8 3
        ShearY 0.8 5, AutoContrast 0.7 -
        ShearX 0.7 2, Invert 0.1 -
    """,
}
"""Each line is a sub-policy: two operations, each with its probability and the index of its magnitude."""

Step = tuple[str, float, int | None]


def policies(policy: Any) -> list[tuple[Step, Step]]:
    """The sub-policies of a policy (Cubuk et al., AutoAugment).

    Raises:
        ValueError: not a policy.
    """
    if policy not in _TEXTS:
        raise ValueError(f"The provided policy {policy} is not recognized.")
    found = []
    for line in _TEXTS[policy].split("\n"):
        parts = [part.split() for part in line.split(",")] if line.strip() else []
        if parts:
            a, b = ((name, float(p), None if index == "-" else int(index)) for name, p, index in parts)
            found.append((a, b))
    return found


Magnitudes = Callable[[int, int, int], Any]


def _range(end: float, start: float = 0.0) -> Magnitudes:
    return lambda bins, height, width: steps(start, end, bins, np.float32)


def _posterize(bits: int, lost: int, rounded_first: bool) -> Magnitudes:
    """Bits kept: ``bits`` less up to ``lost``. v1 rounds the bits lost, v2 those that are left (halves go to even)."""

    def magnitudes(bins: int, height: int, width: int) -> Any:
        gone = np.arange(bins).astype(np.float32) / np.float32((bins - 1) / lost)
        return (bits - np.rint(gone) if rounded_first else np.rint(bits - gone)).astype(np.int32)

    return magnitudes


Space = dict[str, tuple[Magnitudes | None, bool]]
"""For each operation, what gives its magnitudes from ``(bins, height, width)``, and whether their sign is drawn."""


def _space(
    shear: float, across: Magnitudes, down: Magnitudes, turn: float, colour: float, bits: tuple[int, int], v2: bool
) -> Space:
    space: Space = {
        "ShearX": (_range(shear), True),
        "ShearY": (_range(shear), True),
        "TranslateX": (across, True),
        "TranslateY": (down, True),
        "Rotate": (_range(turn), True),
    }
    space |= {name: (_range(colour), True) for name in ("Brightness", "Color", "Contrast", "Sharpness")}
    return space | {
        "Posterize": (_posterize(*bits, rounded_first=not v2), False),
        "Solarize": (_range(0.0, 1.0 if v2 else 255.0), False),
        "AutoContrast": (None, False),
        "Equalize": (None, False),
    }


def _shares(share: float) -> tuple[Magnitudes, Magnitudes]:
    return (
        lambda bins, height, width: steps(0.0, share * width, bins, np.float32),
        lambda bins, height, width: steps(0.0, share * height, bins, np.float32),
    )


def _thirds() -> tuple[Magnitudes, Magnitudes]:
    return (
        lambda bins, height, width: steps(0.0, width / 3.0, bins, np.float32),
        lambda bins, height, width: steps(0.0, height / 3.0, bins, np.float32),
    )


def auto_augment_space(v2: bool) -> Space:
    """Operations of ``AutoAugment``."""
    space = _space(0.3, *_shares(150.0 / 331.0), 30.0, 0.9, (8, 4), v2)
    return space | {"Invert": (None, False)}


def rand_augment_space(v2: bool) -> Space:
    """Operations of ``RandAugment``."""
    return {"Identity": (None, False)} | _space(0.3, *_shares(150.0 / 331.0), 30.0, 0.9, (8, 4), v2)


def trivial_augment_space(v2: bool) -> Space:
    """Operations of ``TrivialAugmentWide``."""
    return {"Identity": (None, False)} | _space(0.99, _range(32.0), _range(32.0), 135.0, 0.99, (8, 6), v2)


def aug_mix_space(v2: bool, all_ops: bool) -> Space:
    """Operations of ``AugMix``; the colour changes come last, and only with ``all_ops``."""
    space = _space(0.3, *_thirds(), 30.0, 0.9, (4, 4), v2)
    colours = {name: space.pop(name) for name in ("Brightness", "Color", "Contrast", "Sharpness")}
    return space | colours if all_ops else space


def apply(F: Any, img: Any, name: str, magnitude: float, interpolation: Any, fill: Any, bound: float) -> Any:
    """An operation of the spaces above, by one of the ``functional`` interfaces.

    Args:
        F: the functional module.
        img: an image.
        name: the operation.
        magnitude: its strength.
        interpolation: for the geometric ones.
        fill: for the geometric ones.
        bound: what the magnitude of ``Solarize`` is multiplied by.

    Raises:
        ValueError: no operation of this name.
    """
    if name in ("ShearX", "ShearY", "TranslateX", "TranslateY"):
        shear, shift, centre = [0.0, 0.0], [0, 0], None
        axis = int(name.endswith("Y"))
        if name.startswith("Shear"):
            shear[axis] = math.degrees(math.atan(magnitude))
            centre = [0, 0]
        else:
            shift[axis] = int(magnitude)
        return F.affine(
            img, angle=0.0, translate=shift, scale=1.0, shear=shear, interpolation=interpolation, fill=fill,
            center=centre,
        )  # fmt: skip
    if name == "Rotate":
        return F.rotate(img, magnitude, interpolation=interpolation, fill=fill)
    if name in _FACTORS:
        return getattr(F, _FACTORS[name])(img, 1.0 + magnitude)
    if name == "Posterize":
        return F.posterize(img, int(magnitude))
    if name == "Solarize":
        return F.solarize(img, bound * magnitude)
    if name in _PLAIN:
        return getattr(F, _PLAIN[name])(img)
    if name != "Identity":
        raise ValueError(f"The provided operator {name} is not recognized.")
    return img


_FACTORS = {
    "Brightness": "adjust_brightness",
    "Color": "adjust_saturation",
    "Contrast": "adjust_contrast",
    "Sharpness": "adjust_sharpness",
}
_PLAIN = {"AutoContrast": "autocontrast", "Equalize": "equalize", "Invert": "invert"}
