"""Sparse tensors in the autograd graph.

An op computes a dense function of its operands' values (or of dense operands). Its backward runs that function again
and differentiates it with the ordinary tape, so second derivatives follow. The gradient of a sparse operand has the
operand's pattern: what flows between nodes is a sparse tensor that shares the index tensors of the pattern, or a dense
one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch

from .._generated import internal as _ops
from ..tensor.modes import modes
from ..tensor.tape import GradNode, _sequence
from ..tensor.tensor import Tensor
from ._tensor import CooTensor, SparseTensor, coo, raw_parts

Backward = Callable[[Any], Sequence[Any]]


class SparseGradNode(GradNode):
    """Grad node of an op with sparse operands or results."""

    def __init__(self, inputs: Sequence[Any], out: Any, backward: Backward) -> None:
        from ..autograd.engine import edge_of

        self._edges = tuple(edge_of(t) if isinstance(t, Tensor) else None for t in inputs)
        self._seq = _sequence()
        self._out_avals = (out._aval,)
        self._backward: Backward | None = backward

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs."""
        from ..autograd.saved import FREED

        if self._backward is None:
            raise RuntimeError(FREED)
        if buffer[0] is None:
            return [None] * len(self._edges)
        grads = self._backward(buffer[0])
        return [None if edge is None else g for edge, g in zip(self._edges, grads, strict=True)]

    def _release(self) -> None:
        self._backward = None


_node_classes: dict[str, type[SparseGradNode]] = {}


def record(name: str, inputs: Sequence[Any], out: Any, backward: Backward) -> Any:
    """Put an op on the tape: ``backward(grad)`` gives one gradient (or None) for each input. Returns ``out``."""
    if modes.grad and any(isinstance(t, Tensor) and t.requires_grad for t in inputs):
        if out.dtype.is_floating_point or out.dtype.is_complex:
            cls = _node_classes.get(name)
            if cls is None:
                cls = _node_classes[name] = type(name, (SparseGradNode,), {"__module__": __name__})
            out._grad_fn = cls(inputs, out, backward)
            out._requires_grad = True
            out._output_nr = 0
    return out


def may_change(t: Any) -> None:
    """Raise where a sparse tensor must not be changed in place."""
    if modes.grad and t._requires_grad and t._grad_fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def part_of(t: Any) -> Any:
    """The dense tensor that an op computes with, outside autograd: values of a sparse operand, or the operand."""
    if isinstance(t, SparseTensor):
        return t._values_part
    return t.detach() if isinstance(t, Tensor) and t.requires_grad else t


def values_of(t: SparseTensor) -> Tensor:
    """The values as a dense tensor, with gradients flowing to the sparse one."""
    values = t._values_part.detach()
    return record("ValuesBackward0", (t,), values, lambda g: (with_pattern(t, g),))  # type: ignore[no-any-return]


def with_pattern(t: SparseTensor, values: Tensor) -> Any:
    """A sparse tensor with the positions of ``t``, and values that are where ``values`` requires grad differentiable."""
    indices = t._index_parts()
    made = t._with_parts(indices, values)
    if values.requires_grad and modes.grad:
        return record("SparseCooTensorWithDimsAndTensorsBackward0", (values,), made, lambda g: (lookup(g, made),))
    return made


def same_pattern(a: SparseTensor, b: SparseTensor) -> bool:
    """Whether two sparse tensors share their index tensors."""
    x, y = a._index_parts(), b._index_parts()
    return a.layout is b.layout and a.shape == b.shape and all(p is q for p, q in zip(x, y, strict=True))


def lookup(g: Any, pattern: SparseTensor, exact: bool = False) -> Tensor:
    """The entries of ``g``, sparse or dense, at the positions of ``pattern``; shaped like its values.

    ``exact``: also where ``g`` shares a pattern that lists a position twice, what is looked up is the entry of the
    matrix, the sum of both. As a gradient, each of the two has its own.
    """
    if isinstance(g, SparseTensor):
        if same_pattern(g, pattern) and (not exact or getattr(g, "_coalesced", True)):
            return values_of(g)
        if g.dense_dim() != pattern.dense_dim():
            g = g.to_dense()
    keys = pattern._keys()
    dense = tuple(pattern._values_part.shape[keys.ndim :])
    if isinstance(g, SparseTensor):
        from ._convert import flat_values

        known, values = flat_values(g)
        found = _ops.sparse_lookup(known, values, keys.reshape(-1))
    else:
        count = math.prod(pattern._key_sizes())
        found = g.reshape(count, *dense).index_select(0, keys.reshape(-1))
    return found.reshape(*keys.shape, *dense)


def pull(f: Callable[..., Tensor], operands: Sequence[Any], grad: Tensor) -> list[Any]:
    """Gradients of ``sum(f(*parts) * grad)`` for operands that require grad, sparse ones with their pattern."""
    from ..autograd import grad as gradients

    create = modes.grad
    wanted = [isinstance(t, Tensor) and t.requires_grad for t in operands]
    parts: list[Any] = []
    for t, w in zip(operands, wanted, strict=True):
        if not w:
            parts.append(part_of(t))
        elif create:
            parts.append((values_of(t) if isinstance(t, SparseTensor) else t).clone())
        else:
            parts.append(part_of(t).detach().requires_grad_(True))
    with torch.enable_grad():
        out = f(*parts)
    asked = [p for p, w in zip(parts, wanted, strict=True) if w]
    found = iter(gradients([out], asked, [grad], create_graph=create, allow_unused=True))
    grads: list[Any] = []
    for t, w in zip(operands, wanted, strict=True):
        g = next(found) if w else None
        grads.append(g if g is None or not isinstance(t, SparseTensor) else with_pattern(t, g))
    return grads


def dense_result(name: str, f: Callable[..., Tensor], operands: Sequence[Any]) -> Tensor:
    """``f`` of the operands' parts, a dense tensor, on the tape as ``name``."""
    with torch.no_grad():
        out = f(*map(part_of, operands))

    def backward(g: Any) -> list[Any]:
        return pull(f, operands, g.to_dense() if isinstance(g, SparseTensor) else g)

    return record(name, operands, out, backward)  # type: ignore[no-any-return]


def sparse_result(
    name: str, f: Callable[..., Tensor], operands: Sequence[Any], make: Callable[[Tensor], SparseTensor]
) -> Any:
    """``make(f(parts))``: ``f`` gives the values of the sparse result, on the tape as ``name``."""
    with torch.no_grad():
        made = make(f(*map(part_of, operands)))
    pattern = made.detach()

    def backward(g: Any) -> list[Any]:
        return pull(f, operands, lookup(g, pattern))

    return record(name, operands, made, backward)


def add_gradients(a: Any, b: Any) -> Any:
    """The sum of two gradients of one tensor: dense where one is; coordinates are listed one after the other.

    Unlike ``a + b`` it never looks at coordinates, so that a training step stays one program.
    """
    if not isinstance(a, SparseTensor):
        return a + b
    if not isinstance(b, SparseTensor):
        return b + a
    if not isinstance(a, CooTensor) or not isinstance(b, CooTensor) or modes.grad or same_pattern_now(a, b):
        return a + b
    (i, v), (j, w) = raw_parts(a), raw_parts(b)
    if i.shape[0] != j.shape[0]:
        return a + b
    indices, values = torch.cat([i, j], 1), torch.cat([v, w])
    if a._ignored is None and b._ignored is None:
        return coo(indices, values, a.shape)
    from ._tensor import coo_with_padding

    none = [torch.zeros(t._raw_indices.shape[1], dtype=torch.bool, device=t.device) for t in (a, b)]
    ignored = torch.cat([t._ignored if t._ignored is not None else n for t, n in zip((a, b), none, strict=True)])
    return coo_with_padding(indices, values, a.shape, ignored)


def same_pattern_now(a: CooTensor, b: CooTensor) -> bool:
    """Whether two COO tensors share their index tensor, without settling either."""
    return a._raw_indices is b._raw_indices


def accumulate(variable: Any, grad: Any) -> Any:
    """What ``variable.grad`` becomes when ``grad`` arrives and one of the two is sparse."""
    held = variable._grad
    if held is None:
        return grad if modes.grad else grad.detach()
    if modes.grad:
        return add_gradients(held, grad)
    if not isinstance(held, SparseTensor):
        return held.add_(grad)
    total = add_gradients(held, grad)
    return held._become(total) if type(total) is type(held) else total
