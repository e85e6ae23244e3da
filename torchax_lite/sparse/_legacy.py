"""``torch.sparse.FloatTensor`` and friends: old constructors of sparse tensors that also answer ``isinstance``."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch

from ..tensor import dtypes
from ..tensor.layouts import sparse_coo
from ..tensor.tensor import Tensor
from ._build import no_values, sparse_coo_tensor

_KINDS = {
    f"{dtypes.scalar_type_name(d)}Tensor": d
    for d in (dtypes.DTYPES[n] for n in "bfloat16 uint8 int8 float64 float32 float16 int32 int64 int16".split())
}


class _SparseType(type):
    """The class of these constructors.

    Attributes:
        dtype: of what they make of sizes, and of their instances; given values keep theirs.
        device_type: where.
    """

    dtype: Any
    device_type = "cpu"
    layout = sparse_coo
    is_sparse = True

    @property
    def is_cuda(cls) -> bool:
        """Whether it makes tensors on a GPU."""
        return cls.device_type == "cuda"

    def __instancecheck__(cls, instance: Any) -> bool:
        return (
            isinstance(instance, Tensor)
            and instance.layout is sparse_coo
            and instance.dtype is cls.dtype
            and instance.device.type == cls.device_type
        )

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        """``(indices, values)``, ``(indices, values, size)``, ``(size)``, ``(n, m, …)`` or nothing."""
        if cls.is_cuda and not torch.cuda.is_available():
            raise TypeError(
                f"type torch.cuda.sparse.{cls.__name__} not available. Torch not compiled with CUDA enabled."
            )
        where = torch.device(cls.device_type if device is None else device)
        if where.type != cls.device_type:
            raise RuntimeError(
                f"legacy constructor expects device type: {cls.device_type} but device type: {where.type} was passed"
            )
        if args and isinstance(args[0], Tensor):
            return sparse_coo_tensor(*args, device=where)
        size = tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, torch.Size)) else args or (0,)
        if not all(isinstance(n, int) for n in size):
            raise TypeError(
                f"torch.sparse.{cls.__name__} takes (indices, values), (indices, values, size) or sizes, but got "
                f"({', '.join(type(a).__name__ for a in args)})"
            )
        return no_values(size, cls.dtype, where, sparse_coo)


def legacy_types(device_type: str, module: str) -> dict[str, Any]:
    """The constructors for a device type, by name."""
    return {
        name: _SparseType(name, (), {"dtype": dtype, "device_type": device_type, "__module__": module})
        for name, dtype in _KINDS.items()
    }


LEGACY_TYPES = legacy_types("cpu", "torch.sparse")
