"""``torch.Tensor``: (storage, view, metadata). Ops come from the generated base class, syntax and identity are here."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._generated.methods import TensorMethods
from ..engine import avals, observe
from ..engine.avals import CPU, Aval, aval
from ..engine.recorder import Node
from ..engine.snapshots import snapshot
from ..ops import views as view_ops
from ..ops.view_slices import slice_bounds
from . import dispatch, dtypes, overriding
from .device import device, from_place, to_place
from .modes import modes
from .public_type import PublicType
from .size import Size
from .storage import Storage
from .strides import (
    channels_last_strides,
    contiguous_strides,
    is_channels_last,
    is_contiguous,
    is_non_overlapping_and_dense,
    memory_order,
    preserve_strides,
)
from .tape import AccumulateGrad, GradNode
from .view_rules import forbidden_write


class _AvalInfo:
    """What tensors show of an aval."""

    __slots__ = ("device", "dtype", "size")

    def __init__(self, a: Aval) -> None:
        self.size = Size(a.shape)
        self.dtype = dtypes.from_numpy_dtype(a.dtype)
        self.device = from_place(a.place)


avals.annotate = _AvalInfo


class memory_format(metaclass=PublicType):
    """Order of the dims in memory, e.g. ``torch.channels_last``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _memory_format, (self._name,)


class layout(metaclass=PublicType):
    """How elements are stored: ``torch.strided``, or one of the sparse layouts (``torchax_lite.sparse``)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _layout, (self._name,)


contiguous_format = memory_format("contiguous_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
preserve_format = memory_format("preserve_format")
strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc, jagged = layout("sparse_bsr"), layout("sparse_bsc"), layout("jagged")
_mkldnn = layout("_mkldnn")


def _memory_format(name: str) -> Any:
    return globals()[name]


_layout = _memory_format


class _TensorMeta(PublicType):
    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance)


class Tensor(TensorMethods, metaclass=_TensorMeta):
    """A multi-dimensional array of one dtype on one device, with gradients.

    Values are computed when needed: ops record themselves in the engine's pending program.
    """

    _storage: Storage
    _aval: Aval
    _view: tuple[Any, ...] | None = None
    _strides: tuple[int, ...] | None = None
    _offset = 0
    _vnode: Node | None = None
    _vversion = -1
    _gversion = 0
    _base: Tensor | None = None
    _own_layout = False
    """Whether values lie elsewhere than in a storage: the sparse layouts."""
    _shadow = False
    _inference = False
    _multi_view: int = 0
    _requires_grad = False
    _grad_fn: GradNode | None = None
    _output_nr = 0
    _grad: Tensor | None = None
    _acc: Any = None
    _backward_hooks: Any = None
    _post_accumulate_grad_hooks: Any = None
    _name: str | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        overriding.note_class(cls)
        if not args and not kwargs:
            return object.__new__(cls)
        from .creation import legacy_constructor

        return legacy_constructor(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args and not kwargs and "_aval" not in self.__dict__:
            a = aval((0,), dtypes.to_numpy_dtype(dtypes.get_default_dtype()), to_place(None))
            self._aval = a
            self._storage = Storage(Node(a, np.empty((0,), a.dtype)), a)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hook of subclasses: called instead of a torch function when one of its arguments is of this class.

        This one runs the function and gives the tensors of its result the class ``cls``.
        """
        return overriding.default_torch_function(cls, func, types, args, kwargs)

    @staticmethod
    def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False) -> Any:
        """A tensor of class ``cls`` that shares ``data``'s storage (a leaf)."""
        if not isinstance(data, Tensor):
            raise TypeError(f"_make_subclass(): argument 'data' (position 2) must be Tensor, not {type(data).__name__}")
        overriding.note_class(cls)
        if data._own_layout:
            raise NotImplementedError(f"{cls.__name__}: a sparse tensor cannot be an instance of a subclass of Tensor")
        made = object.__new__(cls)
        dispatch.is_plain(cls)
        made._alias_of(data)
        made._shadow = False
        if require_grad:
            made.requires_grad_(True)
        return made

    @staticmethod
    def _make_wrapper_subclass(cls: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        return overriding.make_wrapper_subclass(cls, size, **kwargs)

    def as_subclass(self, cls: Any) -> Any:
        """The same tensor as an instance of ``cls``, a subclass of Tensor: memory and graph are shared."""
        return overriding.as_subclass(self, cls)

    # -- values ----------------------------------------------------------------------------------------------------

    def _alias_of(self, other: Tensor) -> None:
        """Share another tensor's storage and metadata; no place in the graph."""
        self._storage = other._storage
        self._aval = other._aval
        if other._view is not None:
            self._view = other._view
            self._vnode = other._vnode
            self._vversion = other._vversion
        if other._strides is not None:
            self._strides = other._strides
        if other._offset:
            self._offset = other._offset
        if other._inference:
            self._inference = True

    def _sync(self) -> Node:
        """The node of the present value; views catch up with their base."""
        storage = self._storage
        if storage.host is not None:
            return self._sync_host()
        if self._view is None:
            return storage.node  # type: ignore[return-value]
        version = storage.version
        if self._vversion != version or self._vnode is None:
            if storage.aval.place is not self._aval.place:
                from .transforms import follow

                follow(self)
            node = self._host_indices()
            if node is None:
                node = storage.node
                for site, numbers in self._view:
                    node = site.record(site, (node,), numbers)
            self._vnode = node
            self._vversion = version
        if self._gversion != storage.gversion:
            self._refresh_grad()
        return self._vnode  # type: ignore[return-value]

    def _host_indices(self) -> Node | None:
        """The value of a view of integers that lie on the host still (``order.split(n)``, ``order[a:b]``), made there.

        As an input of the program such a piece is the same for every position; as a slice it would be a constant of it.
        """
        base = self._storage.node
        if base is None or type(base.value) is not np.ndarray or base.value.dtype.kind not in "iub":
            return None
        view = host_view(base.value, self._view or ())
        return None if view is None else Node(self._aval, np.array(view, order="C"))

    def _sync_host(self) -> Node:
        storage = self._storage
        host = storage.host
        assert host is not None
        if self._view is not None and self._gversion != storage.gversion:
            self._refresh_grad()
        view = host_view(host, self._view) if self._view is not None else None
        if view is not None:
            return Node(self._aval, snapshot(view))
        del host, view  # read_host() looks whether anybody else holds the array
        node = storage.read_host()
        for site, numbers in self._view or ():
            node = site.record(site, (node,), numbers)
        return node

    def _sync_versions(self) -> None:
        """Bring the autograd metadata of a view up to date."""
        if self._gversion != self._storage.gversion:
            self._refresh_grad()

    def _refresh_grad(self) -> None:
        self._gversion = self._storage.gversion
        if self._base is not None and self._view is not None:
            if self._multi_view and self._base._requires_grad:
                self._gversion = -1
                raise forbidden_write(self, through_base=True)
            before = self._grad_fn, self._output_nr
            dispatch.replay_view(self._base, self)
            if before[0] is not None:
                self._move_hooks(*before)

    def _move_hooks(self, fn: GradNode, nr: int) -> None:
        """After an in-place change: a retained gradient is the new value's; hooks stay with the old one's node."""
        self._backward_hooks = None
        retained = fn._retain
        if retained is not None and nr in retained and retained[nr]() is self:
            del retained[nr]
            if self._grad_fn is not None:
                self.retain_grad()

    def _rebase_history(self, fn: GradNode | None, nr: int) -> None:
        old, old_nr = self._grad_fn, self._output_nr
        self._grad_fn = fn
        self._output_nr = nr
        self._requires_grad = fn is not None
        if old is not None and (self._backward_hooks is not None or old._retain is not None):
            self._move_hooks(old, old_nr)

    def _host_array(self) -> np.ndarray[Any, Any]:
        """The present values as a NumPy array of its own (runs what is pending)."""
        place = self._aval.place
        if place.kind == "meta":
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        if place.kind == "transform":
            from .transforms import host_array

            return host_array(self)  # type: ignore[no-any-return]
        found = self._known_view()
        if found is not None:
            return np.array(found, order="C")
        node = self._sync()
        if node.value is None:
            if node.aval.place is not place:
                return self._host_array()
            observe.host_read("values of a tensor")
            node.aval.recorder.flush("host read")
        if isinstance(node.value, np.ndarray):
            return node.value
        return np.array(node.value)

    def _known_view(self) -> np.ndarray[Any, Any] | None:
        """A view of values that lie on the host already, as NumPy's view of them: it needs no program. None otherwise."""
        storage = self._storage
        node = storage.node
        if self._view is None or storage.host is not None or node is None:
            return None
        if self._vversion == storage.version and self._vnode is not None and self._vnode.value is not None:
            return None
        base = node.value
        if type(base) is not np.ndarray:
            if base is None or node.aval.place.type != "cpu" or node.aval.place.kind != "device":
                return None
            base = np.asarray(base)
        return host_view(base, self._view)

    def _known_value(self) -> np.ndarray[Any, Any] | None:
        """The values, not to be written, of a tensor on the CPU that has them without running anything; else None."""
        storage = self._storage
        if storage.host is not None:
            return self._sync_host().value if self._view is None else host_view(storage.host, self._view)
        found = self._known_view()
        if found is not None:
            return found
        node = storage.node if self._view is None else self._vnode
        if node is None or node.value is None or (self._view is not None and self._vversion != storage.version):
            return None
        return np.asarray(node.value)

    def _to_place(self, where: Any) -> Tensor:
        from .casting import to_place_copy

        return to_place_copy(self, where)

    # -- metadata --------------------------------------------------------------------------------------------------

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

    def resolve_conj(self) -> Tensor:
        return self.clone() if self.is_conj() else self

    def resolve_neg(self) -> Tensor:
        return self.clone() if self.is_neg() else self

    def is_inference(self) -> bool:
        return self._inference

    def is_shared(self) -> bool:
        """Whether the storage lies in shared memory."""
        from .sharing import is_shared

        return is_shared(self._storage)

    def share_memory_(self) -> Tensor:
        """Move the storage into memory that processes share when they get the tensor through ``multiprocessing``."""
        from .sharing import share

        share(self._storage)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def pin_memory(self, device: Any = None) -> Tensor:
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

    # -- autograd --------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        if self._view is not None and self._gversion != self._storage.gversion:
            self._refresh_grad()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if value and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch recording of gradients for this leaf; returns it."""
        value = bool(requires_grad)
        if value and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if self.grad_fn is not None and not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self._inference and not modes.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._requires_grad = value or self._grad_fn is not None
        return self

    @property
    def grad_fn(self) -> GradNode | None:
        if self._view is not None and self._gversion != self._storage.gversion:
            self._refresh_grad()
        return self._grad_fn

    @property
    def is_leaf(self) -> bool:
        return not self.requires_grad or self._grad_fn is None

    def _is_view(self) -> bool:
        """Whether changes of this tensor reach another one that autograd knows of."""
        return self._base is not None

    @property
    def output_nr(self) -> int:
        return self._output_nr

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._shadow else self._storage.counter

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf (or of a tensor after ``retain_grad``)."""
        if self._grad is None and self._grad_fn is not None and not self.retains_grad:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
                "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make "
                "sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.dtype is not self.dtype and self._expected_grad_dtype() is not value.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{_short(value.dtype)}' to a tensor with grad_dtype "
                    f"'{_short(self.dtype)}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype)."
                )
            if value.device != self.device:
                raise RuntimeError(
                    f"attempting to assign a gradient located on device with index {value.get_device()} to a tensor located on "
                    f"device with index {self.get_device()}. Please ensure that the gradient and the tensor are on the same device"
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(self.shape)}'. "
                    "Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def _expected_grad_dtype(self) -> dtypes.dtype:
        return self.dtype

    @property
    def retains_grad(self) -> bool:
        fn = self._grad_fn
        return fn is not None and fn._retain is not None and self._output_nr in fn._retain

    def retain_grad(self) -> None:
        """Keep this non-leaf tensor's gradient in ``grad`` at backward."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        fn = self._grad_fn
        if fn is None:
            return
        from weakref import ref

        if fn._retain is None:
            fn._retain = {}
        fn._retain[self._output_nr] = ref(self)

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Any = None,
    ) -> None:  # fmt: skip
        """Accumulate the gradient of this tensor into the ``grad`` of the graph's leaves."""
        from ..autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same values without a place in the graph; shares memory and version."""
        if self._aval.place.kind == "transform":
            from .transforms import detach

            return detach(self)  # type: ignore[no-any-return]
        made = object.__new__(Tensor)
        if self._view is not None:
            self._sync_versions()
        made._alias_of(self)
        made._gversion = self._storage.gversion
        made._shadow = self._shadow
        return made

    def detach_(self) -> Tensor:
        """Leave the graph; returns the tensor itself."""
        if self._view is not None and self._base is not None and self._requires_grad:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._grad_fn = None
        self._requires_grad = False
        self._output_nr = 0
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside autograd: changes through it are not seen by version checks."""
        made = self.detach()
        made._shadow = True
        return made

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if value.dtype is not self.dtype and self._grad_fn is not None:
            raise RuntimeError(
                "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have incompatible tensor type."
            )
        self._adopt(value)
        self._storage.counter += 0

    def _adopt(self, value: Tensor) -> None:
        """Take over another tensor's storage and metadata, keeping the place in the graph."""
        for name in ("_view", "_strides", "_offset", "_vnode", "_vversion"):
            self.__dict__.pop(name, None)
        self._alias_of(value)
        self._gversion = value._storage.gversion
        self._acc = None

    def set_(self, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
        """Show another tensor's (or storage's) memory from now on; returns the tensor itself."""
        from .storage_api import TypedStorage, UntypedStorage, tensor_on_storage

        if modes.grad and self._requires_grad and self._grad_fn is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if source is None:
            self._adopt(Tensor())
        elif isinstance(source, Tensor) and size is None:
            self._adopt(source)
        else:
            if isinstance(source, (UntypedStorage, TypedStorage)):
                source = tensor_on_storage(source, self.dtype)
            if size is not None:
                size = tuple(size)
                stride = contiguous_strides(size) if stride is None else tuple(stride)
                source = source.detach().as_strided(size, stride, storage_offset)
            self._adopt(source)
        return self

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(grad)`` whenever this tensor's gradient is computed; it may return a replacement."""
        from ..autograd.hooks import register_tensor_hook

        return register_tensor_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[..., Any]) -> Any:
        """Call ``hook(tensor)`` after a gradient was added to this leaf's ``grad``."""
        from ..autograd.hooks import register_post_accumulate_hook

        return register_post_accumulate_hook(self, hook)

    # -- reading ---------------------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self._aval.size != 1:
            raise RuntimeError(f"a Tensor with {self._aval.size} elements cannot be converted to Scalar")
        if self._aval.place.kind == "meta":
            raise RuntimeError("Tensor.item() cannot be called on meta tensors")
        if self._aval.place.kind == "transform":
            from .transforms import ITEM, readable

            return readable(self, ITEM).item()
        value = self._host_array().reshape(-1)[0]
        return _number(value)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        if self._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            return readable(self, NO_STORAGE).tolist()
        array = self._host_array()
        if array.dtype.kind == "V" or array.dtype.kind not in "biufc":
            array = array.astype(np.float32)
        return array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The values as a NumPy array that shares memory with the tensor.

        Raises:
            RuntimeError: for a tensor that requires grad.
            TypeError: for a tensor off the CPU, or a dtype that NumPy has not.
        """
        source = self
        if force:
            source = self.detach().cpu()
        if source._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            source = readable(source, NO_STORAGE)
        if source.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if not source.is_cpu:
            raise TypeError(
                f"can't convert {source.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
            )
        if source._view is not None and any(deferred(source)):
            if not force:
                which, kind = ("conj", "conjugate") if source.is_conj() else ("neg", "negative")
                raise RuntimeError(
                    f"Can't call numpy() on Tensor that has {kind} bit set. Use tensor.resolve_{which}().numpy() instead."
                )
            source = source.clone()
        if source._aval.dtype.kind not in "biufc":
            name = str(source.dtype).removeprefix("torch.")
            raise TypeError(f"Got unsupported ScalarType {_SCALAR_TYPES.get(name, name)}")
        return tie_to_numpy(source)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        from .creation import from_numpy

        if array.dtype == bool:
            array = array.astype("uint8")
        return from_numpy(np.asarray(array))

    __array_priority__ = 1000

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        if self.is_conj():
            raise BufferError("Can't export tensors with the conjugate bit set")
        if self.is_cpu and self._aval.dtype.kind in "biufc":
            return self.numpy().__dlpack__()
        return self._jax_array().__dlpack__()

    def __dlpack_device__(self) -> tuple[Any, int]:
        return (1, 0) if self.is_cpu else self._jax_array().__dlpack_device__()

    def _jax_array(self) -> Any:
        """The values as a ``jax.Array``."""
        if self._aval.place.kind == "transform":
            from .transforms import NO_STORAGE, readable

            return readable(self, NO_STORAGE)._jax_array()
        import jax
        import jax.numpy as jnp

        node = self._sync()
        if node.value is None:
            node.aval.recorder.flush("hand-over to JAX")
        if isinstance(node.value, np.ndarray):
            with jax.enable_x64(True), jax.default_device(self._aval.place.jax_device):
                node.value = jnp.array(node.value)
        return node.value

    def __bool__(self) -> bool:
        if self._aval.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self._aval.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._aval.place.kind == "transform":
            from .transforms import CONTROL_FLOW, readable

            return bool(readable(self, CONTROL_FLOW))
        return bool(self.item())

    def _only(self) -> Any:
        """The one element as a Python number."""
        if self._aval.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __int__(self) -> int:
        return int(self._only())

    def __float__(self) -> float:
        if self._requires_grad:
            _warn_of_lost_gradient()
        return float(self._only())

    def __complex__(self) -> complex:
        if self._requires_grad:
            _warn_of_lost_gradient()
        return complex(self._only())

    def __index__(self) -> int:
        if self._aval.size != 1 or self._aval.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self._aval.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._aval.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._aval.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, int, float, complex, bool)):
            return bool((element == self).any().item())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from .printing import tensor_repr

        return tensor_repr(self, tensor_contents=tensor_contents)

    def __format__(self, spec: str) -> str:
        from .printing import tensor_format

        return tensor_format(self, spec)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.__dict__})

    # -- syntax ----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        from .indexing import get_item

        return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        from .indexing import set_item

        set_item(self, key, value)

    def __delitem__(self, key: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    # -- copies ----------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
                "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
                "see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        from .copying import deepcopy_tensor

        return deepcopy_tensor(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .copying import reduce_tensor

        return reduce_tensor(self)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


def _short(d: dtypes.dtype) -> str:
    return dtypes.scalar_type_name(d).lower()


_SCALAR_TYPES = {
    "bfloat16": "BFloat16", "float8_e4m3fn": "Float8_e4m3fn", "float8_e5m2": "Float8_e5m2",
    "float8_e4m3fnuz": "Float8_e4m3fnuz", "float8_e5m2fnuz": "Float8_e5m2fnuz", "float8_e8m0fnu": "Float8_e8m0fnu",
}  # fmt: skip


def _number(value: Any) -> Any:
    kind = value.dtype.kind
    if kind == "b":
        return bool(value)
    if kind in "iu":
        return int(value)
    return complex(value) if kind == "c" else float(value)


def deferred(t: Tensor) -> tuple[bool, bool]:
    """Whether the memory that a view shows holds conjugates, and whether it holds negatives, of the values."""
    conjugate = negative = False
    for site, _ in t._view or ():
        name = site.op.name
        if name == "conj":
            conjugate = not conjugate
        elif name == "neg_view":
            negative = not negative
        elif conjugate and name in ("real", "imag"):
            conjugate, negative = False, name == "imag"
    return conjugate, negative


def host_view(host: np.ndarray[Any, Any], chain: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """The NumPy view that a chain of view ops shows of a tied array; None where NumPy has no such view."""
    x: Any = host
    for site, numbers in chain:
        twin = _HOST_VIEWS.get(site.op.name)
        if twin is None:
            return None
        x = twin(x, *numbers, *site.layout_statics)
        if x is None:
            return None
    return x  # type: ignore[no-any-return]


def _host_reshape(x: Any, size: Any) -> Any:
    made = x.reshape(view_ops.infer_size(size, x.size))
    return made if made.size == 0 or np.shares_memory(made, x, max_work=1) else None


def _host_slice(x: Any, dim: int, start: Any, end: Any, step: int) -> Any:
    first, n = slice_bounds(x.shape[dim], start, end, step)
    return x[(slice(None),) * (dim % x.ndim) + (slice(first, first + n * step, step),)]


_HOST_VIEWS: dict[str, Callable[..., Any]] = {
    "view": _host_reshape,
    "permute": lambda x, dims: x.transpose(dims),
    "transpose": lambda x, a, b: x.swapaxes(a, b) if x.ndim else x,
    "t": lambda x: x.T,
    "select": lambda x, d, i: x[(slice(None),) * (d % x.ndim) + (i, ...)],
    "select.moving": lambda x, i, d: x[(slice(None),) * d + (i, ...)],
    "slice": _host_slice,
    "slice.moving": lambda x, start, d, n: x[(slice(None),) * d + (slice(start, start + n),)],
    "unsqueeze": lambda x, d: np.expand_dims(x, d),
    "squeeze.dims": lambda x, dims: (
        x.reshape([s for i, s in enumerate(x.shape) if s != 1 or i not in [d % x.ndim for d in dims]]) if x.ndim else x
    ),  # noqa: E501
    "expand": lambda x, size: np.broadcast_to(
        x, [x.shape[i - len(size)] if s == -1 else s for i, s in enumerate(size)]
    ),
}


def tie_to_numpy(t: Tensor) -> np.ndarray[Any, Any]:
    """The NumPy array that shares a tensor's memory."""
    storage = t._storage
    if storage.host is None:
        base = storage.node
        assert base is not None
        if base.value is None:
            observe.host_read("numpy()")
            base.aval.recorder.flush("host read")
        flat = np.array(base.value)
        order = None if storage.strides is None else memory_order(storage.aval.shape, storage.strides)
        if order is not None and is_non_overlapping_and_dense(storage.aval.shape, storage.strides or ()):
            inverse = np.argsort(order)
            flat = np.ascontiguousarray(flat.transpose(order))
            storage.tie(flat.transpose(inverse))
        else:
            storage.tie(flat)
    host = storage.host
    assert host is not None
    if t._view is None:
        return host.view() if host.base is None else host
    view = host_view(host, t._view)
    if view is None:
        root = host if host.base is None else host.base
        itemsize = t._aval.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            np.asarray(root).reshape(-1).view(t._aval.dtype)[t._offset :],
            t._aval.shape,
            [s * itemsize for s in t.stride()],
        )
    return view


_lost_gradient_warned = False


def _warn_of_lost_gradient() -> None:
    """Warn, once a process, that a tensor with a gradient becomes a Python number."""
    global _lost_gradient_warned
    if not _lost_gradient_warned:
        import warnings

        _lost_gradient_warned = True
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
            "Consider using tensor.detach() first.",
            UserWarning,
            stacklevel=3,
        )


for _method in vars(TensorMethods).values():
    while hasattr(_method, "__qualname__") and callable(_method):
        _method.__qualname__ = _method.__name__  # Python's argument errors then read as PyTorch's
        _method = getattr(_method, "__wrapped__", None)

dispatch.Tensor = Tensor
dispatch.PLAIN.add(Tensor)

__all__ = [
    "AccumulateGrad", "CPU", "Tensor", "channels_last", "channels_last_3d", "channels_last_strides",
    "contiguous_format", "layout", "memory_format", "preserve_format", "preserve_strides", "strided",
]  # fmt: skip
