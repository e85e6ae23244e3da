"""JAX functions as ops on tensors: recorded in the program around them, with JAX's derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.avals import CPU, aval
from ..tensor import dispatch, dtypes
from ..tensor.sites import DiffSite
from ..tensor.tensor import Tensor


class _JaxSite(DiffSite):
    """A call of a JAX function."""

    __slots__ = ("out_tree",)

    out_tree: Any


def wrap_jax(fn: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """A function of tensors that computes the JAX function ``fn``; usable as a decorator.

    The call becomes one op of the pending program, compiled together with everything around it. Gradients flow through
    it by ``jax.vjp``, to any order. Arguments and results may be pytrees: tensors arrive in ``fn`` as arrays, in their
    own dtype, and arrays come back as tensors. All other arguments (Python numbers too) are constants of the op, so
    each new value of one compiles anew: pass what changes from step to step as a tensor.

    ``fn`` must be pure and traceable by ``jax.jit``. It is traced with 64-bit types enabled, so ``jnp.zeros(3)`` in it
    is float64: name dtypes.

    Args:
        fn: function of arrays.
        name: name of the op in graphs (``fn``'s own if left out).

    Raises:
        TypeError: at the call, for an argument that is neither tensor, array nor hashable.
    """
    sites: dict[Any, _JaxSite] = {}
    label = name or getattr(fn, "__name__", type(fn).__name__).strip("<>")

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        import jax

        leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=lambda x: isinstance(x, Tensor))
        tensors = [_as_tensor(x) for x in leaves]
        present = [t for t in tensors if t is not None]
        where, move = dispatch.common_place([t._aval for t in present]) if present else (CPU, False)
        if move:
            present = [t if t._aval.place is where else t._to_place(where) for t in present]
        constants = tuple(
            _Dynamic if t is not None else (type(x), x, repr(x)) for x, t in zip(leaves, tensors, strict=True)
        )
        key = (tree, tuple(t._aval for t in present), constants)
        try:
            site = sites.get(key)
        except TypeError:
            raise TypeError(
                f"{label}(): arguments of a wrapped JAX function must be tensors or hashable constants, got "
                f"{', '.join(sorted({type(x).__name__ for x, t in zip(leaves, tensors, strict=True) if t is None}))}"
            ) from None
        if site is None:
            site = sites[key] = _make_site(fn, label, tree, leaves, tensors, present, where)
        nodes = [t._sync() for t in present]
        if not site.n_out:
            return jax.tree.unflatten(site.out_tree, [])
        requires_grad = any(t.requires_grad for t in present)
        made = dispatch.finish(site, present, nodes, [], requires_grad, False)
        return jax.tree.unflatten(site.out_tree, [made] if site.single else made)

    return wrapped


class _Dynamic:
    """Stands in a key where an argument is a tensor."""


def _as_tensor(x: Any) -> Tensor | None:
    """The tensor of a tensor or array argument; None for a constant."""
    import jax

    if isinstance(x, Tensor):
        return x
    if isinstance(x, (jax.Array, np.ndarray)):
        from .arrays import tensors_in

        return tensors_in(x)  # type: ignore[no-any-return]
    return None


def _make_site(
    fn: Callable[..., Any], label: str, tree: Any, leaves: list[Any], tensors: list[Tensor | None],
    present: list[Tensor], where: Any,
) -> _JaxSite:  # fmt: skip
    """Trace ``fn`` abstractly: the avals and the structure of its results."""
    import jax
    import jax.numpy as jnp

    template = [None if t is not None else x for x, t in zip(leaves, tensors, strict=True)]
    slots = [i for i, t in enumerate(tensors) if t is not None]
    found: list[Any] = []

    def run(*arrays: Any) -> list[Any]:
        filled = list(template)
        for i, array in zip(slots, arrays, strict=True):
            filled[i] = array
        args, kwargs = jax.tree.unflatten(tree, filled)
        flat, out_tree = jax.tree.flatten(fn(*args, **kwargs))
        found[:] = [out_tree]
        return [jnp.asarray(x) for x in flat]

    specs = [jax.ShapeDtypeStruct(t._aval.shape, t._aval.dtype) for t in present]
    with jax.enable_x64(True):
        results = jax.eval_shape(run, *specs)
    for r in results:
        dtypes.from_numpy_dtype(np.dtype(r.dtype))
    out_avals = tuple(aval(tuple(r.shape), np.dtype(r.dtype), where) for r in results)
    camel = "".join(part[:1].upper() + part[1:] for part in label.split("_"))
    site = _JaxSite(run, tuple(t._aval for t in present), "", out_avals, label, None, f"{camel}Backward0", where)
    site.result_type = list
    site.out_tree = found[0]
    return site
