"""Handles for registered hooks, and the machinery behind full module-backward hooks."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """The registration of one hook: ``remove()``, or leaving its ``with`` block, takes the hook away.

    Args:
        hooks_dict: the dictionary, by hook id, that holds the hook. It is held weakly.
        extra_dict: a dictionary, or a list of them, whose entry for the same id goes away too.
    """

    id: int
    next_id: int = 0
    _ids = itertools.count()

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = next(RemovableHandle._ids)
        RemovableHandle.next_id = self.id + 1
        if extra_dict is None:
            extras = []
        elif isinstance(extra_dict, list):
            extras = extra_dict
        else:
            extras = [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(extra) for extra in extras)

    def remove(self) -> None:
        """Unregister the hook; a second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, extras = state[0], state[1], state[2] if len(state) > 2 else ()
        # A handle whose dictionary is gone points at a fresh one, which dies at once.
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if extra is None else extra) for extra in extras)
        while RemovableHandle.next_id <= self.id:
            RemovableHandle.next_id = next(RemovableHandle._ids) + 1

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        self.remove()


def add_hook(hooks: Any, hook: Callable, extra: Any = None, prepend: bool = False) -> RemovableHandle:
    """Put ``hook`` into the dictionary ``hooks``, at its end or with ``prepend`` first; return its registration."""
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def unserializable_hook(f: Callable) -> Callable:
    """Mark ``f``: a tensor that carries it as a hook is saved without a warning that the hook is not."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn for each backward hook of ``tensor`` that is not marked by :func:`unserializable_hook`."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate "
                "the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


_identity_function: Any = None


def _hook_function() -> Any:
    """The identity autograd function whose node carries the hooks; made at first use."""
    global _identity_function
    if _identity_function is None:
        from torchax_lite.autograd import Function

        class BackwardHookFunction(Function):  # type: ignore[valid-type]
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.mark_non_differentiable(*[tensor for tensor in tensors if not tensor.requires_grad])
                return tensors

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                return grads

        _identity_function = BackwardHookFunction
    return _identity_function


def _is_tensor(value: Any) -> bool:
    from torchax_lite import Tensor

    return isinstance(value, Tensor)


class BackwardHook:
    """Calls a module's full backward hooks around the part of the graph that its forward recorded.

    The module's tensor inputs and its tensor outputs each pass through one identity node. The node of the outputs
    tells, before it runs, the gradients with respect to the outputs (and runs the pre-hooks); the node of the inputs
    tells, after it ran, those with respect to the inputs (and runs the hooks). An argument that is no tensor stands
    as ``None`` in the tuples that hooks see.
    """

    def __init__(self, module: Any, user_hooks: Sequence[Callable], user_pre_hooks: Sequence[Callable]) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.n_inputs = 0
        self.n_outputs = 0
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    @staticmethod
    def _spread(indices: Sequence[int], values: Sequence[Any], size: int) -> tuple[Any, ...]:
        full = [None] * size
        for index, value in zip(indices, values, strict=True):
            full[index] = value
        return tuple(full)

    def _through_identity(self, attach: Callable[[Any], None], args: tuple) -> tuple[tuple, list[int] | None]:
        """Pass the tensors of ``args`` through one identity node and ``attach`` hooks to it.

        Where nothing needs a gradient, ``args`` is returned unchanged, with no indices.
        """
        import torchax_lite as torch

        indices = [index for index, arg in enumerate(args) if _is_tensor(arg)]
        tensors = [args[index] for index in indices]
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return args, None
        passed = _hook_function().apply(*tensors)
        if not passed:
            raise RuntimeError("Cannot set Module backward hook for a Module with no input Tensors.")
        attach(next(t.grad_fn for t in passed if t.grad_fn is not None))
        new_args = list(args)
        for index, tensor in zip(indices, passed, strict=True):
            new_args[index] = tensor
        if hasattr(type(args), "_fields"):  # a named tuple
            return type(args)(*new_args), indices
        return type(args)(new_args), indices

    def _set_user_hook(self, grad_fn: Any) -> None:
        def hook(grad_input: Sequence[Any], _: Any) -> tuple[Any, ...] | None:
            if self.grad_outputs is None:
                # The outputs took no part in this backward pass.
                return None
            assert self.input_tensors_index is not None
            grads = self._spread(self.input_tensors_index, grad_input, self.n_inputs)
            for user_hook in self.user_hooks:
                result = user_hook(self.module, grads, self.grad_outputs)
                if result is None:
                    continue
                if _is_tensor(result):
                    result = (result,)
                if len(result) != len(grads):
                    raise RuntimeError(
                        "Backward hook returned an invalid number of grad_input, "
                        f"got {len(result)}, but expected {len(grads)}"
                    )
                grads = tuple(result)
            self.grad_outputs = None
            return tuple(grads[index] for index in self.input_tensors_index)

        grad_fn.register_hook(hook)

    def _run_hooks_without_inputs(self) -> None:
        """Run the hooks once the outputs' gradients are known: no input requires a gradient."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook "  # noqa: E501
            "for more details.",
            stacklevel=5,
        )
        grad_inputs = (None,) * self.n_inputs
        for user_hook in self.user_hooks:
            result = user_hook(self.module, grad_inputs, self.grad_outputs)
            if result is not None and not (isinstance(result, tuple) and all(item is None for item in result)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or "
                    "None for all gradients."
                )
        self.grad_outputs = None

    def setup_input_hook(self, args: tuple) -> tuple:
        """``args`` with its tensors passed through the node that reports the inputs' gradients."""
        self.n_inputs = len(args)
        new_args, self.input_tensors_index = self._through_identity(self._set_user_hook, args)
        return new_args

    def setup_output_hook(self, args: Any) -> Any:
        """A forward's result, its tensors passed through the node that reports the outputs' gradients."""

        def attach(grad_fn: Any) -> None:
            def pre_hook(grad_output: Sequence[Any]) -> tuple[Any, ...] | None:
                assert self.output_tensors_index is not None
                self.grad_outputs = self._spread(self.output_tensors_index, grad_output, self.n_outputs)
                for user_pre_hook in self.user_pre_hooks:
                    result = user_pre_hook(self.module, self.grad_outputs)
                    if result is None:
                        continue
                    if _is_tensor(result):
                        result = (result,)
                    actual, expected = len(result), len(self.grad_outputs)
                    if actual != expected:
                        raise RuntimeError(
                            "Backward pre hook returned an invalid number of grad_output, "
                            f"got {actual}, but expected {expected}"
                        )
                    self.grad_outputs = tuple(result)
                grads = self.grad_outputs
                if self.input_tensors_index is None:
                    self._run_hooks_without_inputs()
                return tuple(grads[index] for index in self.output_tensors_index)

            grad_fn.register_prehook(pre_hook)

        single = _is_tensor(args)
        outputs = (args,) if single else args
        self.n_outputs = len(outputs)
        new_outputs, self.output_tensors_index = self._through_identity(attach, outputs)
        return new_outputs[0] if single else new_outputs
