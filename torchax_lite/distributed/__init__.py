"""``torch.distributed`` for one process; what needs several says what to use instead."""

from __future__ import annotations

import importlib
from typing import Any

from .distributed_c10d import *  # noqa: F403
from .distributed_c10d import _make_nccl_premul_sum, _several  # noqa: F401

_SUBMODULES = ("checkpoint", "distributed_c10d", "launch", "run", "stores")
_ONLY_SEVERAL = (
    "DeviceMesh", "algorithms", "autograd", "device_mesh", "elastic", "fsdp", "init_device_mesh", "optim",
    "pipelining", "rpc", "tensor",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ONLY_SEVERAL:
        raise _several(f"torch.distributed.{name}")
    raise AttributeError(f"module 'torch.distributed' has no attribute {name!r}")
