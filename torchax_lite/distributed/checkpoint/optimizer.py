"""Optimizer states of sharded models, which need several processes."""

from __future__ import annotations

from typing import Any, NoReturn

from torchax_lite.distributed._groups import _several

__all__ = ["load_sharded_optimizer_state_dict"]


def load_sharded_optimizer_state_dict(
    model_state_dict: dict[str, Any], optimizer_key: str, storage_reader: Any, planner: Any = None
) -> NoReturn:
    """Not here: raises NotImplementedError. ``load`` with ``get_state_dict`` reads optimizer states of one process."""
    raise _several("torch.distributed.checkpoint.load_sharded_optimizer_state_dict")
