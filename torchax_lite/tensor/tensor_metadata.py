"""What a tensor says of itself without its values: sizes, strides, dtype, device, kind of memory."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeVar

from . import dtypes
from .device import device
from .host_views import deferred
from .layouts import channels_last, channels_last_3d, contiguous_format, layout, memory_format, strided
from .size import Size
from .strides import (
    contiguous_strides,
    is_channels_last,
    is_contiguous,
    memory_order,
)

if TYPE_CHECKING:
    from .tensor import Tensor

T = TypeVar("T")


class TensorMetadata:
    """The part of :class:`Tensor` that tells sizes, strides, dtype, device and storage."""

    @property
    def shape(self) -> Size:
        """Sizes of the dims."""
        return self._aval.ext.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> dtypes.dtype:
        return self._aval.ext.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> device:
        return self._aval.ext.device  # type: ignore[no-any-return]

    @property
    def layout(self) -> layout:
        return strided

    @property
    def ndim(self) -> int:
        return self._aval.ndim

    def dim(self) -> int:
        """Number of dims."""
        return self._aval.ndim

    ndimension = dim

    def numel(self) -> int:
        """Number of elements."""
        return self._aval.size

    nelement = numel

    def size(self, dim: int | None = None) -> Any:
        """Sizes of all dims, or of one."""
        shape = self._aval.ext.size
        if dim is None:
            return shape
        if isinstance(dim, (bool, str, float)):
            raise TypeError(f"size(): argument 'dim' must be int, not {type(dim).__name__}")
        n = len(shape)
        d = operator.index(dim)
        if not -max(n, 1) <= d < max(n, 1) or n == 0:
            low, high = (-n, n - 1) if n else (-1, 0)
            if n == 0:
                raise IndexError(f"Dimension specified as {d} but tensor has no dimensions")
            raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {d})")
        return shape[d]

    def stride(self, dim: int | None = None) -> Any:
        """Distance in elements between neighbours along each dim, or one dim."""
        strides = contiguous_strides(self._aval.shape) if self._strides is None else self._strides
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """Position of the first element in the storage."""
        return self._offset

    @property
    def itemsize(self) -> int:
        return self._aval.dtype.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._aval.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._aval.bytes

    def data_ptr(self) -> int:
        """Address of the first element; equal for aliases. On the CPU the present values can be read there.

        Values that are written there are not seen. On other devices nothing lies there.
        """
        if self._aval.size == 0 and self._storage.host is None:
            return 0
        from .storage_api import flat_array

        self._storage.publish(flat_array)
        return self._storage.address + self._offset * self._aval.dtype.itemsize

    def is_contiguous(self, memory_format: memory_format = contiguous_format) -> bool:
        """Whether memory order is the given format's."""
        shape, strides = self._aval.shape, self.stride()
        if memory_format is channels_last:
            return is_channels_last(shape, strides, 4)
        if memory_format is channels_last_3d:
            return is_channels_last(shape, strides, 5)
        if memory_format is not contiguous_format:
            raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
        return self._strides is None or is_contiguous(shape, strides)

    def dim_order(self, *, ambiguity_check: bool | list[memory_format] = False) -> tuple[int, ...]:
        """Dims from the outermost to the innermost in memory.

        Raises:
            RuntimeError: with ``ambiguity_check``, where several orders (or several of the given formats) describe it.
        """
        order = tuple(memory_order(self._aval.shape, self.stride()))
        if ambiguity_check is False:
            return order
        from .strides import check_one_order

        return check_one_order(self, order, ambiguity_check)

    @property
    def is_cpu(self) -> bool:
        return self._aval.place.type == "cpu"

    @property
    def is_cuda(self) -> bool:
        return self._aval.place.type == "cuda"

    @property
    def is_xla(self) -> bool:
        return self._aval.place.type == "xla"

    @property
    def is_meta(self) -> bool:
        return self._aval.place.type == "meta"

    is_sparse = False
    is_sparse_csr = False
    is_quantized = False
    is_mkldnn = False
    is_mps = False
    is_xpu = False
    is_nested = False
    is_vulkan = False
    is_ipu = False
    is_maia = False

    def get_device(self) -> int:
        """Index of the accelerator that holds the tensor; -1 on cpu."""
        return -1 if self._aval.place.type == "cpu" else self._aval.place.index

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_conj(self) -> bool:
        """Whether the memory holds the conjugates of the values: a view by ``conj``."""
        return self._view is not None and deferred(self)[0]

    def is_neg(self) -> bool:
        """Whether the memory holds the negatives of the values: the imaginary part of a view by ``conj``."""
        return self._view is not None and deferred(self)[1]

    def resolve_conj(self: T) -> T:
        return self.clone() if self.is_conj() else self

    def resolve_neg(self: T) -> T:
        return self.clone() if self.is_neg() else self

    def is_inference(self) -> bool:
        return self._inference

    def is_shared(self) -> bool:
        """Whether the storage lies in shared memory."""
        from .sharing import is_shared

        return is_shared(self._storage)

    def share_memory_(self: T) -> T:
        """Move the storage into memory that processes share when they get the tensor through ``multiprocessing``."""
        from .sharing import share

        share(self._storage)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def pin_memory(self: T, device: Any = None) -> T:
        """Transfers need no pinned memory here; returns the tensor itself."""
        return self

    def is_set_to(self, tensor: Tensor) -> bool:
        """Same storage, offset, shape and strides."""
        return (
            self._storage is tensor._storage
            and self._offset == tensor._offset
            and self.shape == tensor.shape
            and self.stride() == tensor.stride()
        )

    def is_same_size(self, other: Tensor) -> bool:
        return self.shape == other.shape

    def untyped_storage(self) -> Any:
        """The memory behind the tensor as bytes."""
        from .storage_api import UntypedStorage

        return UntypedStorage(self._storage)

    def storage(self) -> Any:
        """The memory behind the tensor."""
        from .storage_api import TypedStorage

        return TypedStorage(self._storage, self.dtype)

    @property
    def names(self) -> tuple[None, ...]:
        return (None,) * self.ndim

    def has_names(self) -> bool:
        return False
