"""Reductions of runs, and tensors that are files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

import torchax_lite as torch
from torchax_lite._generated import internal
from torchax_lite.ops.common import canonical_dim, display_name
from torchax_lite.tensor.dtypes import to_numpy_dtype
from torchax_lite.tensor.storage_api import mapped_file

from .registry import composite, is_traced

if TYPE_CHECKING:
    from torchax_lite import Tensor

_REDUCTIONS = ("sum", "prod", "mean", "max", "min", "amax", "amin")


@composite()
def segment_reduce(
    data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False, initial: Any = None,
) -> Tensor:  # fmt: skip
    """Each run of ``data`` along ``axis`` reduced to one element by sum, mean, max, min or prod.

    Args:
        lengths: sizes of the runs, of shape ``data.shape[:axis] + (runs,)``.
        offsets: instead of ``lengths``: their cumulative sums, from 0.
        unsafe: do not check the lengths.
        initial: what each run starts with (its value where it is empty).

    Raises:
        RuntimeError: neither lengths nor offsets, or ones that do not fit. NotImplementedError: dtypes.
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    axis = canonical_dim(axis, data.ndim)
    if data.numel() == 0:
        raise RuntimeError("segment_reduce(): Expected data to have elements")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    given = offsets if lengths is None else lengths
    assert given is not None
    what = "offsets" if lengths is None else "lengths"
    if given.ndim - 1 != axis:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {what} but got {axis}.")
    if given.is_floating_point() or given.is_complex():
        kernel = f"_segment_reduce_{what}_cpu_kernel1"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{display_name(given._aval.dtype)}'")
    if not data.is_floating_point():
        raise NotImplementedError(f"\"_segment_reduce_cpu\" not implemented for '{display_name(data._aval.dtype)}'")
    sizes = given if lengths is not None else given.diff(dim=-1)
    if not unsafe and lengths is not None and not is_traced(sizes):
        host = sizes._host_array()
        if (host < 0).any():
            raise RuntimeError("lengths contains negative value!")
        if (host.sum(-1) != data.shape[axis]).any():
            raise RuntimeError(
                "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
                "!unsafe."
            )
    return internal._segment_reduce(data, sizes, reduce=reduce, axis=axis, initial=initial)  # type: ignore[no-any-return]


@composite()
def from_file(
    filename: Any, shared: bool | None = None, size: int | None = 0, *, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Vector of ``size`` elements whose memory is a file: ``shared`` ones write to it (it is made or grown where needed).

    Raises:
        RuntimeError: the file does not exist or is too small and is not shared. NotImplementedError: another device.
    """
    if device is not None and torch.device(device).type != "cpu":
        raise NotImplementedError("from_file: a file can be mapped on the CPU only; move the tensor with .to(device)")
    if layout not in (None, torch.strided):
        raise NotImplementedError(f"from_file: layout={layout} is not supported; use torch.strided")
    dtype = torch.get_default_dtype() if dtype is None else dtype
    raw = mapped_file(os.fspath(filename), bool(shared), (size or 0) * dtype.itemsize)
    plain = np.dtype(to_numpy_dtype(dtype))
    made = torch.from_numpy(raw.view(plain)) if plain.kind in "biufc" else torch.from_numpy(raw).view(dtype)
    return made.requires_grad_(requires_grad)
