"""``torch.backends.cuda``: precision of matrix products, and the attention kernels of PyTorch that XLA does without."""

from __future__ import annotations

from typing import Any

from ..tensor.functions import get_float32_matmul_precision, set_float32_matmul_precision


class cuBLASModule:
    """``torch.backends.cuda.matmul``."""

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may be computed in TensorFloat32."""
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        if value != self.allow_tf32:
            set_float32_matmul_precision("high" if value else "highest")

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "allow_tf32":
            raise AttributeError(f"Unknown attribute {name}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")


matmul = cuBLASModule()


def is_built() -> bool:
    """Whether PyTorch's own CUDA code is there (never: JAX's GPU support is asked for by ``torch.cuda.is_available``)."""
    return False


__all__ = ["cuBLASModule", "is_built", "matmul"]
