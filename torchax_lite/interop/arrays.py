"""Tensors from JAX arrays and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.avals import Place, accelerator_devices, aval, place
from ..engine.recorder import Node
from ..tensor import dispatch, dtypes
from ..tensor.tensor import Tensor

TRACE = place("cpu", 0, "trace")
"""Where tensors live whose values are JAX tracers: ops on them run at once."""


def to_jax(tensor: Tensor) -> Any:
    """The tensor's value as a ``jax.Array`` of the same dtype; under a JAX transform, the traced value.

    Runs what is pending. The array is immutable: later in-place changes of the tensor do not show in it. No gradient
    flows from JAX back into the tensor (see :func:`wrap_jax` for that). 64-bit dtypes stay 64-bit even while JAX's
    ``jax_enable_x64`` is off.

    Raises:
        NotImplementedError: for a meta tensor, which has no values.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"to_jax(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}")
    if tensor.is_meta:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return tensor._jax_array()


def from_jax(array: Any, requires_grad: bool = False) -> Tensor:
    """A tensor with the array's values, sharing its buffer; under a JAX transform, a tensor of the traced value.

    Args:
        array: a ``jax.Array`` on one device, or a tracer.
        requires_grad: whether the tensor (a leaf) collects gradients by this package's autograd.

    Raises:
        TypeError: for anything else, or a dtype that tensors do not have.
        NotImplementedError: for an array that is spread over several devices.
    """
    import jax

    if not isinstance(array, jax.Array):
        raise TypeError(f"from_jax(): argument 'array' (position 1) must be jax.Array, not {type(array).__name__}")
    try:
        dtypes.from_numpy_dtype(np.dtype(array.dtype))
    except TypeError:
        raise TypeError(f"from_jax(): no tensor dtype for {array.dtype}") from None
    traced = isinstance(array, jax.core.Tracer)
    where = TRACE if traced else place_of(array)
    if array.weak_type:
        with jax.enable_x64(True):
            array = jax.lax.convert_element_type(array, array.dtype)
    made: Tensor = dispatch.wrap(Node(aval(tuple(array.shape), np.dtype(array.dtype), where), array))
    if requires_grad:
        made.requires_grad_(True)
    return made


def place_of(array: Any) -> Place:
    """The engine's place of a JAX array's device."""
    devices = array.devices()
    if len(devices) != 1:
        raise NotImplementedError(f"from_jax of an array on {len(devices)} devices: gather it on one first")
    device = next(iter(devices))
    if device.platform == "cpu":
        return place("cpu")
    found = accelerator_devices()
    if device.platform in ("gpu", "cuda", "rocm"):
        return place("cuda", [d for d in found if d.platform in ("gpu", "cuda", "rocm")].index(device))
    return place("xla", found.index(device))


def tensors_in(tree: Any) -> Any:
    """A pytree with its JAX and NumPy arrays turned into tensors; everything else as it is."""
    import jax

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, jax.Array):
            return from_jax(leaf)
        if isinstance(leaf, np.ndarray):
            from ..tensor.creation import on_place

            return on_place(leaf.copy(), place("cpu"))
        return leaf

    return jax.tree.map(convert, tree, is_leaf=lambda x: isinstance(x, Tensor))


def arrays_in(tree: Any) -> Any:
    """A pytree with its tensors turned into JAX arrays; everything else as it is."""
    import jax

    return jax.tree.map(
        lambda leaf: to_jax(leaf) if isinstance(leaf, Tensor) else leaf, tree, is_leaf=lambda x: isinstance(x, Tensor)
    )
