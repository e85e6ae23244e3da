"""Declared ops that are called with a sparse tensor: which of them have a sparse form, by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torchax_lite as torch

from ..ops.registry import Op
from ..tensor import dispatch
from ..tensor.tensor import Tensor
from . import _pointwise, _products, _reduce, _shape
from ._graph import may_change
from ._tensor import SparseTensor, unsupported

KEEP_ZERO = frozenset(
    "abs asin asinh atan atanh ceil conj_physical deg2rad erf erfinv expm1 floor frac log1p nan_to_num rad2deg relu "
    "round sgn sign signbit sin sinh sqrt tan tanh trunc isinf isnan isneginf isposinf threshold leaky_relu angle "
    "positive fix arcsin arcsinh arctan arctanh absolute square".split()
)
"""Functions of one tensor with ``f(0) = 0``."""


def _sub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _pointwise.add(a, b, -alpha, "SubBackward0")


def _rsub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _pointwise.add(b, a, -alpha, "SubBackward0")


def _any(t: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    if dim is not None:
        raise unsupported("any.dim", t)
    return t._values_part.any()  # type: ignore[no-any-return]


def _norm_of(t: Any, *rest: Any) -> Tensor:
    raise unsupported("linalg_vector_norm", t)


def _conj(t: Any) -> Any:
    return _pointwise.scaled("ConjBackward0", lambda v: v.conj(), t)


def _real_part(name: str) -> Callable[[Any], Any]:
    def part(t: Any) -> Any:
        return _pointwise.scaled(f"{name.title()}Backward0", lambda v: getattr(torch, name)(v).clone(), t)

    return part


TABLE: dict[str, Callable[..., Any]] = {
    "add": _pointwise.add, "sub": _sub, "rsub": _rsub, "mul": _pointwise.mul, "div": _pointwise.div,
    "neg": _pointwise.neg, "mm": _products.mm, "matmul": _products.matmul, "mv": _products.mv, "bmm": _products.bmm,
    "addmm": _products.addmm, "addmv": _products.addmv, "t": _shape.t_, "transpose": _shape.transpose,
    "permute": _shape.permute, "select": _shape.select, "select.moving": lambda t, i, d: _shape.select(t, d, i),
    "unsqueeze": _shape.unsqueeze, "index_select": _shape.index_select, "cat": _shape.cat, "stack": _shape.stack,
    "sum": _reduce.sum_, "any": _any, "clone": lambda t: t.clone(), "conj": _conj, "conj_physical": _conj,
    "real": _real_part("real"), "imag": _real_part("imag"), "to_copy": lambda t, dtype: t.to(dtype),
    "norm": _pointwise.norm, "vector_norm": _norm_of,
    "pow.scalar": _pointwise.pow_, "pow": _pointwise.pow_,
}  # fmt: skip
"""Op name (or base name) -> function of the arguments in schema order."""


def holds_sparse(tensors: Sequence[Any]) -> SparseTensor | None:
    """The first sparse tensor among arguments, those in lists too."""
    for t in tensors:
        if isinstance(t, SparseTensor):
            return t
        if isinstance(t, (list, tuple)):
            for x in t:
                if isinstance(x, SparseTensor):
                    return x
    return None


def call(
    form: str, op: Op, tensors: Sequence[Any], scalars: Sequence[Any], statics: Sequence[Any], out: Any = None
) -> Any:
    """The result of an op on arguments of which one is sparse; ``NotImplemented`` where none is.

    Args:
        form: ``call`` (views too), ``inplace`` or ``out``.
    """
    found = holds_sparse([*tensors, *(out if isinstance(out, (list, tuple)) else [out])])
    if found is None:
        return NotImplemented
    arguments = dispatch.in_schema_order(op, tensors, scalars, statics)
    fn = TABLE.get(op.name) or TABLE.get(op.base)
    if fn is not None:
        result = fn(*arguments)
    elif op.base in KEEP_ZERO and isinstance(tensors[0], SparseTensor):
        result = _pointwise.on_values(op, tensors[0], *arguments[1:])
    else:
        raise unsupported(op.base + ("_" if form == "inplace" else ""), found)
    if form == "inplace":
        return store(tensors[0], result)
    if form == "out":
        if isinstance(out, SparseTensor):
            return store(out, result)
        dispatch.write_out(out, result, op.name)
        return out
    return result


def store(target: Any, result: Any) -> Any:
    """Make ``result`` the value of a tensor that is changed in place, in the target's dtype."""
    if not isinstance(target, SparseTensor):
        target.copy_(result.to_dense() if isinstance(result, SparseTensor) else result)
        return target
    if not isinstance(result, SparseTensor):
        raise RuntimeError(f"the result of an in-place operation on a {target.layout} tensor would be {result.layout}")
    if not torch.can_cast(result.dtype, target.dtype):
        from ..tensor.dtypes import scalar_type_name

        raise RuntimeError(
            f"result type {scalar_type_name(result.dtype)} can't be cast to the desired output type "
            f"{scalar_type_name(target.dtype)}"
        )
    may_change(target)
    kept = type(target)
    target._become(result.detach() if result is target else result.to(target.dtype))
    target.__class__ = kept
    return target
