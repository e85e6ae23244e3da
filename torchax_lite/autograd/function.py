"""Custom differentiable functions: ``Function`` with its own ``forward`` and ``backward``."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ..tensor import dispatch
from ..tensor.modes import modes
from ..tensor.tape import AccumulateGrad, GradNode, _sequence, accumulator
from ..tensor.tensor import Tensor
from ..tensor.view_rules import FUNCTION
from .grad_mode import no_grad


class FunctionCtx:
    """What ``forward`` tells ``backward``, and about its results."""

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (inputs, results, others) for ``backward``, which finds them in ``saved_tensors``."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``jvp``.

        Raises:
            TypeError: one of them is neither a tensor nor None.
        """
        for tensor in tensors:
            if not (isinstance(tensor, Tensor) or tensor is None):
                raise TypeError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs ``forward`` changed in place; each must be among its results."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which results have no gradient; ``backward`` gets zeros for them."""
        self.non_differentiable = args

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Nothing: sharing of memory between inputs and results is seen by itself."""
        warnings.warn(
            "mark_shared_storage is deprecated. Tensors with shared storages are automatically tracked. Note that calls to "
            "`set_()` are not tracked",
            FutureWarning,
            stacklevel=2,
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (the default) or None for results that nothing came back for."""
        self.materialize_grads = value


class _Saved:
    """One tensor kept by a custom function: the tensor itself, or its value for a result of the function."""

    __slots__ = ("counter", "edge", "hooked", "output", "requires_grad", "tensor")

    def __init__(self, tensor: Tensor, node: FunctionNode) -> None:
        self.requires_grad = tensor._requires_grad
        self.output = tensor._output_nr if tensor._grad_fn is node else -1
        self.counter = tensor._storage.counter
        self.hooked: Any = None
        self.edge: Any = None
        if modes.saved_hooks:
            from .graph import pack

            if self.requires_grad and self.output < 0:
                fn = tensor._grad_fn
                self.edge = (fn, tensor._output_nr) if fn is not None else (accumulator(tensor), 0)
            self.hooked = pack(tensor if self.output < 0 else tensor.detach())
            self.tensor: Any = None
        else:
            self.tensor = tensor if self.output < 0 else tensor.detach()

    def unpack(self, node: FunctionNode) -> Tensor:
        """The tensor with its place in the graph.

        Raises:
            RuntimeError: it was changed in place since.
        """
        from .saved import place_in_graph, version_error

        if self.hooked is not None:
            from .graph import unpacked

            t = unpacked(self.hooked)
            edge = (node, self.output) if self.output >= 0 else self.edge
            if edge is not None:
                place_in_graph(t, edge)
            return t
        tensor = self.tensor
        if tensor._storage.counter != self.counter and not tensor._inference:
            fn = node if self.output >= 0 else tensor.grad_fn
            made_by = None if fn is None else (fn, self.output if self.output >= 0 else tensor._output_nr)
            raise RuntimeError(version_error(tensor._aval, tensor._storage.counter, self.counter, made_by))
        if self.output < 0:
            return tensor  # type: ignore[no-any-return]
        t = tensor.detach()
        place_in_graph(t, (node, self.output))
        return t


class FunctionNode(GradNode, FunctionCtx):
    """``grad_fn`` of a custom function's results, and the ``ctx`` of its ``forward`` and ``backward``.

    Attributes:
        needs_input_grad: for each argument of ``apply``, whether it is a tensor that requires grad.
    """

    _forward_cls: type[Function]
    needs_input_grad: tuple[bool, ...] = ()
    to_save: Any = None
    dirty_tensors: Any = None
    non_differentiable: Any = None
    materialize_grads = True
    saved_for_forward: Any = None
    _is_tensor_input: tuple[bool, ...] = ()
    _in_avals: tuple[Any, ...] = ()
    _kept: tuple[_Saved | None, ...] = ()
    _freed = False
    _runs_empty = True

    def __init__(self) -> None:
        self._seq = _sequence()
        self._edges = ()

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was given to ``save_for_backward`` (in ``jvp``: to ``save_for_forward``).

        Raises:
            RuntimeError: the graph was freed, or a saved tensor was changed in place.
        """
        if self.saved_for_forward is not None:
            return self.saved_for_forward  # type: ignore[no-any-return]
        if self._freed:
            from .saved import FREED

            raise RuntimeError(FREED)
        return tuple(None if s is None else s.unpack(self) for s in self._kept)

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """The old name of ``saved_tensors``."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    def _save(self) -> None:
        kept = []
        for i, t in enumerate(self.to_save or ()):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
            kept.append(None if t is None else _Saved(t, self))
        self._kept = tuple(kept)
        self.to_save = None

    def _release(self) -> None:
        self._freed = True
        self._kept = ()

    def apply(self, *args: Any) -> Any:
        """What the function's own ``backward`` (or ``vjp``) returns for gradients of the results."""
        return self._user_backward()(self, *args)

    def apply_boxed(self, *args: Any) -> Any:
        """:meth:`apply` with the list of gradients as the one argument."""
        return self._user_backward()(self, *args)

    def apply_jvp(self, *args: Any) -> Any:
        """What the function's own ``jvp`` returns for tangents of the arguments."""
        return self._forward_cls.jvp(self, *args)

    def _user_backward(self) -> Callable[..., Any]:
        cls = self._forward_cls
        has_vjp = cls.vjp is not Function.vjp
        if has_vjp and cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of "
                "them."
            )
        return cls.vjp if has_vjp else cls.backward

    def _run(self, buffer: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Gradients of the tensor arguments, by the user's ``backward``, checked."""
        grads: list[Any] = list(buffer)
        if self.materialize_grads:
            grads = [
                _zeros(a) if g is None and a is not None else g for g, a in zip(grads, self._out_avals, strict=True)
            ]
        results = self.apply(*grads)
        return self._check(results if isinstance(results, tuple) else (results,))

    def _check(self, results: tuple[Any, ...]) -> list[Tensor | None]:
        n, name = len(self._is_tensor_input), self.name()
        if len(results) > n and all(r is None for r in results[n:]):
            results = results[:n]
        if len(results) != n:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {n}, got {len(results)})"
            )
        made: list[Tensor | None] = []
        for i, (r, is_tensor) in enumerate(zip(results, self._is_tensor_input, strict=True)):
            if not is_tensor:
                if r is not None:
                    raise RuntimeError(
                        f"function {name} returned a gradient different than None at position {i + 1}, but the corresponding "
                        "forward input was not a Variable"
                    )
                continue
            if r is not None and not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__})")
            k = len(made)
            made.append(None if r is None or self._edges[k] is None else _fit(r, self._in_avals[k], name, k))
        return made


BackwardCFunction = FunctionNode


def _zeros(a: Any) -> Tensor:
    from ..tensor.creation import zeros
    from ..tensor.device import from_place

    return zeros(a.shape, dtype=a.ext.dtype, device=from_place(a.place))


def _fit(grad: Tensor, a: Any, name: str, k: int) -> Tensor:
    """A gradient in the shape and dtype of the input: broadcast dims are summed.

    Raises:
        RuntimeError: the shape cannot be the input's, or the device differs.
    """
    if grad._aval is a:
        return grad
    if grad.shape != a.shape:
        wide, lead = grad.shape, len(grad.shape) - len(a.shape)
        if lead < 0 or any(s not in (1, w) for s, w in zip(a.shape, wide[lead:], strict=True)):
            raise RuntimeError(
                f"Function {name} returned an invalid gradient at index {k} - got {list(wide)} but expected shape compatible "
                f"with {list(a.shape)}"
            )
        grad = grad.sum_to_size(a.shape)
    if grad.is_complex() and a.dtype.kind != "c":
        raise RuntimeError(f"Function {name} returned a complex gradient at index {k} for a real input")
    if grad.dtype is not a.ext.dtype:
        grad = grad.to(a.ext.dtype)
    if grad.device != a.ext.device:
        if grad.ndim == 0:
            return grad.to(a.ext.device)
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {k} - expected device {a.ext.device} but got {grad.device}"
        )
    return grad


class FunctionMeta(type):
    """Gives each function the class of its grad nodes, named ``<function>Backward``."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        cls._backward_cls = type(name + "Backward", (FunctionNode,), {"_forward_cls": cls, "__module__": __name__})
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """A differentiable function with a derivative of its own.

    Subclasses define static methods: ``forward(ctx, *args)`` and ``backward(ctx, *grads)``, or ``forward(*args)`` with
    ``setup_context(ctx, inputs, output)``. Use it by ``MyFunction.apply(*args)``.
    """

    _backward_cls: type[FunctionNode]
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{self.__class__} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function "
            "with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The results; with gradients off."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save for ``backward``, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient for each argument of ``forward``, None where there is none."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
            "mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The results' tangents from the tensor arguments' (None for arguments that are no tensors)."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """The results for a whole batch, and where its dim is in them: ``(outputs, out_dims)``.

        ``info`` has ``batch_size`` and ``randomness``, ``in_dims`` the batch's dim of each argument (None: shared).
        """
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call ``forward`` and put the call on the tape."""
        result, node = cls._apply(args, kwargs)
        node.saved_for_forward = None
        return result

    @classmethod
    def _apply(cls, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> tuple[Any, FunctionNode]:
        """The results, and the ``ctx`` of the call."""
        split = cls.setup_context is not Function.setup_context
        if kwargs or split:
            args = _positional(cls.forward, args, kwargs or {}, skip=0 if split else 1)
        node = cls._backward_cls()
        tensors = [a for a in args if isinstance(a, Tensor)]
        node._is_tensor_input = tuple(isinstance(a, Tensor) for a in args)
        node.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recorded = modes.grad and any(node.needs_input_grad)
        where = None
        if modes.transforms or modes.grad_scopes:
            from . import function_transforms

            function_transforms.check(split)
            where = function_transforms.place_of(tensors)
        if recorded:
            node._in_avals = tuple(t._aval for t in tensors)
            node._edges = tuple(_edge(t) for t in tensors)
            if modes.anomaly:
                from .anomaly_mode import note_forward

                note_forward(node)
        if where is not None:
            raw = function_transforms.forward(cls, node, args, split, where)
        else:
            with no_grad():
                if split:
                    raw = cls.forward(*args)
                    cls.setup_context(node, args, raw)
                else:
                    raw = cls.forward(node, *args)
        outs = raw if isinstance(raw, tuple) else (raw,)
        made = _finish(node, tensors, outs, recorded, split)
        node.dirty_tensors = node.non_differentiable = None
        return (tuple(made) if isinstance(raw, tuple) else made[0]), node


def _positional(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], skip: int) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in."""
    bound = inspect.signature(fn).bind(*(None,) * skip, *args, **kwargs)
    bound.apply_defaults()
    return bound.args[skip:]


def _edge(t: Tensor) -> Any:
    if not t._requires_grad:
        return None
    fn = t._grad_fn
    return (fn, t._output_nr) if fn is not None else (accumulator(t), 0)


def _finish(node: FunctionNode, inputs: list[Tensor], outs: tuple[Any, ...], recorded: bool, split: bool) -> list[Any]:
    """Give the results their place in the graph by PyTorch's rules, then save what is to be saved."""
    dirty, fixed = node.dirty_tensors or (), node.non_differentiable or ()
    for t in dirty:
        if not any(t is x for x in inputs):
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated should be "
                "passed to ctx.mark_dirty().",
                stacklevel=3,
            )
        if not any(t is o for o in outs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                "modified inplace must all be outputs of the Function."
            )
    n_tensors = sum(isinstance(o, Tensor) for o in outs)
    made: list[Any] = []
    for k, o in enumerate(outs):
        if not isinstance(o, Tensor):
            made.append(o)
            continue
        is_input = any(o is x for x in inputs)
        is_dirty = any(o is t for t in dirty)
        differentiable = recorded and o._aval.dtype.kind not in "biu" and not any(o is t for t in fixed)
        if is_input and not is_dirty and split and any(o is t for t in node.to_save or ()) and differentiable:
            raise RuntimeError(
                "An input that has been returned as-is as output is being saved for backward. This is not supported if you "
                "override setup_context. You should return and save a view of the input instead, e.g. with x.view_as(x) or "
                "setup ctx inside the forward function itself."
            )
        made.append(_place(node, k, o, is_input, is_dirty, differentiable, n_tensors))
    if recorded:
        node._out_avals = tuple(o._aval if isinstance(o, Tensor) else None for o in made)
        node._save()
    return made


def _place(
    node: FunctionNode, k: int, o: Tensor, is_input: bool, is_dirty: bool, differentiable: bool, n: int
) -> Tensor:
    if not differentiable:
        if is_input and not is_dirty:
            if o._requires_grad:
                return o.detach()
            with no_grad():
                return o.view(o.shape)
        if o._requires_grad and not is_dirty and o._view is None:
            o.detach_()
        return o
    if is_dirty:
        if o._requires_grad and o._grad_fn is None:
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        if o._view is None or o._base is None:
            o._rebase_history(node, k)
            o._storage.gversion += 1
            o._storage.counter += 1
        else:
            if n > 1:
                raise RuntimeError(
                    "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return "
                    "more than one Tensor. This is not supported by the current autograd engine. You should either make sure "
                    "the input is not a view (using .clone() for example) or make your Function only return one Tensor "
                    "(potentially splitting it into two Functions: one doing the inplace that returns a single Tensor and a "
                    "second one that does the other operations)."
                )
            o._storage.counter += 1
            dispatch.rewrite_base(o, node, k)
        return o
    if is_input:
        with no_grad():
            o = o.view(o.shape)
    if o._view is not None:
        o._multi_view = FUNCTION
        o._gversion = o._storage.gversion
    o._requires_grad = True
    o._grad_fn, o._output_nr = node, k
    return o


class Error(GradNode):
    """The end of a graph that may not be differentiated again."""

    def __init__(self, message: str, tensors: Sequence[Tensor], outputs: Sequence[Any]) -> None:
        self._seq = _sequence()
        self._edges = tuple(_edge(t) for t in tensors)
        self._out_avals = tuple(outputs)
        self.message = message

    def _run(self, buffer: Sequence[Any]) -> list[Any]:
        raise RuntimeError(self.message)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``backward`` that cannot itself be differentiated: doing so raises."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        given = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
        if not modes.grad or not given:
            return outputs
        results = outputs if isinstance(outputs, tuple) else (outputs,)
        node = Error(
            "trying to differentiate twice a function that was marked with @once_differentiable",
            given,
            [r._aval if isinstance(r, Tensor) else None for r in results],
        )
        made: list[Any] = []
        for k, r in enumerate(results):
            if isinstance(r, Tensor):
                r = r.detach()
                r._requires_grad, r._grad_fn, r._output_nr = True, node, k
            made.append(r)
        return tuple(made) if isinstance(outputs, tuple) else made[0]

    return wrapper


class InplaceFunction(Function):
    """A :class:`Function` with an ``inplace`` flag; kept for old code."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """Functions with nested arguments and results, of the time before static methods: cannot be applied any more."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "torch.autograd.function.NestedIOFunction is not available; pass flat arguments to a Function"
        )

    def backward(self, *gradients: Any) -> Any:  # type: ignore[override]
        """The gradients by :meth:`backward_extended`."""
        return self.backward_extended(*gradients)

    def forward(self, *args: Any) -> Any:  # type: ignore[override]
        """The results by :meth:`forward_extended`."""
        return self.forward_extended(*args)

    def save_for_backward(self, *args: Any) -> None:
        """Keep nested values for :meth:`backward_extended`."""
        self.to_save = args

    @property
    def saved_tensors(self) -> Any:
        """What was kept."""
        return self.to_save

    def mark_dirty(self, *args: Any, **kwargs: Any) -> None:
        """Say which inputs were changed in place."""
        self.dirty_tensors = (args, kwargs)

    def mark_non_differentiable(self, *args: Any, **kwargs: Any) -> None:
        """Say which results have no gradient."""
        self.non_differentiable = (args, kwargs)

    def forward_extended(self, *input: Any) -> Any:
        """To be written by the user."""
        raise NotImplementedError

    def backward_extended(self, *grad_output: Any) -> Any:
        """To be written by the user."""
        raise NotImplementedError


__all__ = [
    "AccumulateGrad", "BackwardCFunction", "Function", "FunctionCtx", "FunctionMeta", "InplaceFunction",
    "NestedIOFunction", "once_differentiable",
]  # fmt: skip
