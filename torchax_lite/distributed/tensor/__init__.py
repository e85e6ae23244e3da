"""``torch.distributed.tensor``: placements; tensors spread over processes need several."""

from .. import _placeholders
from ..device_mesh import DeviceMesh, init_device_mesh
from ._dtensor import DTensor
from .placement_types import Partial, Placement, Replicate, Shard

__all__ = ["DTensor", "DeviceMesh", "Partial", "Placement", "Replicate", "Shard", "init_device_mesh"]
_placeholders.fill(
    globals(),
    functions="distribute_module distribute_tensor empty full ones rand randn zeros",
)
