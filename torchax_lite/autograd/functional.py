"""Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..tensor.tensor import Tensor
from . import grad
from .grad_mode import enable_grad

_INDEPENDENT_HESSIAN = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
    "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example)."
)


def _tuple(x: Any, what: str, fn: str) -> tuple[bool, tuple[Tensor, ...]]:
    """(whether it was a tuple, the tensors)."""
    listed = x if isinstance(x, tuple) else (x,)
    for i, t in enumerate(listed):
        if not isinstance(t, Tensor):
            if isinstance(x, tuple):
                raise TypeError(
                    f"The {what} given to {fn} must be either a Tensor or a tuple of Tensors but the value at index {i} has "
                    f"type {type(t)}."
                )
            raise TypeError(
                f"The {what} given to {fn} must be either a Tensor or a tuple of Tensors but the given {what} has type {type(t)}."
            )
    return isinstance(x, tuple), tuple(listed)


def _fresh(inputs: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs that require grad: linked to the given ones where a graph is wanted, leaves otherwise."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(True) for t in inputs)


def _call(
    func: Callable[..., Any], inputs: tuple[Tensor, ...], fn: str, strict: bool
) -> tuple[bool, tuple[Tensor, ...]]:
    many, outs = _tuple(func(*inputs), "outputs of the user-provided function", fn)
    if strict:
        for i, o in enumerate(outs):
            if not o.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                    "differentiable manner from the input when running in strict mode."
                )
    return many, outs


def _single(func: Callable[..., Any], inputs: tuple[Tensor, ...], fn: str, strict: bool) -> Tensor:
    many, outs = _call(func, inputs, fn, strict)
    if many or len(outs) != 1:
        raise RuntimeError(f"The function given to {fn} should return a single Tensor")
    if outs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {fn} should contain a single element")
    return outs[0].reshape(())


def _vector(v: Any, like: Sequence[Tensor], many: bool, fn: str, none_text: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(none_text)
        return (like[0].detach().new_ones(like[0].shape),)
    _, vs = _tuple(v, "v", fn)
    if len(vs) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in " if many else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
    return vs


_V_INPUT = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element."
)
_V_OUTPUT = "The vector v can only be None if the user-provided function returns a single Tensor with a single element."


def _grads(
    outs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor | None] | None, create_graph: bool
) -> tuple[Tensor | None, ...]:
    """Gradients, None where there are none; outputs without graph are left out."""
    weights = [None] * len(outs) if weights is None else weights
    kept = [(o, w) for o, w in zip(outs, weights, strict=True) if o is not None and o.requires_grad]
    if not kept:
        return (None,) * len(inputs)
    return grad(
        [o for o, _ in kept],
        inputs,
        [w for _, w in kept],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
    )


def _fill(
    results: Sequence[Tensor | None], refs: Sequence[Tensor], strict: bool, create_graph: bool, kind: str
) -> tuple[Tensor, ...]:
    """Zeros for missing results, or an error in strict mode."""
    for i, r in enumerate(results):
        if not strict:
            continue
        if r is None:
            raise RuntimeError(_STRICT_NONE[kind].format(i))
        if create_graph and not r.requires_grad:
            raise RuntimeError(_STRICT_GRAPH[kind].format(i))
    return tuple(_or_zeros(results, refs))


def _or_zeros(results: Sequence[Tensor | None], refs: Sequence[Tensor]) -> list[Tensor]:
    return [x.detach().new_zeros(x.shape) if r is None else r for r, x in zip(results, refs, strict=True)]


_STRICT_NONE = {
    "vjp": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "jvp": "The user-provided function's output {} is independent of its inputs. This is not allowed in strict mode.",
    "hessian": _INDEPENDENT_HESSIAN,
}
_STRICT_GRAPH = {
    "vjp": "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode when "
    "create_graph=True.",
    "jvp": "The jacobian of the user-provided function's output {} is independent of the inputs. This is not allowed in "
    "strict mode when create_graph=True.",
    "hessian": "The hessian of the user-provided function is independent of input {}. This is not allowed in strict mode when "
    "create_graph=True.",
}


def _give(values: Sequence[Tensor], many: bool, create_graph: bool) -> Any:
    made = tuple(values) if create_graph else tuple(v.detach() for v in values)
    return made if many else made[0]


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(``func(*inputs)``, ``v`` times its Jacobian).

    Args:
        v: one vector for each output; None for a single output of one element.
        create_graph: make the results differentiable.
        strict: raise where an output does not depend on an input, instead of giving zeros.
    """
    with enable_grad():
        many, given = _tuple(inputs, "inputs", "vjp")
        xs = _fresh(given, create_graph)
        out_many, outs = _call(func, xs, "vjp", strict)
        vs = _vector(v, outs, out_many, "vjp", _V_OUTPUT)
        results = _fill(_grads(outs, xs, vs, create_graph), xs, strict, create_graph, "vjp")
    return _give(outs, out_many, create_graph), _give(results, many, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(``func(*inputs)``, its Jacobian times ``v``), by differentiating the vector-Jacobian product twice.

    Args are those of :func:`vjp`, with one vector for each input.
    """
    with enable_grad():
        many, given = _tuple(inputs, "inputs", "jvp")
        vs = _vector(v, given, many, "jvp", _V_INPUT)
        xs = _fresh(given, create_graph)
        out_many, outs = _call(func, xs, "jvp", strict)
        weights = [o.detach().new_zeros(o.shape).requires_grad_(True) for o in outs]
        back = _grads(outs, xs, weights, True)
        results = _fill(_grads(back, weights, vs, create_graph), outs, strict, create_graph, "jvp")
    return _give(outs, out_many, create_graph), _give(results, out_many, create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """``J[i][j][output index, input index]``: derivatives of output i with respect to input j.

    Args:
        create_graph: make the result differentiable.
        strict: raise where an output does not depend on an input, instead of giving zeros.
        vectorize: compute all rows (or columns) as one batch.
        strategy: ``"reverse-mode"``, or ``"forward-mode"``, which is better for more outputs than inputs.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
            'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs, create_graph, strict, vectorize)
    if vectorize and strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please "
            "either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        many, given = _tuple(inputs, "inputs", "jacobian")
        xs = _fresh(given, create_graph)
        out_many, outs = _call(func, xs, "jacobian", strict)
        rows = []
        for i, out in enumerate(outs):
            if vectorize:
                rows.append(_batched_rows(out, xs, create_graph))
                continue
            columns = _rows(i, out, xs, create_graph, strict)
            rows.append(tuple(_stack(column, out, x) for column, x in zip(columns, xs, strict=True)))
    if not create_graph:
        rows = [tuple(j.detach() for j in row) for row in rows]
    shown = [row if many else row[0] for row in rows]
    return tuple(shown) if out_many else shown[0]


def _rows(i: int, out: Tensor, xs: Sequence[Tensor], create_graph: bool, strict: bool) -> list[list[Tensor]]:
    """For each input the gradients of all elements of one output."""
    columns: list[list[Tensor]] = [[] for _ in xs]
    flat = out.reshape(-1)
    for j in range(out.numel()):
        for k, (x, g) in enumerate(zip(xs, _grads([flat[j]], xs, None, create_graph), strict=True)):
            if strict and g is None:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in strict mode."
                )
            if strict and create_graph and g is not None and not g.requires_grad:
                raise RuntimeError(_STRICT_GRAPH["vjp"].format(k))
            columns[k].append(x.detach().new_zeros(x.shape) if g is None else g)
    return columns


def _batched_rows(out: Tensor, xs: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    """The Jacobians of one output, by one batched backward."""
    import torchax_lite as torch

    shapes = [(*out.shape, *x.shape) for x in xs]
    if not out.requires_grad or not out.numel():
        return tuple(x.detach().new_zeros(s) for x, s in zip(xs, shapes, strict=True))
    n = out.numel()
    weights = torch.eye(n, dtype=out.dtype, device=out.device).reshape(n, *out.shape)
    found = grad(
        out, xs, weights, retain_graph=True, create_graph=create_graph, allow_unused=True, is_grads_batched=True
    )
    return tuple(
        x.detach().new_zeros(s) if g is None else g.reshape(s) for g, x, s in zip(found, xs, shapes, strict=True)
    )


def _forward_jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    """:func:`jacobian` by forward mode: one batch of tangents, a unit vector for each element of the inputs."""
    from ..func.reverse import basis
    from . import forward_ad

    if create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported together '
            '(yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together '
            '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`."
        )
    from ..func import vmap

    many, xs = _tuple(inputs, "inputs", "jacobian")
    shapes: list[Any] = []
    out_many: list[bool] = []

    def push(*tangents: Tensor) -> tuple[Tensor, ...]:
        with forward_ad.dual_level():
            given = [forward_ad.make_dual(x.detach(), t.view_as(x)) for x, t in zip(xs, tangents, strict=True)]
            for g, x in zip(given, xs, strict=True):
                if x.requires_grad:
                    g.requires_grad_(True)
            is_tuple, outs = _tuple(func(*given), "outputs of the user-provided function", "jacobian")
            out_many[:] = [is_tuple]
            pairs = [forward_ad.unpack_dual(o) for o in outs]
            shapes[:] = [o.shape for o in outs]
            return tuple(p.primal.new_zeros(p.primal.shape) if p.tangent is None else p.tangent for p in pairs)

    columns = vmap(push)(*basis(xs))
    rows = []
    for c, shape in zip(columns, shapes, strict=True):
        parts = c.movedim(0, -1).detach().split([x.numel() for x in xs], -1)
        rows.append([p.reshape(*shape, *x.shape) for p, x in zip(parts, xs, strict=True)])
    if not out_many[0]:
        return rows[0] if many else rows[0][0]
    return rows if many else tuple(row[0] for row in rows)


def _stack(column: list[Tensor], out: Tensor, x: Tensor) -> Tensor:
    import torchax_lite as torch

    if not column:
        return x.detach().new_zeros((*out.shape, *x.shape))
    return torch.stack(column).view((*out.shape, *x.shape))


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """``H[i][j]``: second derivatives of a function with one value with respect to inputs i and j.

    Args are those of :func:`jacobian`.
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    many, given = _tuple(inputs, "inputs", "hessian")

    def first(*xs: Tensor) -> tuple[Tensor, ...]:
        if outer_jacobian_strategy == "forward-mode":
            for x in xs:
                x.requires_grad_(True)
        out = _single(func, xs, "hessian", strict)
        found = _grads([out], xs, None, True)
        if strict:
            for i, g in enumerate(found):
                if g is None or not g.requires_grad:
                    raise RuntimeError(_INDEPENDENT_HESSIAN.format(i))
        return tuple(_or_zeros(found, xs))

    result = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return result if many else result[0][0]


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(``func(*inputs)``, ``v`` times the Hessian of that one value).

    Args are those of :func:`vjp`, with one vector for each input.
    """
    with enable_grad():
        many, xs, vs, out, first = _prepare(func, inputs, v, create_graph, strict, "vhp")
        results = _fill(_grads(first, xs, vs, create_graph), xs, strict, create_graph, "hessian")
    return (out if create_graph else out.detach()), _give(results, many, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(``func(*inputs)``, the Hessian of that one value times ``v``).

    Args are those of :func:`vjp`, with one vector for each input. :func:`vhp` is cheaper and equal for smooth functions.
    """
    with enable_grad():
        many, xs, vs, out, first = _prepare(func, inputs, v, create_graph, strict, "hvp")
        weights = [x.detach().new_zeros(x.shape).requires_grad_(True) for x in xs]
        back = _grads(first, xs, weights, True)
        results = _fill(_grads(back, weights, vs, create_graph), xs, strict, create_graph, "hessian")
    return (out if create_graph else out.detach()), _give(results, many, create_graph)


def _prepare(func: Any, inputs: Any, v: Any, create_graph: bool, strict: bool, fn: str) -> Any:
    many, given = _tuple(inputs, "inputs", fn)
    vs = _vector(v, given, many, fn, _V_INPUT)
    xs = _fresh(given, create_graph)
    out = _single(func, xs, fn, strict)
    first = _grads([out], xs, None, True)
    if strict:
        for i, g in enumerate(first):
            if g is None or not g.requires_grad:
                raise RuntimeError(_INDEPENDENT_HESSIAN.format(i))
    return many, xs, vs, out, tuple(_or_zeros(first, xs))


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
