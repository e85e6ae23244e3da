"""One module a device, each on its own arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def parallel_apply(
    modules: Sequence[Any], inputs: Sequence[Any], kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:  # fmt: skip
    """The modules' results; the devices work at the same time, as each has a queue of its own."""
    if len(modules) != len(inputs):
        raise AssertionError(f"The number of modules {len(modules)} is not equal to the number of inputs {len(inputs)}")
    named = kwargs_tup or [{}] * len(modules)
    return [
        m(*(x if isinstance(x, (list, tuple)) else (x,)), **k) for m, x, k in zip(modules, inputs, named, strict=True)
    ]


__all__ = ["parallel_apply"]
