"""``torch.distributed.fsdp``: its settings and wrapping policies; sharding itself needs several processes."""

from .._placeholders import fill
from .api import *  # noqa: F403
from .fully_sharded_data_parallel import FullyShardedDataParallel, OptimStateKeyType

fill(
    globals(),
    classes="FSDPModule UnshardHandle",
    functions="fully_shard register_fsdp_forward_method share_comm_ctx",
)
