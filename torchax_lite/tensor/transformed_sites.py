"""Sites and recorders of places under function transforms: what ``vmap`` and forward mode make of an op."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.avals import Aval, Place, aval
from ..engine.recorder import Site
from . import dispatch
from .modes import modes
from .sites import DiffSite, OpSite
from .transforms import BATCH, ITEM, Lifted, TransformPlace, _DetachSite, held_of, level_of, lift, unlinked

# -- sites on other places ---------------------------------------------------------------------------------------------


def has_rule(site: Any) -> bool:
    """Whether an op declares its own derivative."""
    if isinstance(site, MovedSite):
        return has_rule(site.inner)
    return isinstance(site, OpSite) and site.op.vjp_body is not None


def _vmapped(fn: Callable[..., Any], in_axes: Sequence[int | None], size: int) -> Callable[..., Any]:
    """``jax.vmap``, or a loop where JAX has no batching rule for something in ``fn``."""

    def run(*args: Any) -> Any:
        import jax

        try:
            return jax.vmap(fn, in_axes=tuple(in_axes), axis_size=size)(*args)
        except NotImplementedError:

            def one(taken: list[Any]) -> Any:
                given = iter(taken)
                return fn(*[x if axis is None else next(given) for x, axis in zip(args, in_axes, strict=True)])

            return jax.lax.map(one, [x for x, axis in zip(args, in_axes, strict=True) if axis == 0])

    return run


class MovedSite(DiffSite):
    """A site in another place; with ``flags`` that name a batched input, over the whole batch.

    Attributes:
        inner: the site of one example.
        flags: which inputs have the batch dim in front.
    """

    __slots__ = ("batched", "flags", "inner", "size")

    def __init__(self, inner: Site, where: Place, flags: Sequence[bool], size: int = 0) -> None:
        self.inner = inner
        self.flags = tuple(flags)
        self.size = size
        self.batched = batched = any(flags)

        def moved(a: Aval, batch: bool) -> Aval:
            return aval((size, *a.shape) if batch else a.shape, a.dtype, where)

        fn, label = inner.fn, inner.label
        if batched:
            numbers = (None,) * len(inner.number_kinds)
            fn = _vmapped(fn, [0 if f else None for f in flags] + list(numbers), size)
            if label is not None:
                label = f"{label}*{''.join('1' if f else '0' for f in flags)}"
        super().__init__(
            fn, tuple(moved(a, f) for a, f in zip(inner.in_avals, flags, strict=True)), inner.number_kinds,
            tuple(moved(a, batched) for a in inner.out_avals), inner.name, label, getattr(inner, "grad_name", None), where,
        )  # fmt: skip
        self.result_type = list
        if isinstance(inner, DiffSite):
            self.diff_in, self.diff_out = inner.diff_in, inner.diff_out
            self.saves_in, self.saves_out = inner.saves_in, inner.saves_out
            self.automatic = inner.automatic

    def backward(
        self, arrays: Sequence[Any], numbers: Sequence[Any], results: Sequence[Any], cts: Sequence[Any],
        needs: Sequence[bool],
    ) -> list[Any]:  # fmt: skip
        inner = self.inner
        assert isinstance(inner, DiffSite)
        if not self.batched:
            return inner.backward(arrays, numbers, results, cts, needs)
        groups = (list(arrays), list(results), list(cts))
        axes = [0 if f else None for f in self.flags] + [0] * (len(groups[1]) + len(groups[2]))
        everything = [*groups[0], *groups[1], *groups[2]]
        present = [i for i, x in enumerate(everything) if x is not None]
        n, m = len(groups[0]), len(groups[1])

        def one(*given: Any) -> list[Any]:
            full: list[Any] = [None] * len(everything)
            for i, x in zip(present, given, strict=True):
                full[i] = x
            return inner.backward(full[:n], numbers, full[n : n + m], full[n + m :], needs)

        grads = _vmapped(one, [axes[i] for i in present], self.size)(*[everything[i] for i in present])
        wanted = [f for f, need in zip(self.flags, needs, strict=True) if need]
        return [g if f else g.sum(0) for g, f in zip(grads, wanted, strict=True)]


class JvpSite(DiffSite):
    """Tangents of a site's results from its inputs and the tangents of those that ``mask`` names."""

    __slots__ = ("inner", "made")

    def __init__(self, inner: DiffSite, mask: tuple[bool, ...]) -> None:
        self.inner = inner
        self.made = made = tuple(k for k, d in enumerate(inner.diff_out) if d)
        where = inner.recorder.place
        n = inner.n_in
        moving = [i for i, m in enumerate(mask) if m]
        by_rule = has_rule(inner)

        def fn(*args: Any) -> list[Any]:
            primals, tangents, numbers = args[:n], args[n : n + len(moving)], args[n + len(moving) :]
            if by_rule:
                return _transposed(inner, primals, tangents, numbers, mask, made)
            import jax

            def primal(*moved: Any) -> list[Any]:
                given = iter(moved)
                values = inner.fn(*[next(given) if m else x for x, m in zip(primals, mask, strict=True)], *numbers)
                return [values[k] for k in made]

            try:
                return list(jax.jvp(primal, [primals[i] for i in moving], list(tangents))[1])
            except TypeError as error:  # JAX has no forward mode through a body with a reverse rule of its own
                if "custom_vjp" not in str(error):
                    raise
                return _transposed(inner, primals, tangents, numbers, mask, made)

        bits = "".join("1" if m else "0" for m in mask)
        label = None if inner.label is None else f"{inner.label}@{bits}"
        super().__init__(
            fn, (*inner.in_avals, *(inner.in_avals[i] for i in moving)), inner.number_kinds,
            tuple(inner.out_avals[k] for k in made), f"{inner.name}~jvp", label, inner.grad_name, where,
        )  # fmt: skip
        self.result_type = list


def _transposed(
    site: DiffSite, primals: Sequence[Any], tangents: Sequence[Any], numbers: Sequence[Any], mask: Sequence[bool],
    made: Sequence[int],
) -> list[Any]:  # fmt: skip
    """Forward mode by transposing an op's own derivative, so that both modes agree at kinks and ties."""
    import jax
    import jax.numpy as jnp

    results = list(site.fn(*primals, *numbers))

    def back(*cts: Any) -> list[Any]:
        full: list[Any] = [None] * len(results)
        for k, ct in zip(made, cts, strict=True):
            full[k] = ct
        return site.backward(primals, numbers, results, full, mask)

    def conj(x: Any) -> Any:
        return jnp.conj(x) if x.dtype.kind == "c" else x

    _, pull = jax.vjp(back, *[jnp.zeros(results[k].shape, results[k].dtype) for k in made])
    return [conj(t) for t in pull([conj(t) for t in tangents])]


# -- recorders ---------------------------------------------------------------------------------------------------------


class _TransformRecorder:
    """Recording in a transform place records below, at once."""

    eager = True
    n_ops = 0
    tape = False

    def __init__(self, where: TransformPlace) -> None:
        self.place = where
        self.lock = threading.RLock()

    @property
    def updated(self) -> bool:
        """Whether a parameter was changed in place: never asked here, the place below cuts where it must."""
        return False

    @updated.setter
    def updated(self, value: bool) -> None:
        pass

    def flush(self, cause: str) -> None:
        """Values are asked for on the host.

        Raises:
            RuntimeError: always; whoever may read them reads the tensors below.
        """
        raise RuntimeError(ITEM)

    def record(self, site: Any, nodes: Sequence[Any], numbers: Sequence[Any] = ()) -> Any:
        """The site's results, made below."""
        where = self.place
        held = [held_of(n if n.aval.place is where else lift(dispatch.wrap(n), where)._sync()) for n in nodes]
        if isinstance(site, _DetachSite):
            below, extra = held[0]
            return Lifted(site.out_aval, (unlinked(below.detach()), extra if where.level_kind == BATCH else None))
        level = level_of(where)
        grad = modes.grad
        if level is not None and level.below is not None:
            modes.grad = level.below
        try:
            made = self._record(site, held, list(numbers))
        finally:
            modes.grad = grad
        results = [Lifted(a, h) for a, h in zip(site.out_avals, made, strict=True)]
        return results[0] if site.single else results

    def _record(self, site: Any, held: Sequence[tuple[Any, Any]], numbers: list[Any]) -> list[tuple[Any, Any]]:
        raise NotImplementedError

    def _moved(self, site: Any, flags: tuple[bool, ...]) -> DiffSite:
        """The site below; on a device place with no batch, an op's own site where one is known is not looked for."""
        where = self.place
        key = (site.id, flags)
        found = where.lifted.get(key)
        if found is None:
            found = where.lifted[key] = MovedSite(site, where.base, flags, where.size)
        return found


def run_below(site: Any, tensors: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
    """Record a site on tensors of its own place, on the tape too; always a list."""
    nodes = [t._sync() for t in tensors]
    made = dispatch.finish(site, list(tensors), nodes, list(numbers), any(t._requires_grad for t in tensors), False)
    return [made] if site.single else list(made)


class BatchRecorder(_TransformRecorder):
    """Recorder of a batch: ops become ``jax.vmap`` of themselves below."""

    def _record(self, site: Any, held: Sequence[tuple[Any, Any]], numbers: list[Any]) -> list[tuple[Any, Any]]:
        flags = tuple(bool(f) for _, f in held)
        batched = any(flags)
        return [(t, batched) for t in run_below(self._moved(site, flags), [t for t, _ in held], numbers)]


class DualRecorder(_TransformRecorder):
    """Recorder of dual numbers: each op is recorded below together with the derivative along the tangents."""

    def _record(self, site: Any, held: Sequence[tuple[Any, Any]], numbers: list[Any]) -> list[tuple[Any, Any]]:
        below = self._moved(site, (False,) * len(held))
        primals = [p for p, _ in held]
        values = run_below(below, primals, numbers)
        tangents: list[Any] = [None] * len(values)
        if modes.forward_grad and level_of(self.place) is not None and isinstance(site, DiffSite):
            mask = tuple(t is not None and d for (_, t), d in zip(held, site.diff_in, strict=True))
            if any(mask) and any(site.diff_out):
                moved = self._jvp(below, mask)
                moving = [t for (_, t), m in zip(held, mask, strict=True) if m]
                for k, t in zip(moved.made, run_below(moved, [*primals, *moving], numbers), strict=True):
                    tangents[k] = t
        return list(zip(values, tangents, strict=True))

    def _jvp(self, site: DiffSite, mask: tuple[bool, ...]) -> JvpSite:
        key = ("jvp", site.id, mask)
        found = self.place.lifted.get(key)
        if found is None:
            found = self.place.lifted[key] = JvpSite(site, mask)
        return found  # type: ignore[return-value]


# -- backward through graphs of a lower place --------------------------------------------------------------------------


def run_op_in(
    node: Any, cts: Sequence[Any], needs: tuple[bool, ...], given: tuple[bool, ...], where: Place
) -> list[Any]:
    """Gradients of an op of a lower place for cotangents of ``where`` (a batch of them, or dual ones)."""
    from ..autograd import saved

    inner = node.site.vjp_site(needs, given)
    site = _site_in(inner, where)
    flat = [saved.unpack(node, k) for k in range(len(node.saved))]
    flat += [saved.unpack_result(node, k) for k in range(len(node.saved_out))]
    flat = [lift(t, where) for t in (*flat, *cts)]
    return run_below(site, flat, list(node.numbers))


_sites_in: dict[Any, DiffSite] = {}


def _site_in(site: Any, where: Place) -> DiffSite:
    key = (site.id, where)
    found = _sites_in.get(key)
    if found is None:
        found = _sites_in[key] = MovedSite(site, where, (False,) * site.n_in)
    return found
