"""Kernels over arrays: NumPy at once for tensors on the host, one recorded JAX op for all others.

A kernel is written once, against an array namespace ``xp`` (NumPy or ``jax.numpy``)::

    @kernel
    def invert(xp, image):
        return 255 - image

Called with tensors, it is computed by NumPy where they are on the CPU and need no gradient: every image may have its own
size and every call its own random parameters, and nothing is compiled. Tensors that require grad, lie on an accelerator
or take part in a function transform go through :func:`torchax_lite.interop.wrap_jax`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.avals import CPU, Place, aval
from ..engine.recorder import Node
from ..tensor import dispatch
from ..tensor.creation import from_numpy
from ..tensor.host_views import host_view
from ..tensor.modes import modes
from ..tensor.tensor import Tensor

__all__ = ["from_host", "kernel", "on_host", "part", "to_host"]


def on_host(t: Tensor) -> bool:
    """Whether a tensor's values may be read and computed with by NumPy."""
    place = t._aval.place
    return place is CPU and not (t.requires_grad and modes.grad) and t._aval.dtype.kind in "biuf"


def to_host(t: Tensor) -> np.ndarray[Any, Any]:
    """The values of a tensor on the CPU, not to be written; runs what is pending."""
    storage = t._storage
    if storage.host is not None:
        view = storage.host if t._view is None else host_view(storage.host, t._view)
        if view is not None:
            return view
    known = t._known_value()
    return t._host_array() if known is None else known


def from_host(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the CPU that takes an array over (nobody else may write it)."""
    array = np.ascontiguousarray(array) if array.ndim else array
    made: Tensor = dispatch.wrap(Node(aval(array.shape, array.dtype, CPU), array))
    if modes.inference:
        made._inference = True
    return made


_SMALL = 1 << 22
"""Elements of a tensor that `part` may copy to the host's memory for good."""


def part(image: Tensor, rows: slice, columns: slice) -> Tensor:
    """``image[..., rows, columns]``, a view.

    Random crops have ever new sizes: as views of the recorder each would leave a site behind. A single image that lies
    on the host is tied to a NumPy array instead, and the crop shares that.
    """
    if on_host(image) and image.numel() <= _SMALL and not _pending(image) and not modes.inference:
        return from_numpy(image.as_subclass(Tensor).detach().numpy()[..., rows, columns])
    return image[..., rows, columns]


def _pending(t: Tensor) -> bool:
    """Whether a tensor's values are those of a program that has not run yet."""
    return t._storage.host is None and t._known_value() is None


def kernel(fn: Callable[..., Any] | None = None, *, lazy: bool = False) -> Any:
    """Make a function of tensors from one of an array namespace and arrays; a decorator.

    Positional arguments may be tensors, arrays (which enter a compiled program as inputs) or constants; keywords are
    constants. One result or a tuple of results comes back.

    Args:
        fn: the kernel; on the host its results must not share memory with its arguments.
        lazy: record the kernel, too, where values are pending, instead of running what is pending. For pointwise
            kernels, whose programs depend on nothing but shapes.
    """
    if fn is None:
        return functools.partial(kernel, lazy=lazy)
    body = fn
    recorded: list[Callable[..., Any]] = []

    @functools.wraps(body)
    def run(*args: Any, **constants: Any) -> Any:
        tensors = [a for a in args if isinstance(a, Tensor)]
        if all(on_host(t) for t in tensors) and not (lazy and any(map(_pending, tensors))):
            with np.errstate(all="ignore"):
                made = body(np, *[to_host(a) if isinstance(a, Tensor) else a for a in args], **constants)
            return tuple(map(from_host, made)) if isinstance(made, tuple) else from_host(made)
        if not recorded:
            recorded.append(_recorded(body))
        where = next((t._aval.place for t in tensors if t._aval.place is not CPU), CPU)
        inputs = [_input(a, where) for a in args]
        return recorded[0](*inputs, **{name: _constant(value) for name, value in constants.items()})

    run.body = body  # type: ignore[attr-defined]
    return run


def _input(a: Any, where: Place) -> Any:
    """An argument for a recorded kernel: tensors and arrays on the place that it runs on."""
    if isinstance(a, np.ndarray):
        a = from_host(a)
    elif not isinstance(a, Tensor):
        return _constant(a)
    elif type(a) is not Tensor:
        a = a.as_subclass(Tensor)
    return a if a._aval.place is not CPU or where is CPU else a._to_place(where)


def _constant(value: Any) -> Any:
    return tuple(map(_constant, value)) if isinstance(value, (list, tuple)) else value


def _recorded(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as one op of the recorded program, differentiated by JAX."""
    import jax.numpy as jnp

    from ..interop import wrap_jax

    return wrap_jax(functools.partial(fn, jnp), name=fn.__name__)
