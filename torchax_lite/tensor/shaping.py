"""View methods whose forms the schema language does not cover: ``view``, ``reshape``, ``expand``, ``split`` …"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.avals import aval
from ..ops import views as view_ops
from ..ops.common import canonical_dim
from ..ops.registry import OPS
from ..ops.view_slices import slice_bounds
from . import dispatch, dtypes
from .casting import clone
from .creation import size_of
from .host_views import deferred
from .indexing import MOVING_AFTER, slice_dim
from .indexing import select as _select
from .rebuilding import raw_view
from .size import Size
from .strides import contiguous_strides, memory_order, view_strides
from .tensor import Tensor
from .view_rules import MULTI

_view, _view_dtype, _expand, _permute = OPS["view"], OPS["view.dtype"], OPS["expand"], OPS["permute"]
_as_strided, _reshape_copy, _unsqueeze = OPS["as_strided"], OPS["reshape_copy"], OPS["unsqueeze"]


def view(self: Tensor, *shape: Any, **kwargs: Any) -> Tensor:
    """The same memory in another shape, or read as another dtype."""
    dtype = kwargs.pop("dtype", None) or (shape[0] if len(shape) == 1 and isinstance(shape[0], dtypes.dtype) else None)
    if dtype is not None:
        return _view_as_dtype(self, dtype)
    size = tuple(_dims(shape, kwargs.pop("size", None)))
    if (
        self._storage.raw
        and (found := raw_view(self, self.dtype, view_ops.infer_size(size, self._aval.size))) is not None
    ):
        return found
    return dispatch.call_view(_view, self, (), (size,))  # type: ignore[no-any-return]


def _dims(shape: tuple[Any, ...], size: Any = None) -> list[int]:
    if size is None:
        size = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, Tensor)) else shape
    if len(shape) == 1 and isinstance(shape[0], Tensor) and shape[0].ndim:
        size = shape[0].tolist()
    found = []
    for i, s in enumerate(size):
        if isinstance(s, (float, str, bool)) or s is None:
            raise TypeError(
                f"view(): argument 'size' (position 1) must be tuple of ints, but found element of type {type(s).__name__} at pos {i}"
            )
        found.append(s if type(s) is int else s.__index__())
    return found


def _view_as_dtype(self: Tensor, dtype: dtypes.dtype) -> Tensor:
    if self._storage.raw and (found := raw_view(self, dtype)) is not None:
        return found
    if dtype is self.dtype:
        return dispatch.call_view(_view, self, (), (self._aval.shape,))  # type: ignore[no-any-return]
    if self.is_conj():
        raise RuntimeError(
            "torch.Tensor.view is not supported for conjugate view tensors when converting to a different dtype."
        )
    key = ((dtype,), self._aval, 0)
    site = _view_dtype.sites.get(key) or dispatch.make_site(_view_dtype, (self,), (), (dtype,), key)
    have, want = self.element_size(), dtype.itemsize
    strides = self.stride()
    if have != want:
        if self.ndim and strides[-1] != 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 to view {_name(self.dtype)} as {_name(dtype)} (different element sizes), but got {strides[-1]}"
            )
        ratio = want / have
        if ratio > 1 and (self._offset % int(ratio) or any(s % int(ratio) for s in strides[:-1])):
            raise RuntimeError(
                f"self.storage_offset() must be divisible by {int(ratio)} to view {_name(self.dtype)} as {_name(dtype)}"
            )
        strides = (*(int(s / ratio) for s in strides[:-1]), 1)
    out = Tensor.__new__(Tensor)
    out._storage = self._storage
    out._aval = site.out_aval
    out._view = (*(self._view or ()), (site, ()))
    out._gversion = self._storage.gversion
    out._offset = self._offset * have // want
    if strides != contiguous_strides(out._aval.shape):
        out._strides = strides
    return out


def _name(d: dtypes.dtype) -> str:
    return dtypes.scalar_type_name(d)


def reshape(input: Tensor, *shape: Any, **kwargs: Any) -> Tensor:
    """A view in another shape where the memory allows it, else a copy."""
    size = view_ops.infer_size(_dims(shape, kwargs.pop("shape", None)), input._aval.size)
    if input._storage.raw and (found := raw_view(input, input.dtype, size)) is not None:
        return found
    if input._strides is not None and view_strides(input._aval.shape, input._strides, size) is None:
        out: Tensor = dispatch.call(_reshape_copy, (input,), (), (size,))
        return out
    return dispatch.call_view(_view, input, (), (size,))  # type: ignore[no-any-return]


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """Reshaped like another tensor."""
    return reshape(self, other.shape)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """Viewed in another tensor's shape."""
    return view(self, other.shape)


def expand(self: Tensor, *sizes: Any, implicit: bool = False, **kwargs: Any) -> Tensor:
    """Dims of size 1 repeated without copying; -1 keeps a dim."""
    return dispatch.call_view(_expand, self, (), (tuple(_dims(sizes, kwargs.pop("size", None))),))  # type: ignore[no-any-return]


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expanded to another tensor's shape."""
    return expand(self, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dims ``start_dim`` to ``end_dim`` merged into one."""
    n = input.ndim
    start, end = canonical_dim(start_dim, n), canonical_dim(end_dim, n)
    if n == 0:
        return reshape(input, 1)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = input._aval.shape
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dim, next to each other in memory."""
    return reshape(input.contiguous(), -1)


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dim split into several."""
    if isinstance(dim, str):
        raise NotImplementedError("named dims are not supported")
    d = canonical_dim(dim, input.ndim)
    shape = input._aval.shape
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    sizes = list(sizes)
    if -1 in sizes:
        known = -math.prod(sizes)
        if known and shape[d] % known == 0:
            sizes[sizes.index(-1)] = shape[d] // known
    if math.prod(sizes) != shape[d]:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({shape[d]}) in the input tensor"
        )
    return view(input, (*shape[:d], *sizes, *shape[d + 1 :]))


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dims moved to other positions; the rest keep their order."""
    src = (source,) if isinstance(source, int) else tuple(source)
    dst = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(src) != len(dst):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(src)} dims) should contain the same number of dims as "
            f"destination ({list(dst)} dims)"
        )
    n = input.ndim
    s, d = [canonical_dim(x, n) for x in src], [canonical_dim(x, n) for x in dst]
    if len(set(s)) != len(s) or len(set(d)) != len(d):
        which = "source" if len(set(s)) != len(s) else "destination"
        raise RuntimeError(f"movedim: repeated dim in `{which}` ({list(src if which == 'source' else dst)})")
    if n == 0:
        return input
    rest = iter([x for x in range(n) if x not in s])
    order = [s[d.index(i)] if i in d else next(rest) for i in range(n)]
    return dispatch.call_view(_permute, input, (), (tuple(order),))  # type: ignore[no-any-return]


def _transposed(self: Tensor) -> Tensor:
    """All dims reversed."""
    if self.ndim not in (0, 2):
        import warnings

        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - "
            "1, -1, -1))` to reverse the dimensions of a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return self.permute(*range(self.ndim - 1, -1, -1)) if self.ndim != 2 else self.permute(1, 0)


def _matrix_transposed(self: Tensor) -> Tensor:
    """The last two dims swapped."""
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return self.transpose(-2, -1)


def _adjoint(self: Tensor) -> Tensor:
    """Conjugate transpose of the last two dims."""
    out = _matrix_transposed(self)
    return out.conj() if self.is_complex() else out


def _hermitian(self: Tensor) -> Tensor:
    """Conjugate transpose of a matrix."""
    if self.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor. For batches of matrices, consider using tensor.mH"
        )
    return _adjoint(self) if self.ndim else self


def adjoint(input: Tensor) -> Tensor:
    """Conjugate transpose of the last two dims."""
    return _adjoint(input)


def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """One slice of a dim, without that dim."""
    return _select(input, dim, index.__index__())


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` slices of a dim from ``start``."""
    if isinstance(start, Tensor):
        if start.ndim or start.is_floating_point() or start.is_complex() or start.dtype is dtypes.bool_:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
    elif isinstance(start, bool) or not hasattr(start, "__index__"):
        shown = ", ".join(dispatch.type_name(v) for v in (input, dim, start, length))
        raise TypeError(
            f"narrow() received an invalid combination of arguments - got ({shown}), but expected one of:\n * (Tensor "
            "input, int dim, Tensor start, int length)\n * (Tensor input, int dim, int start, int length)\n"
        )
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    d = canonical_dim(dim, input.ndim)
    n = input._aval.shape[d]
    start = start.__index__()
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start > n - length:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return slice_dim(input, d, start, start + length)


def _pieces(source: Tensor, outs: list[Tensor], name: str, dim: int) -> tuple[Tensor, ...]:
    for o in outs:
        o._multi_view = o._multi_view or MULTI
    if outs and outs[0]._grad_fn is not None:
        from ..autograd.pieces import attach_pieces

        attach_pieces(source, outs, name, dim)
    return tuple(outs)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive pieces of a dim: all of one size, or of the listed sizes."""
    if isinstance(split_size_or_sections, (int, np.integer)):
        return split_size(tensor, int(split_size_or_sections), dim)
    return split_with_sizes(tensor, split_size_or_sections, dim)


def split_method(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive pieces of a dim: all of one size, or of the listed sizes."""
    return split(self, split_size, dim)


def split_size(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size; the last may be smaller."""
    if tensor.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = canonical_dim(dim, tensor.ndim)
    n = tensor._aval.shape[d]
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    if split_size == 0 and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    starts = range(0, max(n, 1), split_size) if split_size else [0]
    bounds = [(s, min(s + split_size, n)) for s in starts]
    return _pieces(tensor, [_piece(tensor, d, *b, len(bounds)) for b in bounds], "SplitBackward0", d)


def _piece(t: Tensor, d: int, start: int, end: int, count: int) -> Tensor:
    """One of ``count`` pieces. Pieces of data are batches, often: one program serves them all, by position."""
    if d == 0 and start < end and not t._requires_grad:
        if count > MOVING_AFTER:
            return dispatch.call_view(OPS["slice.moving"], t, (start,), (d, end - start))  # type: ignore[no-any-return]
        return slice_dim(t, d, start, end)
    return dispatch.call_view(OPS["slice"], t, (), (d, start, end, 1))  # type: ignore[no-any-return]


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of the listed sizes."""
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = canonical_dim(dim, input.ndim)
    n = input._aval.shape[d]
    sizes = [int(s) for s in split_sizes]
    if any(s < 0 for s in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}"
        )
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), but got "
            f"split_sizes={sizes}"
        )
    outs, start = [], 0
    for s in sizes:
        outs.append(_piece(input, d, start, start + s, len(sizes)))
        start += s
    return _pieces(input, outs, "SplitWithSizesBackward0", d)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal pieces."""
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input._aval.shape[canonical_dim(dim, input.ndim)]
    size = -(-n // chunks)
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split_size(input, size, dim)


def tensor_split(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
    """Overloads:

    tensor_split(input, sections, dim=0): views of pieces of nearly equal sizes.
    tensor_split(input, indices, dim=0): views of pieces cut at indices.
    tensor_split(input, tensor_indices_or_sections, dim=0): either, from a tensor on the CPU.
    """
    given = list(args)
    named = [n for n in ("sections", "indices", "tensor_indices_or_sections") if n in kwargs]
    options = dict(kwargs)
    if len(named) == 1 and len(given) < 2:
        given.insert(0, options.pop(named[0]))
    dim = options.pop("dim", None) if len(given) < 2 else given.pop()
    if len(given) != 1 or options or not isinstance(given[0], (int, np.integer, list, tuple, Tensor)):
        from .arguments import no_overload

        raise no_overload("tensor_split", _SPLIT_FORMS, (input, *args), kwargs)
    return _tensor_split(input, given[0], 0 if dim is None else dim)


_SPLIT_FORMS = (
    "Tensor input, tuple of ints indices, int dim = 0", "Tensor input, Tensor tensor_indices_or_sections, int dim = 0",
    "Tensor input, int sections, int dim = 0",
)  # fmt: skip


def _tensor_split(input: Tensor, indices_or_sections: Any, dim: int) -> tuple[Tensor, ...]:
    """Views of pieces cut at indices, or of nearly equal sizes."""
    if input.ndim == 0:
        raise RuntimeError(
            f"tensor_split expected at least a 1-dimensional tensor, but got a tensor with {input.ndim} dims"
        )
    d = canonical_dim(dim, input.ndim)
    n = input._aval.shape[d]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        sizes = [n // k + (1 if i < n % k else 0) for i in range(k)]
        cuts = [sum(sizes[: i + 1]) for i in range(k - 1)]
    else:
        cuts = [int(i) for i in indices_or_sections]
    bounds = [0, *cuts, n]
    outs = []
    for a, b in zip(bounds[:-1], bounds[1:], strict=True):
        first, length = slice_bounds(n, a, b, 1)
        outs.append(_piece(input, d, first, first + length, len(bounds) - 1))
    return tuple(outs)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of all slices of a dim."""
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    d = canonical_dim(dim, input.ndim)
    op = OPS["select"]
    count = input._aval.shape[d]
    if d == 0 and not input._requires_grad:
        moving = OPS["select.moving"] if count > MOVING_AFTER else None
        outs = [dispatch.call_view(moving, input, (i,), (d,)) if moving else _select(input, d, i) for i in range(count)]
    else:
        outs = [dispatch.call_view(op, input, (), (d, i)) for i in range(count)]
    return _pieces(input, outs, "UnbindBackward0", d)


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the storage with any shape, strides and offset (in elements)."""
    size, stride = size_of((size,)), tuple(int(s) for s in stride)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    offset = input._offset if storage_offset is None else int(storage_offset)
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    storage = input._storage
    base_aval = storage.aval
    need = 0 if 0 in size else offset + 1 + sum((s - 1) * st for s, st in zip(size, stride, strict=True))
    item = input.element_size()
    if need * item > base_aval.size * base_aval.dtype.itemsize:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {item} requiring a "
            f"storage size of {need * item} are out of bounds for storage of size "
            f"{base_aval.size * base_aval.dtype.itemsize}"
        )
    base = input
    own = input._requires_grad and not (input._base is not None and input._base._requires_grad)
    whole = input._strides is None and not input._offset and input._aval.bytes == base_aval.bytes
    if own and whole:  # a leaf that shows other memory: the gradient is its own
        return dispatch.call_view(_as_strided, input, (), (size, stride, offset))  # type: ignore[no-any-return]
    if input._view is not None:
        base = input._base if input._base is not None else input.detach()
        if base._view is not None:
            root = Tensor.__new__(Tensor)
            root._storage = storage
            root._aval = base_aval
            root._strides = storage.strides
            root._gversion = storage.gversion
            base = root
    if storage.strides is not None:
        base = dispatch.call_view(_permute, base, (), (tuple(memory_order(base_aval.shape, storage.strides)),))
    if input._aval.dtype != base_aval.dtype:
        base = base.view(-1).view(input.dtype)
    made = dispatch.call_view(_as_strided, base, (), (size, stride, offset))
    for bit, op in zip(deferred(input), ("conj", "neg_view"), strict=True):
        made = dispatch.call_view(OPS[op], made, (), ()) if bit else made
    return made  # type: ignore[no-any-return]


def _real(self: Tensor) -> Tensor:
    """Real part (the tensor itself when it is real)."""
    return dispatch.call_view(OPS["real"], self, (), ()) if self.is_complex() else self


def _imag(self: Tensor) -> Tensor:
    """Imaginary part of a complex tensor."""
    if not self.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return dispatch.call_view(OPS["imag"], self, (), ())  # type: ignore[no-any-return]


def real(input: Tensor) -> Tensor:
    """Real part of a tensor."""
    return _real(input)


def imag(input: Tensor) -> Tensor:
    """Imaginary part of a complex tensor."""
    return _imag(input)


def _setter(get: Any) -> Any:
    def assign(self: Tensor, value: Any) -> None:
        get(self).copy_(value)

    return assign


def _inplace_view(name: str, fn: Any) -> Any:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if self._requires_grad and self._grad_fn is None:
            from .modes import modes

            if modes.grad:
                raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        made = fn(self, *args, **kwargs)
        grad_fn, nr, requires = made._grad_fn, made._output_nr, made._requires_grad
        for key in ("_view", "_strides", "_offset", "_vnode", "_vversion", "_base"):
            self.__dict__.pop(key, None)
            if key in made.__dict__ and made.__dict__[key] is not self:
                self.__dict__[key] = made.__dict__[key]
        self._aval = made._aval
        self._grad_fn, self._output_nr, self._requires_grad = grad_fn, nr, requires
        return self

    method.__name__ = name
    method.__doc__ = f"In-place form of ``{name[:-1]}``: only the metadata changes."
    return method


FUNCTIONS: dict[str, Any] = {
    "swapaxes": Tensor.transpose, "swapdims": Tensor.transpose,
    "reshape": reshape, "flatten": flatten, "ravel": ravel, "unflatten": unflatten, "movedim": movedim, "moveaxis": movedim,
    "select": select, "narrow": narrow, "split": split, "chunk": chunk, "unbind": unbind, "tensor_split": tensor_split,
    "split_with_sizes": split_with_sizes, "as_strided": as_strided, "real": real, "imag": imag, "adjoint": adjoint,
}  # fmt: skip
"""Function forms for the torch namespace."""

for _key, _fn in {
    **{k: v for k, v in FUNCTIONS.items() if k not in ("real", "imag")},
    "view": view, "reshape_as": reshape_as, "view_as": view_as, "expand": expand, "expand_as": expand_as,
}.items():  # fmt: skip
    setattr(Tensor, _key, _fn)

setattr(Tensor, "split", split_method)  # noqa: B010
for _key, _getter in {
    "T": _transposed, "mT": _matrix_transposed, "H": _hermitian, "mH": _adjoint,
    "real": _real, "imag": _imag,
}.items():  # fmt: skip
    setattr(Tensor, _key, property(_getter, _setter(_getter) if _key in ("real", "imag") else None))

for _key in ("t", "transpose", "squeeze", "unsqueeze", "as_strided"):
    setattr(Tensor, _key + "_", _inplace_view(_key + "_", getattr(Tensor, _key)))
for _key in ("swapaxes", "swapdims"):
    setattr(Tensor, _key, Tensor.transpose)
    setattr(Tensor, _key + "_", Tensor.transpose_)

__all__ = ["FUNCTIONS", "Size", "aval", "clone", "contiguous_strides", "expand", "reshape", "view"]
