"""``torch.utils.checkpoint``: regions whose intermediate values are computed again in the backward, not kept.

The recomputation is recorded like any other computation. Its inputs go through a barrier that waits for the gradient
which made it necessary (``utils/_recompute.py``), so that it is done late and not merged with the forward, also where
forward and backward are one compiled program.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import torchax_lite as torch

from ..autograd.engine import current_pass
from ..autograd.graph import pack, saved_tensors_hooks, unpacked
from ..autograd.saved import version_error
from ..tensor import dispatch, op_interception
from ..tensor.modes import modes
from ..tensor.tensor import Tensor
from ._recompute import fresh_inputs
from ._selective import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
    tensors_in,
)
from ._surroundings import DefaultDeviceType, Surroundings, get_device_states, map_tensors, set_device_states

__all__ = [
    "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType", "GraphExecGroup",
    "SAC_IGNORED_OPS", "SelectiveCheckpointContext", "check_backward_validity", "checkpoint", "checkpoint_sequential",
    "create_selective_checkpoint_contexts", "detach_variable", "get_device_states", "noop_context_fn",
    "set_checkpoint_debug_enabled", "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip


class CheckpointError(RuntimeError):
    """A recomputation that does not repeat its forward."""


# -- use_reentrant=True ------------------------------------------------------------------------------------------------


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leaves with the values of the tensors among ``inputs``, which require grad where those do.

    Raises:
        RuntimeError: ``inputs`` is no tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: ", type(inputs).__name__)
    return tuple(t.detach().requires_grad_(t.requires_grad) if isinstance(t, Tensor) else t for t in inputs)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no tensor among the inputs requires grad."""
    if not any(t.requires_grad for t in inputs if isinstance(t, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3)


class CheckpointFunction(torch.autograd.Function):
    """The region as one node of the graph: its forward runs without gradients, its backward repeats it with them."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.surroundings = Surroundings(preserve_rng_state, args)
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with torch.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if not current_pass().full:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        saved = ctx.saved_tensors
        for i, t in zip(ctx.places, fresh_inputs(saved, [g for g in grads if g is not None]), strict=True):
            inputs[i] = t
        with ctx.surroundings.again(), torch.enable_grad():
            outputs = ctx.run_function(*inputs)
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        pairs = [(o, g) for o, g in zip(outputs, grads, strict=False) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        return (None, None, *(t.grad if isinstance(t, Tensor) else None for t in inputs))


# -- use_reentrant=False -----------------------------------------------------------------------------------------------


class _Stop(Exception):
    """Everything that the backward needs has been recomputed."""


class _Switches(threading.local):
    early_stop = True
    debug: bool | None = None
    group: GraphExecGroup | None = None


_switches = _Switches()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside the block, regions stop (or not) their recomputation as soon as the backward has what it needs."""
    before, _switches.early_stop = _switches.early_stop, enable
    try:
        yield
    finally:
        _switches.early_stop = before


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Inside the block, ``debug`` of all regions; None leaves it to each."""
    before, _switches.debug = _switches.debug, enabled
    try:
        yield
    finally:
        _switches.debug = before


class GraphExecGroup:
    """Context manager: backward passes inside it share one recomputation of each region.

    They must go through parts of the graph that do not overlap.
    """

    def __enter__(self) -> GraphExecGroup:
        if _switches.group is not None:
            raise RuntimeError("GraphExecGroup contexts cannot be nested.")
        _switches.group = self
        return self

    def __exit__(self, *exc: object) -> None:
        _switches.group = None

    @classmethod
    def _get_current_group(cls) -> GraphExecGroup | None:
        return _switches.group


class _Holder:
    """What the graph keeps in place of a saved tensor: a number in its region."""

    __slots__ = ("__weakref__", "index", "used")

    def __init__(self, index: int) -> None:
        self.index = index
        self.used: set[Any] = set()


def _metadata(x: Tensor) -> dict[str, Any]:
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


_CHECKS: dict[str, Callable[[Tensor], Any]] = {"default": _metadata, "none": lambda _: None}
_TIP = (
    "\n\nTip: To see a more detailed error message, either pass `debug=True` to\n"
    "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
    "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to\n"
    "enable checkpoint-debug mode globally.\n"
)


class _Argument:
    """A tensor argument of a region until its recomputation, through the saved-tensor hooks around the region."""

    def __init__(self, tensor: Tensor) -> None:
        self.requires_grad = tensor._requires_grad
        self.counter = tensor._storage.counter
        self.hooked = pack(tensor) if modes.saved_hooks else None
        self.tensor = tensor if self.hooked is None else None

    def get(self) -> Tensor:
        """The tensor.

        Raises:
            RuntimeError: it was changed in place since.
        """
        if self.hooked is not None:
            t = unpacked(self.hooked)
            t._requires_grad = self.requires_grad
            return t
        assert self.tensor is not None
        t = self.tensor
        if t._storage.counter != self.counter:
            made_by = None if t.grad_fn is None else (t.grad_fn, t._output_nr)
            raise RuntimeError(version_error(t._aval, t._storage.counter, self.counter, made_by))
        return t


class _Region:
    """One checkpointed call: how to repeat it, and what has been recomputed for which backward pass."""

    def __init__(
        self, function: Callable[..., Any], args: Any, kwargs: Any, surroundings: Surroundings, early_stop: bool,
        metadata: Callable[[Tensor], Any], recompute_context: contextlib.AbstractContextManager[Any], log: _Log | None,
    ) -> None:  # fmt: skip
        self.function = function
        self.surroundings = surroundings
        self.arguments: list[_Argument] = []
        self.template = map_tensors((args, kwargs), self._keep)
        self.early_stop = early_stop
        self.metadata = metadata
        self.recompute_context = recompute_context
        self.log = log
        self.holders: list[ReferenceType[_Holder]] = []
        self.metadatas: list[Any] = []
        self.complete = False
        self.cotangents: list[Tensor] = []
        self.recomputed: WeakKeyDictionary[Any, dict[int, Tensor]] = WeakKeyDictionary()
        self.counts: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def _keep(self, t: Tensor) -> _Argument:
        self.arguments.append(_Argument(t))
        return self.arguments[-1]

    # Hooks of the forward.

    def pack(self, x: Tensor) -> _Holder:
        """Keep nothing of a tensor that the forward saves but its number."""
        holder = _Holder(len(self.holders))
        self.holders.append(ref(holder))
        if not self.complete:
            self.metadatas.append(self.metadata(x))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """The recomputed tensor; the first one needed in a backward pass makes the region run again."""
        group = _task()
        if group not in self.recomputed:
            self._recompute(group)
            try:
                self._check(group)
            except CheckpointError as error:
                if self.log is None:
                    raise
                raise CheckpointError(self.log.text(str(error))) from error
        if group in holder.used:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you "
                "are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an issue "
                "with details on your use case."
            )
        held = self.recomputed[group]
        if holder.index not in held:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {self.counts[group]}.{_TIP}"
            )
        holder.used.add(group)
        return held.pop(holder.index)

    # Recomputation.

    def _recompute(self, group: Any) -> None:
        tensors = [a.get() for a in self.arguments]
        fresh = iter(fresh_inputs(tensors, self.cotangents))
        self.cotangents = []
        args, kwargs = _fill(self.template, fresh)
        found: dict[int, Tensor] = {}
        self.recomputed[group] = found
        self.counts[group] = 0
        total = len(self.holders)

        def keep(x: Tensor) -> Any:
            index = self.counts[group]
            self.counts[group] = index + 1
            if index >= total:
                raise CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                    f"forward pass.{_TIP}"
                )
            if self.holders[index]() is not None:
                found[index] = x.detach()
            if self.early_stop and index + 1 == total:
                raise _Stop
            return x.detach()

        stop_log = contextlib.nullcontext() if self.log is None else self.log.recording("recompute")
        try:
            with (
                self.surroundings.again(), saved_tensors_hooks(keep, lambda x: x), torch.enable_grad(),
                stop_log, self.recompute_context,
            ):  # fmt: skip
                self.function(*args, **kwargs)
        except _Stop:
            pass

    def _check(self, group: Any) -> None:
        """Compare what was recomputed with what the forward saved.

        Raises:
            CheckpointError: its number, or a shape, dtype or device, differs.
        """
        if self.counts[group] != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {self.counts[group]}.{_TIP}"
            )
        wrong = []
        for index, tensor in sorted(self.recomputed[group].items()):
            before, now = self.metadatas[index], self.metadata(tensor)
            if before != now:
                wrong.append(f"tensor at position {index}:\nsaved metadata: {before}\nrecomputed metadata: {now}")
        if wrong:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                "during the forward pass.\n" + "\n".join(wrong) + f"\n.{_TIP}"
            )

    def watch_outputs(self, outputs: Any) -> None:
        """Let the gradients of the region's results come before its recomputation."""
        me = ref(self)

        def note(grads: Sequence[Tensor | None]) -> None:
            region = me()
            if region is not None:
                region.cotangents = [g for g in grads if g is not None]

        for node in {t._grad_fn for t in tensors_in(outputs) if t._grad_fn is not None}:
            node.register_prehook(note)


def _fill(template: Any, values: Iterator[Tensor]) -> Any:
    if isinstance(template, _Argument):
        return next(values)
    if isinstance(template, (list, tuple)):
        items = [_fill(v, values) for v in template]
        return type(template)(*items) if hasattr(template, "_fields") else type(template)(items)
    if isinstance(template, dict):
        return type(template)((k, _fill(v, values)) for k, v in template.items())
    return template


class _Outside:
    """Stands for a backward pass where saved tensors are asked for without one."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()


def _task() -> Any:
    """The backward pass (or group of passes) that recomputed tensors are for."""
    if _switches.group is not None:
        return _switches.group
    try:
        return current_pass()
    except IndexError:
        return _Outside()


class _Log:
    """The ops of a region's forward and recomputation, for the error text of ``debug=True``."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {"original": [], "recompute": []}

    @contextlib.contextmanager
    def recording(self, phase: str) -> Iterator[None]:
        """Write down the ops that run inside the block."""
        from ..engine.observe import user_line

        lines = self.lines[phase]

        def handler(op: Any, tensors: Any, scalars: Any, statics: Any) -> Any:
            shown = ", ".join(f"{t.dtype}{list(t.shape)}" for t in tensors_in(list(tensors)))
            lines.append(f"{op.name}({shown})    {user_line()}")
            return dispatch.call(op, tensors, scalars, statics)

        op_interception.push(handler)
        try:
            yield
        finally:
            op_interception.pop(handler)

    def text(self, error: str) -> str:
        """The error with both lists of ops."""
        parts = [" An error happened while unpacking tensors; dumping logs of latest computation"]
        parts.append("because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`.")
        for phase, lines in self.lines.items():
            parts += ["", f"Operators that ran in the {phase}:", *(f"  {line}" for line in lines)]
        return "\n".join([*parts, "", error])


def noop_context_fn() -> tuple[contextlib.AbstractContextManager[None], contextlib.AbstractContextManager[None]]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]]] = noop_context_fn,
    determinism_check: str = "default", debug: bool = False, early_stop: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """``function(*args, **kwargs)``, with what its backward needs computed again then rather than kept.

    Args:
        function: does the same when it is called again.
        use_reentrant: True makes one node of the graph of the region (gradients only of tensors among ``args``, only
            through whole backward passes); False records it as usual and repeats it when the first saved tensor is
            needed. To be given explicitly.
        context_fn: gives the contexts of the forward and of the recomputation.
        determinism_check: ``"default"`` compares shapes, dtypes and devices; ``"none"`` nothing.
        debug: list the ops of both runs in the error of a failed check.
        early_stop: end the recomputation as soon as everything needed is there.
        preserve_rng_state: repeat the region with the same random numbers (default True).

    Raises:
        ValueError: unknown or unsuitable options. CheckpointError: in the backward, for a failed check.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but "
            "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}")
    debug = debug if _switches.debug is None else _switches.debug
    forward_context, recompute_context = context_fn()
    if not modes.grad:
        with forward_context:
            return function(*args, **kwargs)
    log = _Log() if debug else None
    region = _Region(
        function, args, kwargs, Surroundings(preserve, args), early_stop and _switches.early_stop,
        _CHECKS[determinism_check], recompute_context, log,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        stack.enter_context(saved_tensors_hooks(region.pack, region.unpack))
        if log is not None:
            stack.enter_context(log.recording("original"))
        stack.enter_context(forward_context)
        outputs = function(*args, **kwargs)
    region.complete = True
    region.watch_outputs(outputs)
    return outputs


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The modules of a sequence applied in turn, all segments but the last as checkpointed regions.

    Args:
        functions: a ``Sequential`` or an iterable of callables.
        segments: number of regions.
        input: of the first function.
        use_reentrant: see :func:`checkpoint`.
        preserve_rng_state: see :func:`checkpoint`.

    Raises:
        ValueError: other keyword arguments.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is recommended, "
            "but if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs "
            "for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if isinstance(functions, torch.nn.Sequential) else list(functions)

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return forward

    size = len(steps) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(end, len(steps))(input)
