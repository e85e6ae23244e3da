"""``torch.distributed.algorithms``: activation checkpointing works; what averages over processes needs several."""

from . import ddp_comm_hooks, join, model_averaging

__all__ = ["ddp_comm_hooks", "join", "model_averaging"]
