"""``torch.autograd.graph``: edges of the graph, hooks on what is saved, hooks on several tensors' gradients."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

from ..tensor import dispatch
from ..tensor.modes import modes, update_watch
from ..tensor.tape import GradNode, OpGradNode
from ..tensor.tape import GradNode as Node
from ..tensor.tensor import Tensor
from ..utils.hooks import RemovableHandle


class GradientEdge(NamedTuple):
    """A place in the graph: the gradient of one output of a node."""

    node: GradNode
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where gradients of a tensor go.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    from .engine import edge_of

    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*edge)


# -- hooks on saved tensors --------------------------------------------------------------------------------------------

Hooks = tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]


class saved_tensors_hooks:
    """Inside the block each tensor saved for the backward is stored as ``pack_hook(tensor)``.

    Args:
        pack_hook: makes anything of a tensor; must not change it in place.
        unpack_hook: makes the tensor of that thing again, when the backward needs it.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> Any:
        if _disabled.message is not None:
            raise RuntimeError(_disabled.message)
        modes.saved_hooks = (*modes.saved_hooks, (self.pack_hook, self.unpack_hook))
        update_watch()
        return None

    def __exit__(self, *args: object) -> None:
        modes.saved_hooks = modes.saved_hooks[:-1]
        update_watch()


class _Disabled(threading.local):
    message: str | None = None


_disabled = _Disabled()


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside the block, using saved-tensor hooks raises ``RuntimeError(error_message)``."""
    previous = _disabled.message
    if modes.saved_hooks:
        raise RuntimeError(error_message)
    _disabled.message = error_message
    try:
        yield
    finally:
        _disabled.message = previous


class save_on_cpu(saved_tensors_hooks):
    """Inside the block what is saved for the backward waits in host memory.

    Args:
        pin_memory: accepted; transfers need no pinned memory here.
        device_type: the accelerator that pinning would be for.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack_to_cpu(tensor: Tensor) -> tuple[Any, Tensor]:
            return tensor.device, tensor.cpu()

        def unpack_from_cpu(packed: tuple[Any, Tensor]) -> Tensor:
            device, tensor = packed
            return tensor.to(device, non_blocking=pin_memory)

        super().__init__(pack_to_cpu, unpack_from_cpu)


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """Inside the block tensors that were saved for the backward may be changed in place: the old values are used."""

    def __init__(self) -> None:
        self._open = False

        def unpack_value(node: Any) -> Tensor:
            if not self._open:
                raise RuntimeError(
                    "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                    "originally recorded."
                )
            made: Tensor = dispatch.wrap(node)
            return made

        super().__init__(lambda tensor: tensor._sync(), unpack_value)

    def __enter__(self) -> None:
        super().__enter__()
        self._open = True

    def __exit__(self, *args: object) -> None:
        self._open = False
        super().__exit__(*args)


def pack(tensor: Tensor) -> tuple[Any, Callable[[Any], Tensor]]:
    """A tensor packed by the innermost hooks: (packed thing, unpack hook)."""
    innermost: Any = modes.saved_hooks[-1]
    pack_hook, unpack_hook = innermost
    return _pack_by(pack_hook, unpack_hook, tensor)


def _pack_by(pack_hook: Any, unpack_hook: Any, tensor: Tensor) -> tuple[Any, Callable[[Any], Tensor]]:
    counter, grad, stack = tensor._storage.counter, modes.grad, modes.saved_hooks
    modes.grad, modes.saved_hooks = False, ()
    try:
        packed = pack_hook(tensor)
    finally:
        modes.grad, modes.saved_hooks = grad, stack
    if tensor._storage.counter != counter:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
            "modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need "
            "to perform in-place operations on the input to a pack hook."
        )
    return packed, unpack_hook


def unpacked(hooked: tuple[Any, Callable[[Any], Tensor]]) -> Tensor:
    """The tensor of a packed thing, outside the graph.

    Raises:
        TypeError: the unpack hook returned no tensor.
    """
    packed, unpack_hook = hooked
    grad = modes.grad
    modes.grad = False
    try:
        t = unpack_hook(packed)
    finally:
        modes.grad = grad
    if not isinstance(t, Tensor):
        raise TypeError(
            f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
        )
    return t.detach()


def pack_saved(node: OpGradNode) -> None:
    """Put everything a new node saved through the innermost hooks."""
    for s in (*node.saved, *node.saved_out):
        if isinstance(s.node, dispatch.Node):
            s.hooked = pack(dispatch.wrap(s.node))
            s.node = None


def watch(node: OpGradNode, inputs: Sequence[Tensor]) -> None:
    """What :func:`~torchax_lite.tensor.tape.attach` asks for besides: hooks, traces, the rule on inference tensors."""
    if any(inputs[i]._inference for i in node.site.saves_in):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
            "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it "
            "in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
        )
    if modes.saved_hooks:
        pack_saved(node)
    if modes.anomaly:
        from .anomaly_mode import note_forward

        note_forward(node)


class SavedTensor:
    """What a node saved, before it is unpacked; ``register_hooks`` packs it."""

    def __init__(self, node: OpGradNode, saved: Any) -> None:
        self._node = node
        self._saved = saved

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Pack the saved tensor now by ``pack_hook``; the backward gets it back by ``unpack_hook``.

        Raises:
            TypeError: a hook cannot be called.
            RuntimeError: the graph was freed, or hooks are there already.
        """
        if not callable(pack_hook) or not callable(unpack_hook):
            raise TypeError("register_hooks(): incompatible function arguments: two functions are expected")
        if self._node.freed:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the graph "
                "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                "through the graph a second time or if you need to access saved variables after calling backward."
            )
        s = self._saved
        if s.hooked is not None:
            raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set.")
        s.hooked = _pack_by(pack_hook, unpack_hook, dispatch.wrap(s.node))
        s.node = None


def raw_saved(node: OpGradNode, name: str) -> SavedTensor:
    """``grad_fn._raw_saved_self`` and the like."""
    from .saved import saved_slot

    found = None if node.freed else saved_slot(node, name)
    if found is None and not node.freed:
        raise AttributeError(f"'{node.name()}' object has no attribute '_raw_saved_{name}'")
    return SavedTensor(node, found)


# -- hooks on several gradients ----------------------------------------------------------------------------------------


class _MultiHandle(RemovableHandle):
    """Removes all of several handles."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> Any:
        return self.handles

    def __setstate__(self, state: Any) -> None:
        self.handles = state


_running = threading.local()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call ``fn`` once a backward when the gradients of ``tensors`` are there.

    Args:
        tensors: tensors that require grad.
        fn: for ``"all"`` called with a sequence of gradients, None where this backward gives none; for ``"any"`` with the
            first gradient that comes.
        mode: ``"all"`` or ``"any"``.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    nodes: list[GradNode] = []
    for t in tensors:
        if not t.requires_grad:
            raise AssertionError("Expected gradient function to be set")
        nodes.append(get_gradient_edge(t).node)
    lock = threading.Lock()
    counts: dict[Any, int] = {}
    received: dict[Any, list[Any]] = {}
    expected: dict[Any, int] = {}
    called: WeakSet[Any] = WeakSet()

    def all_hook(index: int, grad: Tensor) -> None:
        from .engine import current_pass

        task = current_pass()
        with lock:
            counts[task] = counts.get(task, 0) + 1
            if task not in received:
                received[task] = [None] * len(tensors)
                expected[task] = sum(task.reaches(n) for n in nodes)
                task.at_end.append(lambda: [d.pop(task, None) for d in (counts, received, expected)])
            received[task][index] = grad
            done = counts[task] == expected[task]
        if done:
            fn(received[task])

    def any_hook(grad: Tensor) -> None:
        from .engine import current_pass

        task = current_pass()
        with lock:
            if task in called:
                return
            called.add(task)
        fn(grad)

    if mode == "all":
        return _MultiHandle([t.register_hook(functools.partial(all_hook, i)) for i, t in enumerate(tensors)])
    return _MultiHandle([t.register_hook(any_hook) for t in tensors])


class region_activation_memory_budget:
    """How much of a compiled region's activations to keep, as a ratio; XLA plans memory of whole programs by itself.

    Raises:
        ValueError: a budget outside [0, 1]. TypeError: no number. RuntimeError: on entering, outside of a compiled region.
    """

    def __init__(self, budget: float) -> None:
        name = "torch.autograd.graph.region_activation_memory_budget"
        if isinstance(budget, bool) or not isinstance(budget, (int, float)):
            raise TypeError(f"{name}: expects a float, got {type(budget).__name__}")
        if not 0 <= budget <= 1:
            raise ValueError(f"{name}: must be in [0, 1], got {budget}")
        self.budget = budget

    def __enter__(self) -> None:
        raise RuntimeError(
            "torch.autograd.graph.region_activation_memory_budget can only be used inside a torch.compile region; it has no "
            "effect in eager mode."
        )

    def __exit__(self, *args: object) -> None:
        pass


def set_override_stale_capture_stream(enabled: bool) -> None:
    """A switch of CUDA graph capture, which does not exist here: programs are XLA's. Only the type is checked."""
    _need_bool(enabled)


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """A switch of a warning about CUDA streams, which autograd here never mixes. Only the type is checked."""
    _need_bool(enabled)


def _need_bool(enabled: Any) -> None:
    if not isinstance(enabled, bool):
        raise RuntimeError(f"enabled must be a bool, but got {type(enabled).__name__}")


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change of the values that autograd could not see, so that its checks do."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        if t._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        t._storage.counter += 1


__all__ = [
    "GradientEdge", "Node", "SavedTensor", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
    "get_gradient_edge", "increment_version", "region_activation_memory_budget", "register_multi_grad_hook", "save_on_cpu",
    "saved_tensors_hooks", "set_override_stale_capture_stream", "set_warn_on_accumulate_grad_stream_mismatch",
]  # fmt: skip
