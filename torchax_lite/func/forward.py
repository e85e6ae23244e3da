"""Forward mode: ``jvp``, ``jacfwd`` and ``linearize``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..tensor import transforms
from ..tensor.tensor import Tensor
from .arguments import check_complex, replaced, require_tensors, sliced
from .batching import vmap
from .pytree import flatten, tree_map, unflatten
from .reverse import basis, shown

_JVP = "jvp(f, primals, tangents)"


def dual(t: Any, tangent: Any, level: transforms.Level) -> Any:
    """``t`` with a tangent at a level.

    Raises:
        RuntimeError: their shapes differ.
    """
    where = level.place(t._aval.place)
    below = transforms.snapshot(transforms.lift(t, where.base))
    moving = transforms.snapshot(transforms.lift(tangent, where.base))
    out = transforms.put(where, below._aval.shape, below, moving)
    if below._strides is not None:
        out._strides = out._storage.strides = below._strides
    transforms.link(out, below)
    return out


def undual(t: Any, level: transforms.Level) -> tuple[Any, Any]:
    """(primal, tangent or None) of a tensor at a level."""
    where = level.place(t._aval.place)
    if t._aval.place is not where:
        if getattr(t._aval.place, "depth", 0) < where.depth:
            return t, None
        t = transforms.lift(t, where)
    return transforms.held_of(t._sync())


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """``(func(*primals), Jacobian times tangents)``; with ``has_aux`` also the auxiliary output.

    Args:
        func: takes pytrees of tensors, returns a pytree of tensors.
        primals, tangents: tuples of the same structure, shapes and dtypes.
        strict: raise where an output does not depend on the inputs, instead of giving zeros.
    """
    return jvp_for(func, primals, tangents, None, strict, has_aux)


def jvp_for(func: Callable[..., Any], primals: Any, tangents: Any, argnums: Any, strict: bool, has_aux: bool) -> Any:
    """:func:`jvp` with respect to ``argnums`` (None: all)."""
    chosen = primals if argnums is None else sliced(primals, argnums)
    if not isinstance(chosen, tuple):
        raise RuntimeError(f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, spec = flatten(chosen)
    moving, tangent_spec = flatten(tangents)
    if spec != tangent_spec:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 "
            "tensors, tangents also must be. Got primals with structure "
            f"{spec} and tangents with structure {tangent_spec}"
        )
    for name, listed in (("primals", leaves), ("tangents", moving)):
        if not listed:
            raise RuntimeError(f"{_JVP}: Expected {name} to contain at least one Tensor.")
        for x in listed:
            if not isinstance(x, Tensor):
                raise RuntimeError(f"{_JVP}: Expected {name} to only contain Tensors, got {type(x)}")
    for p, t in zip(leaves, moving, strict=True):
        for name, x in (("primal", p), ("tangent", t)):
            if not (x.is_floating_point() or x.is_complex()):
                raise ValueError(f"Expected {name} to be floating point or complex, but got: {x.dtype}")
        if p.shape != t.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {list(p.shape)} while the given forward gradient is of size {list(t.shape)}."
            )
    level = transforms.Level(transforms.DUAL)
    with level:
        given = unflatten([dual(p, t, level) for p, t in zip(leaves, moving, strict=True)], spec)
        out = func(*(given if argnums is None else replaced(primals, given, argnums)))
        aux = None
        if has_aux:
            if not (isinstance(out, tuple) and len(out) == 2):
                raise RuntimeError(f"{_JVP}: output of function f should be a tuple: (output, aux) if has_aux is True")
            out, aux = out
            aux = tree_map(lambda x: undual(x, level)[0] if isinstance(x, Tensor) else x, aux)
        outs, out_spec = flatten(out)
        require_tensors(outs, _JVP)
        values, directions = [], []
        for o in outs:
            value, tangent = undual(o, level)
            if tangent is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not "
                        "allowed with strict=True."
                    )
                from ..tensor.creation import zeros_like

                tangent = zeros_like(value, requires_grad=False)
            values.append(value)
            directions.append(tangent)
    found = unflatten(values, out_spec), unflatten(directions, out_spec)
    return (*found, aux) if has_aux else found


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The Jacobian of a function by forward mode.

    Args:
        func: takes pytrees of tensors, returns a pytree of tensors (with ``has_aux``: and anything else).
        argnums: with respect to which positional arguments; a tuple gives a tuple.
        randomness: what random ops do (see ``vmap``).

    Returns:
        a function that returns, for each output, a tree like the argument with the derivatives: (*output, *input).
    """

    @functools.wraps(func, updated=())
    def wrapped(*args: Any) -> Any:
        check_complex("jacfwd", args, True)
        chosen = sliced(args, argnums)
        leaves, spec = flatten(chosen)
        aux: list[Any] = []

        def push(*rows: Any) -> Any:
            made = jvp_for(func, args, unflatten(rows, spec), argnums, False, has_aux)
            check_complex("jacfwd", made[0], False)
            aux[:] = made[2:]
            return made[1], *made[2:]

        result = vmap(push, randomness=randomness, out_dims=(0, None) if has_aux else 0)(*basis(leaves))
        outs, out_spec = flatten(result[0])
        sizes = [x.numel() for x in leaves]
        rows = []
        for o in outs:
            cut = [
                part.movedim(0, -1).reshape(*o.shape[1:], *x.shape)
                for part, x in zip(o.split(sizes), leaves, strict=True)
            ]
            made = unflatten(cut, spec)
            rows.append(made[0] if isinstance(argnums, int) else made)
        jacobian = unflatten(rows, out_spec)
        return (jacobian, result[1]) if has_aux else jacobian

    return wrapped


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``(func(*primals), jvp_fn)``: ``jvp_fn(*tangents)`` multiplies with the Jacobian at ``primals``.

    ``func`` runs once; ``jvp_fn`` transposes its vector-Jacobian product.
    """
    from ..tensor.creation import zeros_like
    from .reverse import vjp

    out, pull = vjp(func, *primals)
    outs, out_spec = flatten(out)
    leaves, spec = flatten(primals)
    weights = [zeros_like(o, requires_grad=False) for o in outs]

    def back(*cts: Any) -> Any:
        return tuple(flatten(pull(unflatten(cts, out_spec)))[0])

    _, push = vjp(back, *weights)

    def jvp_fn(*tangents: Any) -> Any:
        given, given_spec = flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(
                f"Expected the tangents {shown(given_spec)} to have the same argspec as the primals {shown(spec)}"
            )
        for i, (p, t) in enumerate(zip(leaves, given, strict=True)):
            for what, want, got in (
                ("shape", p.shape, t.shape),
                ("device", p.device, t.device),
                ("dtype", p.dtype, t.dtype),
            ):
                if want != got:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {got} in flattened pytree doesn't match the {what} {want} of the "
                        "corresponding primal."
                    )
        return unflatten(push(tuple(given)), out_spec)

    return out, jvp_fn


__all__ = ["dual", "jacfwd", "jvp", "jvp_for", "linearize", "undual"]
