"""Method forms of what exists as functions, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchax_lite as torch
from torchax_lite.tensor.dispatch import type_name
from torchax_lite.tensor.out_rules import check_out_dtype

from .registry import composite

if TYPE_CHECKING:
    from torchax_lite import Tensor

_WHERE_FORMS = " * (Tensor condition, Tensor other)\n * (Tensor condition, Number other)\n"


@composite(namespaces=(), method=True)
def where(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``self`` where the condition holds, ``other`` elsewhere; called as ``where(condition, other)``."""
    given = dict(zip(("condition", "other"), args, strict=False))
    values = {**given, **kwargs}
    numbers = (bool, int, float, complex)
    if (
        len(args) > 2
        or given.keys() & kwargs.keys()
        or values.keys() != {"condition", "other"}
        or not isinstance(values["condition"], torch.Tensor)
        or not isinstance(values["other"], (torch.Tensor, *numbers))
    ):
        got = [*map(type_name, args), *(f"{k}={type_name(v)}" for k, v in kwargs.items())]
        raise TypeError(
            f"where() received an invalid combination of arguments - got ({', '.join(got)}), but expected one of:\n"
            + _WHERE_FORMS
        )
    return torch.where(values["condition"], self, values["other"])


@composite(method=True)
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """A view with two dims exchanged: ``transpose``."""
    return input.transpose(axis0, axis1)


@composite(method=True)
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dims exchanged: ``transpose``."""
    return input.transpose(dim0, dim1)


@composite(namespaces=(), method=True)
def is_nonzero(self: Tensor) -> bool:
    """Truth of a one-element tensor."""
    return torch.is_nonzero(self)


@composite(namespaces=(), method=True, name="__reversed__")
def _reversed(self: Tensor) -> Tensor:
    """The elements along dim 0 in reverse order: ``reversed(tensor)``."""
    return self.flip(0) if self.ndim else self


@composite(namespaces=(), method=True)
def polygamma(self: Tensor, n: int) -> Tensor:
    """n-th derivative of the digamma function."""
    return torch.polygamma(n, self)


@composite(namespaces=(), method=True, name="polygamma_")
def polygamma_(self: Tensor, n: int) -> Tensor:
    """In-place form of ``polygamma``."""
    result = torch.polygamma(n, self.clone())
    if not torch.can_cast(result.dtype, self.dtype):
        check_out_dtype("polygamma", result.dtype, self.dtype)
    return self.copy_(result)


@composite(namespaces=(), method=True)
def new_empty_strided(
    self: Tensor, size: Sequence[int], stride: Sequence[int], *, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of given shape and strides, with the dtype and device of ``self`` unless others are given."""
    return torch.empty_strided(
        size, stride, dtype=self.dtype if dtype is None else dtype, layout=layout,
        device=self.device if device is None else device, requires_grad=requires_grad, pin_memory=pin_memory,
    )  # fmt: skip
