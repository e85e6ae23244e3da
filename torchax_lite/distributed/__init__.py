"""``torch.distributed`` for one process; what needs several says what to use instead."""

from __future__ import annotations

import importlib
from typing import Any

from .distributed_c10d import *  # noqa: F403
from .distributed_c10d import _make_nccl_premul_sum, _rank_not_in_group, _several  # noqa: F401

_SUBMODULES = (
    "algorithms", "autograd", "checkpoint", "constants", "device_mesh", "distributed_c10d", "elastic", "fsdp", "launch",
    "launcher", "nn", "optim", "pipelining", "rpc", "run", "stores", "tensor", "utils",
)  # fmt: skip
_FROM = {"DeviceMesh": "device_mesh", "init_device_mesh": "device_mesh"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FROM:
        return getattr(importlib.import_module(f"{__name__}.{_FROM[name]}"), name)
    if name in ("BuiltinCommHookType", "GradBucket", "record_comm"):
        raise _several(f"torch.distributed.{name}")
    raise AttributeError(f"module 'torch.distributed' has no attribute {name!r}")
