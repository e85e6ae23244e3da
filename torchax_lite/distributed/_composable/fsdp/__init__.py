"""The earlier place of ``torch.distributed.fsdp.fully_shard``."""

from ...fsdp import (  # type: ignore[attr-defined]
    CPUOffloadPolicy,
    FSDPModule,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
    register_fsdp_forward_method,
)

__all__ = [
    "CPUOffloadPolicy", "FSDPModule", "MixedPrecisionPolicy", "OffloadPolicy", "fully_shard", "register_fsdp_forward_method",
]  # fmt: skip
