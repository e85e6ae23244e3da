"""`Transform`: applies one change, with one set of random parameters, to all parts of a sample."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import PIL.Image

from torchax_lite import Tensor, nn
from torchax_lite.utils._pytree import tree_flatten, tree_unflatten

from ... import tv_tensors
from .. import _draws as draws
from ._utils import check_type, has_any, is_pure_tensor
from .functional._utils import _get_kernel


class Transform(nn.Module):
    """Base class of the v2 transforms. Subclasses define `transform`, and `make_params` and `check_inputs` as needed.

    Samples may be nested in any way. Of several pure tensors the first counts as the image, and none where there is an
    ``Image``, a ``Video`` or a Pillow image.
    """

    _transformed_types: tuple[Any, ...] = (Tensor, PIL.Image.Image)
    _v1_transform_cls: Any = None

    def __init_subclass__(cls) -> None:
        if cls._v1_transform_cls is not None and hasattr(cls._v1_transform_cls, "get_params"):
            cls.get_params = staticmethod(cls._v1_transform_cls.get_params)  # type: ignore[attr-defined]

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise for samples that the transform cannot take."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The parameters of one call, drawn at random."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part of a sample, changed."""
        raise NotImplementedError

    def _call_kernel(self, functional: Callable[..., Any], inpt: Any, *args: Any, **kwargs: Any) -> Any:
        return _get_kernel(functional, type(inpt), allow_passthrough=True)(inpt, *args, **kwargs)

    def forward(self, *inputs: Any) -> Any:
        """A sample (one object, or several), changed."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(sample)
        self.check_inputs(flat)
        return self._changed(flat, spec)

    def _changed(self, flat: list[Any], spec: Any) -> Any:
        wanted = self._needs_transform_list(flat)
        params = self.make_params([x for x, want in zip(flat, wanted, strict=True) if want])
        made = [self.transform(x, params) if want else x for x, want in zip(flat, wanted, strict=True)]
        return tree_unflatten(made, spec)

    def _needs_transform_list(self, flat_inputs: list[Any]) -> list[bool]:
        """Which parts of a sample are transformed."""
        open_place = not has_any(flat_inputs, tv_tensors.Image, tv_tensors.Video, PIL.Image.Image)
        wanted = []
        for x in flat_inputs:
            want = check_type(x, self._transformed_types)
            if want and is_pure_tensor(x):
                want, open_place = open_place, False
            wanted.append(want)
        return wanted

    def extra_repr(self) -> str:
        """The public attributes of plain types."""
        shown = (bool, int, float, str, tuple, list, enum.Enum)
        items = self.__dict__.items()
        return ", ".join(f"{n}={v}" for n, v in items if n[0] != "_" and n != "training" and isinstance(v, shown))


class _RandomApplyTransform(Transform):
    """A transform that is applied with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        if not (0.0 <= p <= 1.0):
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        super().__init__()
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed or not."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(sample)
        self.check_inputs(flat)
        return self._changed(flat, spec) if draws.below(self.p) else sample
