"""``torch._subclasses``: fake tensors, which have shapes and no values; ``device="meta"`` serves here."""

from .fake_tensor import FakeTensor, FakeTensorMode

__all__ = ["FakeTensor", "FakeTensorMode"]
