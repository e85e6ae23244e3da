"""Function transforms below the tape: places whose tensors are batches (``vmap``) or dual numbers (forward mode).

A transform level gives each device place a place on top of it. A tensor there has the shape of one example (or of the
primal), and its node holds the tensors of the place below: the whole batch, or primal and tangent. Recording an op
there records the batched op (or the op and its derivative) below, so everything ends in the ordinary program: it stays
asynchronous, it is compiled and cached by structure, and the tape of the place below goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ..engine.avals import Aval, Place, aval
from ..engine.recorder import Node
from . import dispatch
from .modes import modes
from .sites import DiffSite
from .tape import GradNode, _sequence, accumulator

BATCH = "batch"
DUAL = "dual"


# -- levels and places -------------------------------------------------------------------------------------------------


class Level:
    """A transform that runs now in this thread.

    Attributes:
        kind: ``BATCH`` or ``DUAL``.
        size: of the batch.
        randomness: ``"error"``, ``"different"`` or ``"same"``.
        below: whether the tape below records; None follows this thread's grad mode.
        taped: the tapes of this place and of the one below are one (forward AD, where dual tensors are plain tensors).
    """

    def __init__(self, kind: str, size: int = 0, randomness: str = "same", taped: bool = False) -> None:
        self.kind = kind
        self.size = size
        self.randomness = randomness
        self.below: bool | None = None
        self.taped = taped
        self.depth = len(modes.transforms) + 1

    def __enter__(self) -> Level:
        modes.transforms = (*modes.transforms, self)
        return self

    def __exit__(self, *args: object) -> None:
        modes.transforms = tuple(x for x in modes.transforms if x is not self)

    def place(self, where: Place) -> TransformPlace:
        """This level's place for a device (or for any place on it)."""
        return top_place(device_of(where), self.depth)  # type: ignore[return-value]


def common_size(sizes: Sequence[int]) -> int:
    """The number of examples in a batch, from the sizes of all mapped dims.

    Raises:
        ValueError: there is none, or they differ.
    """
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(s != sizes[0] for s in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped "
            "dimension"
        )
    return sizes[0]


class TransformPlace(Place):
    """The place of one level on top of another place. Interned by :func:`_place_on`."""

    __slots__ = ("base", "depth", "level_kind", "lifted", "size")

    def __init__(self, base: Place, kind: str, size: int) -> None:
        super().__init__(base.type, base.index, "transform")
        self.base = base
        self.level_kind = kind
        self.size = size
        self.depth: int = getattr(base, "depth", 0) + 1
        self.lifted: dict[Any, DiffSite] = {}
        from .transformed_sites import BatchRecorder, DualRecorder

        self.recorder = BatchRecorder(self) if kind == BATCH else DualRecorder(self)

    def __repr__(self) -> str:
        return f"{self.base!r}/{self.level_kind}{self.size or ''}"


_places: dict[tuple[Place, str, int], TransformPlace] = {}
_places_lock = threading.Lock()


def _place_on(base: Place, kind: str, size: int) -> TransformPlace:
    key = (base, kind, size)
    found = _places.get(key)
    if found is None:
        with _places_lock:
            found = _places.get(key) or _places.setdefault(key, TransformPlace(base, kind, size))
    return found


def device_of(where: Place) -> Place:
    """The place without any transform."""
    while isinstance(where, TransformPlace):
        where = where.base
    return where


def top_place(where: Place, depth: int | None = None) -> Place:
    """The place of the innermost level (or of the first ``depth`` levels) on a device place."""
    for level in modes.transforms[:depth]:
        where = _place_on(where, level.kind, level.size)
    return where


def level_of(where: TransformPlace) -> Level | None:
    """The running level that a place belongs to; None after its end."""
    stack = modes.transforms
    if where.depth <= len(stack):
        level = stack[where.depth - 1]
        if level.kind == where.level_kind and level.size == where.size:
            return level
    return None


def _is_below(low: Place, high: Place) -> bool:
    """Whether ``high`` is ``low`` with transforms on top (or ``low`` itself)."""
    while high is not low:
        if not isinstance(high, TransformPlace):
            return False
        high = high.base
    return True


def meet(places: Any) -> Place:
    """The place where an op on inputs of these places happens: the deepest one."""
    return max((p for p in places if p.kind == "transform"), key=lambda p: p.depth)  # type: ignore[no-any-return]


# -- tensors of two places ---------------------------------------------------------------------------------------------


class Lifted(Node):
    """The value of a tensor in a transform place.

    ``held`` is (tensor below, whether it has the batch dim in front), or (primal below, tangent below or None).
    """

    __slots__ = ("held",)

    def __init__(self, a: Aval, held: tuple[Any, Any]) -> None:
        super().__init__(a)
        self.held = held


def snapshot(t: Any) -> Any:
    """The present value of a tensor with its place in the graph: later in-place changes of ``t`` do not reach it."""
    made = dispatch.wrap(t._sync())
    if t._strides is not None:
        made._strides = made._storage.strides = t._strides
    if t._requires_grad:
        fn = t._grad_fn
        made._requires_grad = True
        if fn is None:
            from weakref import ref

            fn = accumulator(t)
            made._acc = ref(fn)
            made._leaf_node = fn
        else:
            made._grad_fn, made._output_nr = fn, t._output_nr
    return made


def unlinked(t: Any) -> Any:
    """The present value of a tensor without its place in this place's graph (graphs below are kept)."""
    made = dispatch.wrap(t._sync())
    if t._strides is not None:
        made._strides = made._storage.strides = t._strides
    return made


def held_of(node: Any) -> tuple[Any, Any]:
    """What a node of a transform place holds."""
    if isinstance(node, Lifted):
        return node.held
    a = node.aval
    where = a.place
    below = Node(aval(a.shape, a.dtype, where.base), node.value)
    if isinstance(where.base, TransformPlace):
        below = Lifted(below.aval, held_of(below))
    return dispatch.wrap(below), (False if where.level_kind == BATCH else None)


def put(where: TransformPlace, shape: tuple[int, ...], below: Any, extra: Any) -> Any:
    """A tensor of a transform place that holds ``(below, extra)``."""
    return dispatch.wrap(Lifted(aval(shape, below._aval.dtype, where), (below, extra)))


class CrossingNode(GradNode):
    """Where gradients of a dual tensor go on to the tensor it was made of."""

    def __init__(self, below: Any, a: Aval) -> None:
        fn = below._grad_fn
        self._edges = ((fn, below._output_nr) if fn is not None else (accumulator(below), 0),)
        self._seq = _sequence()
        self._out_avals = (a,)

    def name(self) -> str:
        return "AliasBackward0"

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        return [buffer[0]]


def lift(t: Any, where: Place) -> Any:
    """A tensor in a place on top of its own: the same for every example, or without tangent."""
    have = t._aval.place
    if have is where:
        return t
    while not _is_below(have, where):
        t = _lower(t)
        have = t._aval.place
    if have is where:
        return t
    assert isinstance(where, TransformPlace)
    below = snapshot(lift(t, where.base))
    out = put(where, below._aval.shape, below, False if where.level_kind == BATCH else None)
    if below._strides is not None:
        out._strides = out._storage.strides = below._strides
    link(out, below)
    return out


def link(out: Any, below: Any) -> None:
    """Where a level shares the tape below, make gradients of ``out`` go to ``below``."""
    level = level_of(out._aval.place)
    if level is not None and level.taped and below._requires_grad and modes.grad:
        out._grad_fn, out._requires_grad = CrossingNode(below, out._aval), True


def _lower(t: Any) -> Any:
    """A tensor of a level that has ended (or of another branch), one level down."""
    where = t._aval.place
    if not isinstance(where, TransformPlace):
        raise RuntimeError("this tensor was made inside another function transform, which cannot see the tensors here")
    below, extra = held_of(t._sync())
    if where.level_kind == BATCH and extra:
        raise RuntimeError("a tensor of a vmap that has ended (or of another one) cannot be used here")
    return below


def primal_of(t: Any) -> Any:
    """The value of a tensor below all dual levels; batches stay.

    Raises:
        RuntimeError: below a dual level lies a batch.
    """
    while isinstance(t._aval.place, TransformPlace):
        below, extra = held_of(t._sync())
        if t._aval.place.level_kind == BATCH and extra:
            break
        t = below
    return t


def transfer(t: Any, where: Place) -> Any:
    """A tensor moved to a place, where one of the two is a transform's."""
    have = t._aval.place
    if isinstance(where, TransformPlace):
        if device_of(have) is not device_of(where):
            t = (
                dispatch.Tensor._to_place(t, device_of(where))
                if have.kind == "device"
                else transfer(t, device_of(where))
            )
        return lift(t, where)
    if where is device_of(have):
        return t
    below, extra = held_of(t._sync())
    moved = below._to_place(where)
    if have.level_kind == DUAL and extra is not None:
        extra = extra._to_place(where)
    return put(_place_on(moved._aval.place, have.level_kind, have.size), t._aval.shape, snapshot(moved), extra)


ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, please "
    "try to rewrite what you're doing with other operations. If error is occurring somewhere inside PyTorch internals, "
    "please file a bug report."
)


CONTROL_FLOW = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet, "
    "please file an issue at https://github.com/pytorch/pytorch/issues ."
)
NO_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage"
MASK = (
    "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with a "
    "boolean mask."
)
DYNAMIC = (
    "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::{}. Please file an "
    "issue at https://github.com/pytorch/pytorch/issues if you need this feature."
)


def readable(t: Any, error: str) -> Any:
    """The tensor whose values a host read of ``t`` returns.

    Raises:
        RuntimeError: it is a batch, whose examples have different values.
    """
    found = primal_of(t)
    if found._aval.place.kind == "transform":
        raise RuntimeError(error)
    return found


def host_array(t: Any) -> Any:
    """The values for an op that works on the host, whose name is in the error where ``t`` is a batch."""
    found = primal_of(t)
    if found._aval.place.kind != "transform":
        return found._host_array()
    import sys

    caller = sys._getframe(2).f_code.co_name
    raise RuntimeError(MASK if caller == "parse" else DYNAMIC.format(caller.strip("_")))


def shown(t: Any) -> str | None:
    """How a tensor of a transform prints; None for one that prints as usual."""
    where = t._aval.place
    if modes.grad_scopes and t.requires_grad:
        return _boxed("GradTrackingTensor", modes.grad_scopes + len(modes.transforms), "", unlinked(t))
    if not isinstance(where, TransformPlace):
        return None
    below, extra = held_of(t._sync())
    if where.level_kind == BATCH:
        return _boxed("BatchedTensor", where.depth, " bdim=0,", below) if extra else repr(below)
    level = level_of(where)
    if level is None or not level.taped:
        return _boxed("GradTrackingTensor", where.depth, "", below)
    if extra is None:
        return repr(below)
    from .printing import tensor_repr

    return tensor_repr(below, more=(f"tangent={extra}",))


def _boxed(name: str, level: int, notes: str, inner: Any) -> str:
    lines = repr(inner).replace("\n", "\n    ")
    return f"{name}(lvl={level},{notes} value=\n    {lines}\n)"


class _DetachSite(DiffSite):
    """The identity that leaves every graph below."""

    __slots__ = ("differentiable", "layout_statics", "op")


_detach_sites: dict[Aval, _DetachSite] = {}


def detach(t: Any) -> Any:
    """``t.detach()`` in a transform place: a view whose value has no graph, here and below, and no tangent."""
    made = object.__new__(dispatch.Tensor)
    if t._view is not None:
        t._sync_versions()
    made._alias_of(t)
    made._view = (*(t._view or ()), (_detach_site(t._aval), ()))
    made._vversion, made._vnode = -1, None
    made._gversion = t._storage.gversion
    made._shadow = t._shadow
    return made


def _detach_site(a: Aval) -> _DetachSite:
    site = _detach_sites.get(a)
    if site is None:
        site = _detach_sites[a] = _DetachSite(lambda x: [x], (a,), "", (a,), "detach", "detach", None, a.place)
        site.differentiable = False
        site.layout_statics = ()
        site.op = _Identity
    return site


class _Identity:
    """What views ask of a view's op."""

    name = "detach"
    write_body = None
    sites: dict[Any, Any] = {}


# -- in-place on tensors of a lower place ------------------------------------------------------------------------------


def adopt(target: Any, where: Place) -> None:
    """Make the lower tensor ``target`` one of ``where``, before values of that place are written into it.

    Raises:
        RuntimeError: the place is a batch: one tensor cannot take different values for each example.
    """
    p = where
    while p is not target._aval.place:
        if not isinstance(p, TransformPlace):
            raise RuntimeError("a tensor of an ended function transform cannot be changed in place here")
        if p.level_kind == BATCH:
            raise RuntimeError(
                "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
                "extra_args that has more elements than `self`. This happened due to `other` being vmapped over but `self` not "
                "being vmapped over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic. If said "
                "operator is being called inside the PyTorch framework, please file a bug report instead."
            )
        p = p.base
    root = target if target._view is None or target._base is None else target._base
    storage = root._storage
    whole = root if root._view is None else _root_of(root)
    lifted = lift(whole, where)
    storage.node = lifted._storage.node
    storage.aval = lifted._aval
    storage.host = None
    storage.version += 1
    for t in {id(root): root, id(target): target}.values():
        _rebase(t, lifted, where)


def _root_of(t: Any) -> Any:
    made = object.__new__(dispatch.Tensor)
    made._storage, made._aval = t._storage, t._storage.aval
    return made


def follow(t: Any) -> None:
    """Bring a view up to date whose base became a tensor of a transform."""
    _rebase(t, _root_of(t), t._storage.aval.place)


def _rebase(t: Any, lifted: Any, where: Place) -> None:
    """Give a tensor (a view or the base) the avals of the place its storage moved to."""
    chain = t._view
    a = lifted._aval
    if chain is None:
        t._aval = a
        t._requires_grad, t._grad_fn, t._output_nr = lifted._requires_grad, lifted._grad_fn, 0
        return
    made = []
    for site, numbers in chain:
        if isinstance(site, _DetachSite):
            made.append((_detach_site(a), ()))
            continue
        key = (site.layout_statics, a, len(numbers))
        moved = site.op.sites.get(key) or dispatch.make_site(
            site.op, (dispatch.wrap(Node(a)),), tuple(numbers), site.layout_statics, key
        )
        made.append((moved, numbers))
        a = moved.out_aval
    t._view, t._aval = tuple(made), a
    t._vversion, t._vnode = -1, None
    t._gversion = -1


__all__ = [
    "BATCH", "CONTROL_FLOW", "DUAL", "ITEM", "NO_STORAGE", "Level", "Lifted", "TransformPlace", "adopt", "common_size", "detach",
    "held_of", "lift", "link", "meet", "primal_of",
    "put", "readable", "snapshot", "top_place", "transfer", "unlinked",
]  # fmt: skip
