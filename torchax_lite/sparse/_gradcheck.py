"""Gradient checks of functions of sparse tensors, by way of dense ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torchax_lite as torch

from ._tensor import CooTensor, SparseTensor


def as_sparse_gradcheck(gradcheck: Callable[..., Any]) -> Callable[..., Any]:
    """A ``gradcheck`` that takes functions with sparse inputs and outputs.

    With ``masked=True`` the function is one of the listed values; otherwise of all elements, so that what is not listed
    is varied too.
    """

    @functools.wraps(gradcheck)
    def check(func: Callable[..., Any], inputs: Any, *args: Any, masked: bool = False, **kwargs: Any) -> Any:
        given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
        rebuild: list[Callable[[Any], Any]] = []
        dense = []
        for t in given:
            if isinstance(t, SparseTensor) and t.requires_grad:
                make, start = _by_values(t) if masked else _by_elements(t)
                rebuild.append(make)
                dense.append(start.clone().requires_grad_(True))
            else:
                rebuild.append(lambda x: x)
                dense.append(t)

        def on_dense(*parts: Any) -> Any:
            out = func(*(make(p) for make, p in zip(rebuild, parts, strict=True)))
            if isinstance(out, (tuple, list)):
                return type(out)(o.to_dense() if isinstance(o, SparseTensor) else o for o in out)
            return out.to_dense() if isinstance(out, SparseTensor) else out

        return gradcheck(on_dense, tuple(dense), *args, **kwargs)

    return check


def _by_values(t: SparseTensor) -> tuple[Callable[[Any], Any], Any]:
    from ._graph import with_pattern

    pattern = t.detach()
    return lambda v: with_pattern(pattern, v), t._values_part.detach()


def _by_elements(t: SparseTensor) -> tuple[Callable[[Any], Any], Any]:
    if not isinstance(t, CooTensor):
        layout = t.layout
        return lambda d: d.to_sparse(layout=layout), t.detach().to_dense()
    n = t.sparse_dim()
    everywhere = torch.ones(t.shape[:n]).nonzero().t()

    def make(d: Any) -> Any:
        flat = d.reshape(-1, *t.shape[n:])
        return torch.sparse_coo_tensor(everywhere, flat, t.shape, is_coalesced=True)

    return make, t.detach().to_dense()
