"""``torch._C._distributed_c10d``: names of process groups; those that need several processes refuse to be used."""

from ..distributed import _placeholders
from ..distributed._groups import ProcessGroup, ReduceOp, Store, Work
from ..distributed.stores import FileStore, HashStore, PrefixStore, TCPStore

__all__ = ["FileStore", "HashStore", "PrefixStore", "ProcessGroup", "ReduceOp", "Store", "TCPStore", "Work"]
_placeholders.fill(
    globals(),
    classes="BuiltinCommHookType FakeProcessGroup FakeWork GradBucket Logger ProcessGroupGloo ProcessGroupNCCL Reducer",
    functions="_broadcast_coalesced _compute_bucket_assignment_by_size _verify_params_across_processes",
)
