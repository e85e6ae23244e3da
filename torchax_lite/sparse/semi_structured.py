"""2:4 semi-structured sparsity: kernels of NVIDIA's tensor cores that XLA does not call."""

from __future__ import annotations

from typing import Any, NoReturn

_TEXT = (
    "2:4 semi-structured sparse tensors need CUTLASS or cuSPARSELt kernels, which XLA does not call; keep the pruned "
    "weight dense, or use to_sparse_csr()"
)


class SparseSemiStructuredTensor:
    """Not here: 2:4 semi-structured weights. Instances cannot be made; ``isinstance`` is always false."""

    def __new__(
        cls, shape: Any, packed: Any, meta: Any, packed_t: Any, meta_t: Any, compressed_swizzled_bitmask: Any,
        fuse_transpose_cusparselt: bool = False, alg_id_cusparselt: int = 0, requires_grad: bool = False,
    ) -> NoReturn:  # fmt: skip
        raise NotImplementedError(f"torch.sparse.{cls.__name__}: {_TEXT}")

    @classmethod
    def prune_dense_static_sort(cls, original_tensor: Any, algorithm: str = "") -> NoReturn:
        """Not here: prune to 2:4 and pack."""
        raise NotImplementedError(f"torch.sparse.{cls.__name__}.prune_dense_static_sort: {_TEXT}")


class SparseSemiStructuredTensorCUTLASS(SparseSemiStructuredTensor):
    """Not here: the CUTLASS packing."""


class SparseSemiStructuredTensorCUSPARSELT(SparseSemiStructuredTensor):
    """Not here: the cuSPARSELt packing."""


def to_sparse_semi_structured(original_tensor: Any, transposed: bool = False, alg_id: int = 0) -> NoReturn:
    """Not here: pack a 2:4 pruned weight."""
    raise NotImplementedError(f"torch.sparse.to_sparse_semi_structured: {_TEXT}")
