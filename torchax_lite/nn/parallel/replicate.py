"""Copies of a module on several devices, through which gradients flow back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def replicate(network: Any, devices: Sequence[Any], detach: bool = False) -> list[Any]:
    """One replica a device: its parameters are copies of the network's (no leaves, unless ``detach``)."""
    from .scatter_gather import _device

    copies = []
    for device in devices:
        where = _device(device)
        memo: dict[int, Any] = {}
        copies.append(_replica(network, where, detach, memo))
    return copies


def _replica(module: Any, where: Any, detach: bool, memo: dict[int, Any]) -> Any:
    if id(module) in memo:
        return memo[id(module)]
    made = memo[id(module)] = module._replicate_for_data_parallel()
    for name, child in module._modules.items():
        made._modules[name] = None if child is None else _replica(child, where, detach, memo)
    for name, p in module._parameters.items():
        if p is None:
            made._parameters[name] = None
            continue
        copy = (p.detach() if detach else p).to(where)
        made._parameters.pop(name, None)
        object.__setattr__(made, name, copy if copy is not p else p.view_as(p))
    for name, b in module._buffers.items():
        made._buffers[name] = None if b is None else b.to(where)
    return made


__all__ = ["replicate"]
