"""From a declared op and the kinds of its arguments to one pure function over arrays, and its derivative.

Everything here is abstract: dtypes, promotion and calling conventions. No storage, no autograd, no recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from . import registry
from .registry import ArraySpec, Op
from .schema import Param

_REDUCED = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


class Number(NamedTuple):
    """A Python number argument: its kind (``b``, ``i``, ``f``, ``c``); its value where it is a constant."""

    kind: str
    constant: Any = None


Promoter = Callable[[list[tuple[Any, int]], bool], Any]
"""``(operands (NumPy dtype or number kind, rank), integers become floats) -> NumPy dtype``; see tensor/dtypes.py."""


class Binding:
    """An op bound to the specs of its tensor arguments, its numbers and its statics.

    Args:
        op: the declaration.
        tensors: for each tensor parameter: ArraySpec, Number, None, or a list of ArraySpec (None).
        scalars: for each scalar parameter: Number or None.
        statics: values of the static parameters (dtypes as NumPy dtypes).
        promoter: the promotion rule.
        inplace: cast the result to the first tensor's dtype.
    """

    def __init__(
        self, op: Op, tensors: Sequence[Any], scalars: Sequence[Number | None], statics: Sequence[Any],
        promoter: Promoter, inplace: bool = False,
    ) -> None:  # fmt: skip
        self.op = op
        self.tensors = tensors
        self.scalars = scalars
        self.statics = statics
        self.inplace = inplace
        self.specs: list[ArraySpec] = []
        for t in tensors:
            if isinstance(t, ArraySpec):
                self.specs.append(t)
            elif isinstance(t, (list, tuple)) and not isinstance(t, Number):
                self.specs.extend(x for x in t if x is not None)
        self.common: np.dtype[Any] | None = None
        self.compute: np.dtype[Any] | None = None
        if op.promote != registry.NONE:
            self.common = promoter(self._operands(), op.promote == registry.FLOAT)
            self.compute = np.dtype(np.float32) if op.opmath and self.common in _REDUCED else self.common

    def _operands(self) -> list[tuple[Any, int]]:
        wanted = self.op.promote_args
        found: list[tuple[Any, int]] = []
        for p, t in zip(self.op.tensor_params, self.tensors, strict=True):
            if wanted is not None and p.name not in wanted:
                continue
            for x in t if isinstance(t, list) else [t]:
                if isinstance(x, ArraySpec):
                    found.append((x.dtype, 2 if x.shape else 1))
                elif isinstance(x, Number):
                    found.append((x.kind, 0))
        for p, n in zip(self.op.scalar_params, self.scalars, strict=True):
            if n is not None and n.constant is None and (wanted is None or p.name in wanted):
                found.append((n.kind, 0))
        return found

    def _takes_part(self, p: Param) -> bool:
        return self.compute is not None and (self.op.promote_args is None or p.name in self.op.promote_args)

    def arguments(self, arrays: Sequence[Any], numbers: Sequence[Any], cast: bool = True) -> dict[str, Any]:
        """Body arguments by name, from the flat arrays and numbers."""
        import jax.numpy as jnp

        array = iter(arrays)
        number = iter(numbers)
        by_name: dict[str, Any] = {}

        def convert(p: Param, x: Any) -> Any:
            if cast and self._takes_part(p) and x.dtype != self.compute:
                return _astype(x, self.compute)
            return x

        for p, t in zip(self.op.tensor_params, self.tensors, strict=True):
            if t is None:
                by_name[p.name] = None
            elif isinstance(t, Number):
                x = next(number)
                by_name[p.name] = _astype(x, self.compute) if self._takes_part(p) else _natural(x, t.kind)
            elif isinstance(t, ArraySpec):
                by_name[p.name] = convert(p, next(array))
            else:
                by_name[p.name] = [None if x is None else convert(p, next(array)) for x in t]
        for p, n in zip(self.op.scalar_params, self.scalars, strict=True):
            if n is None:
                by_name[p.name] = None
                continue
            x = jnp.asarray(n.constant) if n.constant is not None else next(number)
            by_name[p.name] = _astype(x, self.compute) if self.compute is not None else _natural(x, n.kind)
        for p, v in zip(self.op.static_params, self.statics, strict=True):
            by_name[p.name] = v
        return by_name

    def run(self, arrays: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
        """Results of the body, rounded to their final dtypes."""
        by_name = self.arguments(arrays, numbers)
        values = self.op.body(*[by_name[p.name] for p in self.op.schema.params])
        results = list(values) if isinstance(values, (tuple, list)) else [values]
        if self.compute is not self.common:
            results = [_astype(r, self.common) if r.dtype == self.compute else r for r in results]
        if self.inplace:
            target = self.specs[0]
            results = [_astype(r, target.dtype) if r.dtype != target.dtype else r for r in results]
        return results

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool], result_specs: Sequence[ArraySpec],
    ) -> list[Any]:  # fmt: skip
        """Cotangents of the flat arrays for which ``needs`` is true, in order.

        ``arrays`` and ``results`` hold None for what is not saved, ``cts`` for results to which nothing flows.
        """
        if self.op.vjp_body is None:
            return self._automatic(arrays, numbers, cts, needs, result_specs)
        import jax.numpy as jnp

        known = self.op.vjp_needs or ()
        held = [jnp.zeros(s.shape, s.dtype) if a is None else a for a, s in zip(arrays, self.specs, strict=True)]
        by_name = self.arguments(held, numbers)
        full = [jnp.zeros(s.shape, s.dtype) if c is None else c for c, s in zip(cts, result_specs, strict=True)]
        if self.compute is not self.common:
            full = [_astype(c, self.compute) if c.dtype == self.common else c for c in full]
            results = [r if r is None or r.dtype != self.common else _astype(r, self.compute) for r in results]
        by_name["ct"] = full[0]
        by_name["cts"] = tuple(full)
        by_name["result"] = results[0] if results else None
        by_name["results"] = tuple(results)
        for p, t in zip(self.op.tensor_params, self.tensors, strict=True):
            if isinstance(t, ArraySpec):
                by_name[f"{p.name}_shape"] = t.shape
            elif isinstance(t, list):
                by_name[f"{p.name}_shape"] = [None if x is None else x.shape for x in t]
            else:
                by_name[f"{p.name}_shape"] = ()
        grads = self.op.vjp_body(*[by_name[n] for n in known])
        if len(self.op.tensor_params) == 1 and not isinstance(grads, tuple):
            grads = (grads,)
        flat: list[Any] = []
        for t, g in zip(self.tensors, grads, strict=True):
            if isinstance(t, ArraySpec):
                flat.append(g)
            elif isinstance(t, list):
                flat.extend(x for x, s in zip(g or [None] * len(t), t, strict=True) if s is not None)
        return [fit(g, s) for g, s, need in zip(flat, self.specs, needs, strict=True) if need]

    def _automatic(
        self, arrays: Sequence[Any], numbers: Sequence[Any], cts: Sequence[Any], needs: Sequence[bool],
        result_specs: Sequence[ArraySpec],
    ) -> list[Any]:  # fmt: skip
        import jax
        import jax.numpy as jnp

        held = [jnp.zeros(s.shape, s.dtype) if a is None else a for a, s in zip(arrays, self.specs, strict=True)]
        used = [i for i, s in enumerate(result_specs) if is_inexact(s.dtype)]

        def primal(*wanted: Any) -> list[Any]:
            given = iter(wanted)
            merged = [next(given) if need else x for x, need in zip(held, needs, strict=True)]
            values = self.run(merged, numbers)
            return [values[i] for i in used]

        _, pull = jax.vjp(primal, *[x for x, need in zip(held, needs, strict=True) if need])
        seeds = [
            jnp.zeros(result_specs[i].shape, result_specs[i].dtype) if cts[i] is None else _conj(cts[i]) for i in used
        ]
        specs = [s for s, need in zip(self.specs, needs, strict=True) if need]
        return [fit(_conj(g), s) for g, s in zip(pull(seeds), specs, strict=True)]


def is_inexact(dtype: Any) -> bool:
    """Whether a NumPy dtype is floating or complex (ml_dtypes included)."""
    import jax.numpy as jnp

    return bool(jnp.issubdtype(dtype, jnp.inexact))


def _conj(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.conj(x) if x.dtype.kind == "c" else x


def _natural(x: Any, kind: str) -> Any:
    return x.astype(np.bool_) if kind == "b" else x


def _astype(x: Any, dtype: Any) -> Any:
    """Cast as PyTorch does: complex to real drops the imaginary part, floats to integers truncate."""
    import jax.numpy as jnp

    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        x = jnp.real(x) if np.dtype(dtype) != np.bool_ else x != 0
    return x.astype(dtype)


def fit(grad: Any, spec: ArraySpec) -> Any:
    """A cotangent summed over broadcast dims and cast to the dtype of the input it belongs to."""
    import jax.numpy as jnp

    if grad is None:
        return jnp.zeros(spec.shape, spec.dtype)
    if grad.shape != spec.shape:
        extra = grad.ndim - len(spec.shape)
        if extra >= 0:
            axes = tuple(range(extra)) + tuple(
                i + extra for i, s in enumerate(spec.shape) if s == 1 and grad.shape[i + extra] != 1
            )
            grad = jnp.sum(grad, axis=axes).reshape(_broadcastable(spec.shape, grad.shape[extra:], axes, extra))
        grad = jnp.broadcast_to(grad, spec.shape)
    return _astype(grad, spec.dtype)


def _broadcastable(
    shape: tuple[int, ...], had: tuple[int, ...], summed: tuple[int, ...], extra: int
) -> tuple[int, ...]:
    """Shape after a sum, with the summed dims that belong to ``shape`` kept as 1."""
    return tuple(1 if i + extra in summed else had[i] for i in range(len(shape)))


def broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Common shape; RuntimeError with PyTorch's words where there is none."""
    result: tuple[int, ...] = shapes[0]
    for shape in shapes[1:]:
        if shape == result:
            continue
        n = max(len(result), len(shape))
        a = (1,) * (n - len(result)) + result
        b = (1,) * (n - len(shape)) + shape
        merged = []
        for i in range(n - 1, -1, -1):
            x, y = a[i], b[i]
            if x != y and x != 1 and y != 1:
                raise RuntimeError(
                    f"The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {i}"
                )
            merged.append(y if x == 1 else x)
        result = tuple(reversed(merged))
    return result
