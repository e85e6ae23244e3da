"""Transforms that combine others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch
from torchax_lite import nn

from .. import _basic as _v1
from .. import _draws as draws
from ._transform import Transform


def _check(transforms: Any, kinds: Any, what: str) -> None:
    if not isinstance(transforms, kinds):
        raise TypeError(f"Argument transforms should be a sequence of callables{what}")
    if not transforms:
        raise ValueError("Pass at least one transform")


def _in_turn(transforms: Any, inputs: tuple[Any, ...]) -> Any:
    several = len(inputs) > 1
    made: Any = None
    for transform in transforms:
        made = transform(*inputs)
        inputs = made if several else (made,)
    return made


def _listed(transforms: Any) -> str:
    return "\n".join(f"    {t}" for t in transforms)


class Compose(Transform):
    """The transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        _check(transforms, Sequence, "")
        self.transforms = transforms

    def forward(self, *inputs: Any) -> Any:
        return _in_turn(self.transforms, inputs)

    def extra_repr(self) -> str:
        return _listed(self.transforms)


class RandomApply(Transform):
    """All of the transforms, with probability ``p``."""

    _v1_transform_cls = _v1.RandomApply

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        _check(transforms, (Sequence, nn.ModuleList), " or a `nn.ModuleList`")
        self.transforms = transforms
        if not (0.0 <= p <= 1.0):
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        if not draws.below(self.p):
            return inputs if len(inputs) > 1 else inputs[0]
        return _in_turn(self.transforms, inputs)

    def extra_repr(self) -> str:
        return _listed(self.transforms)


class RandomChoice(Transform):
    """One of the transforms, by weights ``p``."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: list[float] | None = None) -> None:
        _check(transforms, Sequence, "")
        if p is None:
            p = [1] * len(transforms)
        elif len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        super().__init__()
        self.transforms = transforms
        total = sum(p)
        self.p = [weight / total for weight in p]

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[int(torch.multinomial(torch.tensor(self.p), 1))](*inputs)


class RandomOrder(Transform):
    """The transforms in random order."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        _check(transforms, Sequence, "")
        super().__init__()
        self.transforms = transforms

    def forward(self, *inputs: Any) -> Any:
        return _in_turn([self.transforms[i] for i in draws.permutation(len(self.transforms))], inputs)
