"""Sites with derivatives: op calls, their derivatives, and derivatives of those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import shapes
from ..engine.avals import Aval, Place, aval
from ..engine.recorder import Site
from ..ops import registry
from ..ops.lowering import Binding, broadcast
from ..ops.registry import ArraySpec, Op, camel
from . import dtypes
from .tape import inexact, node_class, specs_of


class DiffSite(Site):
    """A site whose derivative is known: by default ``jax.vjp`` of its function, all inputs saved.

    Attributes:
        grad_name: name of the grad node.
        diff_in, diff_out: which inputs take part in differentiation, which results have gradients.
        saves_in, saves_out: indices of the inputs and results that the derivative needs.
        automatic: the derivative is ``jax.vjp``'s, so which inputs it really needs is not known in advance.
    """

    __slots__ = (
        "_needed", "automatic", "diff_in", "diff_out", "grad_name", "node_class", "result_type", "saves_in", "saves_out",
        "keeps_residuals", "lazy_memory", "memory", "strided_rule", "vjp_sites",
    )  # fmt: skip

    def __init__(
        self, fn: Callable[..., Sequence[Any]], in_avals: tuple[Aval, ...], number_kinds: str,
        out_avals: tuple[Aval, ...], name: str, label: str | None, grad_name: str | None = None,
        where: Place | None = None,
    ) -> None:  # fmt: skip
        super().__init__(fn, in_avals, number_kinds, out_avals, name, label, where)
        self.grad_name = grad_name or camel(name) + "Backward0"
        self.node_class = node_class(self.grad_name)
        self.diff_in: tuple[bool, ...] = inexact(in_avals)
        self.diff_out: tuple[bool, ...] = inexact(out_avals)
        self.saves_in: tuple[int, ...] = tuple(range(len(in_avals)))
        self.saves_out: tuple[int, ...] = ()
        self.automatic = True
        self.vjp_sites: dict[Any, DiffSite] = {}
        self.result_type: Any = tuple
        self.strided_rule = False
        self.memory: Callable[..., Any] | None = None
        self.lazy_memory = False
        self.keeps_residuals = False
        self._needed: dict[Any, frozenset[int]] = {}

    @property
    def differentiable(self) -> bool:
        """Whether any result can carry a gradient to any input."""
        return any(self.diff_in) and any(self.diff_out)

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool],
    ) -> list[Any]:  # fmt: skip
        """Cotangents of the inputs that ``needs`` names; see :meth:`Binding.backward`."""
        return automatic_backward(self.fn, self.in_avals, self.out_avals, arrays, numbers, cts, needs)

    def vjp_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> DiffSite:
        """Site of the derivative: inputs are the saved inputs, the saved results and the given cotangents."""
        key = (needs, given)
        found = self.vjp_sites.get(key)
        if found is None:
            found = self.vjp_sites[key] = self._make_vjp_site(needs, given)
        return found

    def _make_vjp_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> DiffSite:
        saves_in, saves_out, n_in, n_out = self.saves_in, self.saves_out, self.n_in, self.n_out
        n_saved = len(saves_in) + len(saves_out)
        n_arrays = n_saved + sum(given)

        def fn(*args: Any) -> list[Any]:
            arrays: list[Any] = [None] * n_in
            results: list[Any] = [None] * n_out
            for i, x in zip(saves_in, args, strict=False):
                arrays[i] = x
            for k, x in zip(saves_out, args[len(saves_in) : n_saved], strict=True):
                results[k] = x
            cts: list[Any] = [None] * n_out
            flowing = iter(args[n_saved:n_arrays])
            for k, g in enumerate(given):
                if g:
                    cts[k] = next(flowing)
            return self.backward(arrays, args[n_arrays:], results, cts, needs)

        in_avals = (
            *(self.in_avals[i] for i in saves_in),
            *(self.out_avals[k] for k in saves_out),
            *(a for a, g in zip(self.out_avals, given, strict=True) if g),
        )
        where = self.recorder.place
        if where.kind == "trace":
            in_avals = tuple(aval(a.shape, a.dtype, where) for a in in_avals)
        out_avals = tuple(aval(a.shape, a.dtype, where) for a, need in zip(self.in_avals, needs, strict=True) if need)
        mask = "".join("1" if x else "0" for x in (*needs, *given))
        label = None if self.label is None else f"{self.label}~{mask}"
        base = self.grad_name[:-1] if self.grad_name[-1:].isdigit() else self.grad_name
        return DiffSite(
            fn, in_avals, self.number_kinds, out_avals, f"{self.name}~vjp", label, f"{base}Backward0", where
        )

    def reads(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> frozenset[int]:
        """Which of the saved inputs and results (numbered in that order) the derivative really reads.

        Found by tracing it once; asked only when a saved value was changed in place since.
        """
        key = (needs, given)
        found = self._needed.get(key)
        if found is None:
            found = self._needed[key] = self._trace_reads(needs, given)
        return found

    def _trace_reads(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> frozenset[int]:
        import jax

        site = self.vjp_site(needs, given)
        specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in site.in_avals]
        specs += [jax.ShapeDtypeStruct((), NUMBER_DTYPE[k]) for k in site.number_kinds]
        with jax.enable_x64(True):
            jaxpr = jax.make_jaxpr(site.fn)(*specs).jaxpr
        wanted = {v for v in jaxpr.outvars if not hasattr(v, "val")}
        for eqn in reversed(jaxpr.eqns):
            if any(v in wanted for v in eqn.outvars):
                wanted.update(v for v in eqn.invars if not hasattr(v, "val"))
        n = len(self.saves_in) + len(self.saves_out)
        return frozenset(i for i, v in enumerate(jaxpr.invars[:n]) if v in wanted)


NUMBER_DTYPE = {"f": np.float64, "i": np.int64, "b": np.int64, "c": np.complex128}


def automatic_backward(
    fn: Callable[..., Sequence[Any]], in_avals: Sequence[Aval], out_avals: Sequence[Aval], arrays: Sequence[Any],
    numbers: Sequence[Any], cts: Sequence[Any], needs: Sequence[bool],
) -> list[Any]:  # fmt: skip
    """``jax.vjp`` of ``fn`` in PyTorch's convention for complex numbers."""
    import jax
    import jax.numpy as jnp

    differentiable = inexact(out_avals)
    used = [k for k, d in enumerate(differentiable) if d and cts[k] is not None]

    def primal(*wanted: Any) -> list[Any]:
        given = iter(wanted)
        values = fn(*[next(given) if need else x for x, need in zip(arrays, needs, strict=True)], *numbers)
        return [values[k] for k in used]

    _, pull = jax.vjp(primal, *[x for x, need in zip(arrays, needs, strict=True) if need])
    grads = pull([jnp.conj(cts[k]) if out_avals[k].dtype.kind == "c" else cts[k] for k in used])
    return [jnp.conj(g) if g.dtype.kind == "c" else g for g in grads]


class OpSite(DiffSite):
    """A call of a declared op."""

    __slots__ = ("binding", "op", "result_specs", "without_slope")

    def __init__(
        self, op: Op, binding: Binding, in_avals: tuple[Aval, ...], number_kinds: str, out_avals: tuple[Aval, ...],
        label: str | None, grad_name: str, where: Place,
    ) -> None:  # fmt: skip
        n = len(in_avals)

        def fn(*args: Any) -> list[Any]:
            return binding.run(args[:n], args[n:])

        super().__init__(fn, in_avals, number_kinds, out_avals, op.name, label, grad_name, where)
        self.op = op
        self.binding = binding
        self.result_specs = specs_of(out_avals)
        self.strided_rule = op.pointwise
        self.memory = op.memory
        self.lazy_memory = hasattr(op.memory, "only_strided")
        self.fast = self.fast and (op.memory is None or self.lazy_memory)
        flat_names = [
            p.name
            for p, t in zip(op.tensor_params, binding.tensors, strict=True)
            for x in (t if isinstance(t, list) else [t])
            if isinstance(x, ArraySpec)
        ]
        self.without_slope = [op.without_slope.get(name) for name in flat_names] if op.without_slope else None
        if op.differentiable is False:
            self.diff_in = (False,) * n
        elif isinstance(op.differentiable, tuple):
            allowed = op.differentiable
            self.diff_in = tuple(d and name in allowed for d, name in zip(self.diff_in, flat_names, strict=True))
        if op.vjp_needs is not None:
            self.automatic = False
            self.saves_in = tuple(i for i, name in enumerate(flat_names) if name in op.vjp_needs)
            saves_result = "result" in op.vjp_needs or "results" in op.vjp_needs
            self.saves_out = (
                () if not saves_result else tuple(range(len(out_avals))) if "results" in op.vjp_needs else (0,)
            )

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool],
    ) -> list[Any]:  # fmt: skip
        return self.binding.backward(arrays, numbers, results, cts, needs, self.result_specs)

    def _make_vjp_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> DiffSite:
        for text, need in zip(self.without_slope or (), needs, strict=False):
            if need and text is not None:
                raise NotImplementedError(text)
        return super()._make_vjp_site(needs, given)


class ResidualSite(Site):
    """An op whose forward also returns what its derivative needs, so that nothing is computed again.

    ``jax.vjp`` of the op runs in the forward; the leaves of its pullback are further results.
    """

    __slots__ = ("_pulls", "base", "treedef")

    def __init__(self, base: DiffSite) -> None:
        import jax

        self.base = base
        self.treedef: Any = None
        n, n_out = base.n_in, base.n_out
        differentiable = base.diff_in

        def fn(*args: Any) -> list[Any]:
            held, numbers = args[:n], args[n:]

            def primal(*wanted: Any) -> list[Any]:
                given = iter(wanted)
                return list(
                    base.fn(*[next(given) if d else x for d, x in zip(differentiable, held, strict=True)], *numbers)
                )

            values, pull = jax.vjp(primal, *[x for d, x in zip(differentiable, held, strict=True) if d])
            leaves, treedef = jax.tree.flatten(pull)
            self.treedef = treedef
            return [*values, *leaves]

        specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in base.in_avals]
        specs += [jax.ShapeDtypeStruct((), NUMBER_DTYPE[k]) for k in base.number_kinds]
        with jax.enable_x64(True):
            made = jax.eval_shape(fn, *specs)
        where = base.recorder.place
        hidden = tuple(aval(tuple(r.shape), r.dtype, where) for r in made[n_out:])
        label = None if base.label is None else f"{base.label}+residuals"
        super().__init__(fn, base.in_avals, base.number_kinds, (*base.out_avals, *hidden), base.name, label, where)
        self.single = False
        self._pulls: dict[Any, Site] = {}

    def pull_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> Site:
        """Site of the derivative: inputs are the hidden results and the given cotangents."""
        key = (needs, given)
        found = self._pulls.get(key)
        if found is None:
            found = self._pulls[key] = self._make_pull_site(needs, given)
        return found

    def _make_pull_site(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> Site:
        import jax
        import jax.numpy as jnp

        base, treedef = self.base, self.treedef
        n_hidden = self.n_out - base.n_out
        avals = base.out_avals

        def fn(*args: Any) -> list[Any]:
            pull = jax.tree.unflatten(treedef, args[:n_hidden])
            flowing = iter(args[n_hidden:])
            cts = [next(flowing) if g else jnp.zeros(a.shape, a.dtype) for g, a in zip(given, avals, strict=True)]
            grads = iter(pull([jnp.conj(c) if c.dtype.kind == "c" else c for c in cts]))
            by_input = [next(grads) if d else None for d in base.diff_in]
            taken = [g for g, need in zip(by_input, needs, strict=True) if need]
            return [jnp.conj(g) if g.dtype.kind == "c" else g for g in taken]

        in_avals = (*self.out_avals[base.n_out :], *(a for a, g in zip(avals, given, strict=True) if g))
        where = base.recorder.place
        out_avals = tuple(aval(a.shape, a.dtype, where) for a, need in zip(base.in_avals, needs, strict=True) if need)
        mask = "".join("1" if x else "0" for x in (*needs, *given))
        label = None if self.label is None else f"{self.label}~{mask}"
        return Site(fn, in_avals, "", out_avals, f"{base.name}~pull", label, where)


def promoter(operands: list[tuple[Any, int]], to_float: bool) -> np.dtype[Any]:
    """PyTorch's promotion for :class:`Binding`."""
    listed = [
        (dtypes.number_dtype(d) if isinstance(d, str) else dtypes.from_numpy_dtype(d), rank) for d, rank in operands
    ]
    found = dtypes.result_dtype(listed)
    if to_float and dtypes.category(found) < 2:
        found = dtypes.get_default_dtype()
    return dtypes.to_numpy_dtype(found)


_pointwise_dtypes: dict[Any, tuple[Any, ...]] = {}


def infer(
    op: Op, binding: Binding, in_avals: Sequence[Aval], kinds: str, key: Any, label: str | None
) -> shapes.Results:
    """Shapes and dtypes of the results, by abstract evaluation at the user's call or from an earlier run.

    Args:
        key: the arguments but for the shapes, hashable.
        label: stable text of the arguments but for the inputs' shapes and dtypes; None: nothing is kept for other runs.
    """
    if label is None:
        return _evaluate(op, binding, in_avals, kinds, key)
    text = f"{label}{kinds}{[(a.shape, a.dtype.name) for a in in_avals]}"
    found = shapes.recall(text)
    if found is None:
        found = _evaluate(op, binding, in_avals, kinds, key)
        shapes.remember(text, found)
    return found


def _evaluate(op: Op, binding: Binding, in_avals: Sequence[Aval], kinds: str, key: Any) -> shapes.Results:
    import jax

    n = len(in_avals)

    def run(*args: Any) -> list[Any]:
        return binding.run(args[:n], args[n:])

    numbers = [jax.ShapeDtypeStruct((), NUMBER_DTYPE[k]) for k in kinds]
    with jax.enable_x64(True):
        if op.pointwise and not any(isinstance(t, list) for t in binding.tensors):
            shape = broadcast([a.shape for a in in_avals]) if in_avals else ()
            small = (op.name, tuple((a.dtype, a.ndim > 0) for a in in_avals), key)
            found = _pointwise_dtypes.get(small)
            if found is None:
                tiny = [jax.ShapeDtypeStruct((1,) * a.ndim, a.dtype) for a in in_avals]
                found = tuple(r.dtype for r in jax.eval_shape(run, *tiny, *numbers))
                _pointwise_dtypes[small] = found
            return [(shape, d) for d in found]
        specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in in_avals]
        return [(tuple(r.shape), r.dtype) for r in jax.eval_shape(run, *specs, *numbers)]


def grad_name(op: Op, arguments: Sequence[Any]) -> str:
    """Name of the backward node of a call."""
    if callable(op.grad_name):
        return op.grad_name(*arguments)
    return op.grad_name or camel(op.base) + "Backward0"


__all__ = ["DiffSite", "OpSite", "automatic_backward", "grad_name", "infer", "promoter", "registry"]
