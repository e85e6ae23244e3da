"""Where the published weights are, and how a model gets them."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ... import hub, jit
from ...nn import Module

BUCKET = "https://download.pytorch.org/models/text/"


def state_dict_of(checkpoint: Any, dl_kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """A state dict as it is, or that of an address (kept in the hub's cache folder).

    Raises:
        TypeError: ``checkpoint`` is neither.
    """
    if isinstance(checkpoint, dict) and jit.isinstance(dict(checkpoint), dict[str, torch.Tensor]):
        return dict(checkpoint)
    if isinstance(checkpoint, str):
        return hub.load_state_dict_from_url(checkpoint, **(dl_kwargs or {}))
    raise TypeError(f"checkpoint must be of type `str` or `Dict[str, torch.Tensor]` but got {type(checkpoint)}")


def freeze(module: Module) -> None:
    """Let no parameter be trained."""
    for parameter in module.parameters():
        parameter.requires_grad = False
