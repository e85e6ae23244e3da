"""Reverse mode: ``grad``, ``grad_and_value``, ``vjp``, ``jacrev`` and ``hessian``, on the tape."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..autograd.engine import edge_of, run_backward
from ..ops.registry import OPS
from ..tensor import dispatch, transforms
from ..tensor.modes import modes
from ..tensor.tape import AccumulateGrad, GradNode, accumulator
from ..tensor.tensor import Tensor
from .arguments import (
    check_complex,
    replaced,
    require_tensors,
    sliced,
)
from .batching import vmap
from .hooks import without_saved_tensors_hooks
from .pytree import Spec, flatten, tree_map, unflatten

_clone = OPS["clone"]


class GradScope:
    """Variables of one gradient transform, and the question what else a result depends on.

    Attributes:
        recording: whether the graph around the transform records.
        nodes: the variables' own ends of the graph.
    """

    depth = 0

    def __init__(self) -> None:
        self.recording = modes.grad
        self.nodes: set[GradNode] = set()
        self.kept: list[Any] = []

    def variable(self, t: Any) -> Any:
        """A tensor that gradients are taken for: linked to ``t`` where that one requires grad itself."""
        if not isinstance(t, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        where = transforms.top_place(transforms.device_of(t._aval.place))
        if where is not t._aval.place:
            t = transforms.lift(t, where)
        if self.recording and t.requires_grad:
            return dispatch.call(_clone, (t,))
        made = transforms.unlinked(t)
        made.requires_grad_(True)
        node = accumulator(made)
        self.nodes.add(node)
        self.kept.append((made, node))
        return made

    def reaches_out(self, tensors: Sequence[Any]) -> bool:
        """Whether gradients of these tensors go to anything but this scope's variables."""
        seen: set[GradNode] = set()
        stack = [e[0] for e in (edge_of(t) for t in tensors) if e is not None]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node, AccumulateGrad) and node not in self.nodes:
                return True
            stack += [e[0] for e in node._edges if e is not None]
        return False

    def outside(self, t: Any) -> Any:
        """A result as it is seen outside: without graph where it depends on nothing outside that requires grad.

        Raises:
            RuntimeError: it is no tensor.
        """
        if not isinstance(t, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(t)}")
        if not t.requires_grad:
            return t
        if self.recording and self.reaches_out((t,)):
            return t
        return transforms.unlinked(t)


@contextmanager
def grad_scope() -> Iterator[GradScope]:
    """A block that records gradients for a transform's variables."""
    from ..autograd.under_transforms import freeze

    scope = GradScope()
    thaw = freeze(modes.transforms[-1], modes.grad) if modes.transforms else None
    before = modes.grad
    modes.grad = True
    modes.grad_scopes += 1
    try:
        with without_saved_tensors_hooks():
            yield scope
    finally:
        modes.grad = before
        modes.grad_scopes -= 1
        if thaw is not None:
            thaw()


def _gradients(
    outs: Sequence[Any], inputs: Sequence[Any], cts: Sequence[Any], create_graph: bool, keep: bool
) -> list[Any]:
    """Gradients of the inputs, zeros where there are none."""
    kept = [(o, c) for o, c in zip(outs, cts, strict=True) if o.requires_grad]
    found: list[Any] = [None] * len(inputs)
    if kept:
        roots: Any = [edge_of(o) for o, _ in kept]
        targets: Any = [edge_of(x) for x in inputs]
        found = run_backward(
            roots, [_fit(c, o) for o, c in kept], keep or create_graph, create_graph, targets, accumulate=False
        )
    from ..tensor.creation import zeros_like

    return [
        zeros_like(x, requires_grad=False) if g is None else g if create_graph else transforms.unlinked(g)
        for g, x in zip(found, inputs, strict=True)
    ]


def _fit(ct: Any, out: Any) -> Any:
    if ct.shape != out.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {ct.shape} and output[0] has a shape of {out.shape}."
        )
    if ct.is_complex() != out.is_complex():
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[0] has a dtype of {ct.dtype} and output[0] has a dtype of {out.dtype}."
        )
    return ct if ct.dtype is out.dtype else ct.to(out.dtype)


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function that returns one value, with respect to some of its arguments.

    Args:
        func: returns a tensor of one element (and anything else as second of a tuple with ``has_aux``).
        argnums: which positional arguments; a tuple gives a tuple of gradients. They may be pytrees of tensors.

    Returns:
        a function that returns the gradients (and the auxiliary output).
    """

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found, rest = _grad_and_value(func, argnums, has_aux, args, kwargs)
        return (found, rest[1]) if has_aux else found

    return wrapped


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Like :func:`grad`, returning ``(gradients, value)``, or ``(gradients, (value, aux))`` with ``has_aux``."""

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value(func, argnums, has_aux, args, kwargs)

    return wrapped


def _grad_and_value(
    func: Callable[..., Any], argnums: Any, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    with grad_scope() as scope:
        chosen = sliced(args, argnums, as_tuple=False)
        leaves, spec = flatten(chosen)
        variables = [scope.variable(x) for x in leaves]
        moved = unflatten(variables, spec)
        out = func(*replaced(args, moved if isinstance(argnums, tuple) else (moved,), argnums), **kwargs)
        aux = None
        if has_aux:
            if not (isinstance(out, tuple) and len(out) == 2):
                raise RuntimeError(
                    "grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            out, aux = out
        if not isinstance(out, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(out)}")
        if out.dim() != 0:
            raise RuntimeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{out.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        again = scope.recording and scope.reaches_out((out,))
        grads = _gradients([out], variables, [_ones(out)], again, False)
        grads = [scope.outside(g) for g in grads] if again else grads
        value = scope.outside(out)
        aux = tree_map(scope.outside, aux) if has_aux else None
    found = unflatten(grads, spec)
    return found, (value, aux) if has_aux else value


def _ones(t: Any) -> Any:
    from ..tensor.creation import ones_like

    return ones_like(t, requires_grad=False)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """``(func(*primals), vjp_fn)``: ``vjp_fn(cotangents)`` gives the products with the Jacobian, one for each primal.

    Args:
        func: takes pytrees of tensors and returns a pytree of tensors (with ``has_aux``: and anything else).

    Returns:
        ``(output, vjp_fn)``, with ``has_aux`` ``(output, vjp_fn, aux)``. ``vjp_fn`` returns a tuple with one entry for
        each primal. It may be called many times, and under other transforms.
    """
    return vjp_for(func, primals, None, has_aux)


def vjp_for(func: Callable[..., Any], primals: tuple[Any, ...], argnums: Any, has_aux: bool) -> Any:
    """:func:`vjp` with respect to ``argnums`` (None: all)."""
    with grad_scope() as scope:
        chosen = primals if argnums is None else sliced(primals, argnums, as_tuple=False)
        leaves, spec = flatten(chosen)
        variables = [scope.variable(x) for x in leaves]
        moved = unflatten(variables, spec)
        if argnums is not None:
            moved = replaced(primals, moved if isinstance(argnums, tuple) else (moved,), argnums)
        out = func(*moved)
        aux = None
        if has_aux:
            if not (isinstance(out, tuple) and len(out) == 2):
                raise RuntimeError(
                    "vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            out, aux = out
            aux = tree_map(scope.outside, aux)
        outs, out_spec = flatten(out)
        require_tensors(outs, "vjp(f, *primals)")
        results = unflatten([scope.outside(o) for o in outs], out_spec)
        for o in outs:
            if not (o.is_floating_point() or o.is_complex()):
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{o.dtype}"
                )
        reaches = scope.recording and scope.reaches_out(outs)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        cts, ct_spec = flatten(cotangents)
        if ct_spec != out_spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {shown(ct_spec)}, primal output: {shown(out_spec)}"
            )
        again = modes.grad and (reaches or any(c.requires_grad for c in cts)) if create_graph is None else create_graph
        grads = _gradients(outs, variables, cts, again, retain_graph)
        return unflatten([scope.outside(g) for g in grads] if again else grads, spec)

    return (results, pull, aux) if has_aux else (results, pull)


def shown(spec: Spec) -> str:
    """A structure as errors show it."""
    text = repr(unflatten(["*"] * spec.leaves, spec)).replace("'*'", "*")
    return text


# -- Jacobians ---------------------------------------------------------------------------------------------------------


def basis(tensors: Sequence[Any], start: int = 0, count: int | None = None) -> tuple[Any, ...]:
    """Rows ``start`` to ``start + count`` of the identity over all elements, cut by tensor: (count, *shape) each."""
    import torchax_lite as torch

    total = sum(t.numel() for t in tensors)
    count = total - start if count is None else count
    made, offset = [], 0
    for t in tensors:
        n = t.numel()
        rows = torch.arange(start, start + count, device=t.device).unsqueeze(1)
        columns = torch.arange(offset, offset + n, device=t.device)
        made.append((rows == columns).to(t.dtype).reshape(count, *t.shape))
        offset += n
    return tuple(made)


def jacrev(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """The Jacobian of a function by reverse mode.

    Args:
        func: takes pytrees of tensors, returns a pytree of tensors (with ``has_aux``: and anything else).
        argnums: with respect to which positional arguments; a tuple gives a tuple.
        chunk_size: rows computed at a time; None for all, 1 without batching at all.

    Returns:
        a function that returns, for each output, a tree like the argument with the derivatives: (*output, *input).
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func, updated=())
    def wrapped(*args: Any) -> Any:
        import torchax_lite as torch

        check_complex("jacrev", args, True)
        made = vjp_for(func, args, argnums, has_aux)
        out, pull = made[:2]
        check_complex("jacrev", out, False)
        outs, out_spec = flatten(out)
        total = sum(o.numel() for o in outs)
        step = total if chunk_size is None else min(chunk_size, total)
        parts: list[list[Any]] = []
        spec: Spec | None = None
        for start in range(0, total, step) if total else (0,):
            rows = basis(outs, start, min(step, total - start))
            if chunk_size == 1:
                flat, spec = flatten(pull(unflatten([r.squeeze(0) for r in rows], out_spec)))
                flat = [x.unsqueeze(0) for x in flat]
            elif total:
                flat, spec = flatten(vmap(lambda *cts: pull(unflatten(cts, out_spec)))(*rows))
            else:
                flat, spec = flatten(sliced(args, argnums, as_tuple=False))
                flat = [x.new_zeros((0, *x.shape)) for x in flat]
            parts.append(flat)
        assert spec is not None
        columns = [c[0] if len(c) == 1 else torch.cat(list(c)) for c in zip(*parts, strict=True)]
        results, offset = [], 0
        for o in outs:
            n = o.numel()
            cut = [c[offset : offset + n].reshape(*o.shape, *c.shape[1:]) for c in columns]
            results.append(unflatten(cut, spec))
            offset += n
        jacobian = unflatten(results, out_spec)
        return (jacobian, made[2]) if has_aux else jacobian

    return wrapped


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Second derivatives, by forward mode over reverse mode: ``jacfwd(jacrev(func))``."""
    from .forward import jacfwd

    return jacfwd(jacrev(func, argnums), argnums)


__all__ = ["GradScope", "basis", "grad", "grad_and_value", "grad_scope", "hessian", "jacrev", "shown", "vjp"]
