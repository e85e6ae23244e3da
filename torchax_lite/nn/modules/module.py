"""``Module``: the base class of all layers and models, and the hooks that apply to every module.

Here is how a module is made, called, pickled and printed. Its other parts: ``_members.py`` (parameters, buffers and
children), ``_conversion.py`` (``to``, ``float``, ``zero_grad``, …) and ``_state_dict.py`` (saving and loading).
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn.modules._conversion import ModuleConversion, _parse_to  # noqa: F401
from torchax_lite.nn.modules._members import (  # noqa: F401
    ModuleMembers,
    _global_buffer_registration_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
    _typename,
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torchax_lite.nn.modules._state_dict import (  # noqa: F401
    _EXTRA_STATE_KEY_SUFFIX,
    ModuleState,
    _IncompatibleKeys,
    _WrappedHook,
)
from torchax_lite.nn.parameter import Parameter
from torchax_lite.utils.hooks import BackwardHook, RemovableHandle, add_hook

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

T = TypeVar("T", bound="Module")


# Hooks that apply to every module ------------------------------------------------------------------------------------

_global_backward_pre_hooks: dict[int, Callable] = OrderedDict()
_global_backward_hooks: dict[int, Callable] = OrderedDict()
_global_is_full_backward_hook: bool | None = None
_global_forward_pre_hooks: dict[int, Callable] = OrderedDict()
_global_forward_hooks: dict[int, Callable] = OrderedDict()
_global_forward_hooks_always_called: dict[int, bool] = OrderedDict()
_global_forward_hooks_with_kwargs: dict[int, bool] = OrderedDict()


def register_module_forward_pre_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's ``forward``; a result replaces the arguments."""
    return add_hook(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., None], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's ``forward``; a result replaces the output.

    Args:
        hook: with ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``.
        with_kwargs: also pass the keyword arguments.
        always_call: call the hook even if ``forward`` raised (the output is then ``None``).
    """
    handle = add_hook(
        _global_forward_hooks, hook, [_global_forward_hooks_with_kwargs, _global_forward_hooks_always_called]
    )
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    return handle


def _set_global_hook_kind(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
            "Please use only one of them."
        )
    _global_is_full_backward_hook = full


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` at every module's last graph node (deprecated kind)."""
    _set_global_hook_kind(False)
    return add_hook(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the gradients of every module's inputs are computed."""
    return add_hook(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` once the gradients of every module's inputs are computed."""
    _set_global_hook_kind(True)
    return add_hook(_global_backward_hooks, hook)


def _has_any_global_hook() -> bool:
    """Whether any hook that surrounds calls is registered for every module."""
    return bool(
        _global_backward_pre_hooks or _global_backward_hooks or _global_forward_hooks or _global_forward_pre_hooks
    )


def _addindent(s_: str, numSpaces: int) -> str:
    """``s_`` with every line but the first indented by ``numSpaces``."""
    first, *rest = s_.split("\n")
    return "\n".join([first, *(" " * numSpaces + line for line in rest)])


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """Compute the module's outputs; every subclass defines its own."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(ModuleConversion, ModuleState, ModuleMembers):
    """The base class of layers and models: parameters, buffers, child modules, and a ``forward``.

    A :class:`~torchax_lite.nn.Parameter`, a :class:`~torchax_lite.nn.Buffer` or a ``Module`` that is assigned as an
    attribute is registered under the attribute's name. ``module(*args)`` calls ``forward(*args)`` with the module's
    hooks around it.

    Attributes:
        training: whether the module is in training mode.
        call_super_init: a class sets this to have ``super().__init__`` called in cooperative inheritance.
    """

    dump_patches: bool = False
    _version: int = 1
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _backward_pre_hooks: dict[int, Callable]
    _backward_hooks: dict[int, Callable]
    _is_full_backward_hook: bool | None
    _forward_hooks: dict[int, Callable]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: dict[int, Callable]
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _state_dict_hooks: dict[int, Callable]
    _state_dict_pre_hooks: dict[int, Callable]
    _load_state_dict_pre_hooks: dict[int, Callable]
    _load_state_dict_post_hooks: dict[int, Callable]
    _modules: dict[str, Module | None]
    call_super_init: bool = False
    _compiled_call_impl: Callable | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        # Straight into __dict__: __setattr__ has to look into the dictionaries made here.
        state = self.__dict__
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        state["_backward_pre_hooks"] = OrderedDict()
        state["_backward_hooks"] = OrderedDict()
        state["_is_full_backward_hook"] = None
        state["_forward_hooks"] = OrderedDict()
        state["_forward_hooks_with_kwargs"] = OrderedDict()
        state["_forward_hooks_always_called"] = OrderedDict()
        state["_forward_pre_hooks"] = OrderedDict()
        state["_forward_pre_hooks_with_kwargs"] = OrderedDict()
        state["_state_dict_hooks"] = OrderedDict()
        state["_state_dict_pre_hooks"] = OrderedDict()
        state["_load_state_dict_pre_hooks"] = OrderedDict()
        state["_load_state_dict_post_hooks"] = OrderedDict()
        state["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward: Callable[..., Any] = _forward_unimplemented

    # Hooks around a call ---------------------------------------------------------------------------------------------

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the gradients of the module's inputs are computed.

        Args:
            hook: its result, if not ``None``, replaces ``grad_output``.
            prepend: run it before the hooks that are registered already.
        """
        return add_hook(self._backward_pre_hooks, hook, prepend=prepend)

    def _set_hook_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` at the last graph node of ``forward`` (deprecated kind)."""
        self._set_hook_kind(False)
        return add_hook(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` once the gradients of the module's inputs are computed.

        Args:
            hook: its result, if not ``None``, replaces ``grad_input`` in what follows.
            prepend: run it before the hooks that are registered already.
        """
        self._set_hook_kind(True)
        return add_hook(self._backward_hooks, hook, prepend=prepend)

    def _get_backward_hooks(self) -> tuple[list[Callable], list[Callable]]:
        """The full and the non-full backward hooks that apply to the module, the global ones first."""
        full: list[Callable] = []
        non_full: list[Callable] = []
        (full if _global_is_full_backward_hook is True else non_full).extend(_global_backward_hooks.values())
        (full if self._is_full_backward_hook is True else non_full).extend(self._backward_hooks.values())
        return full, non_full

    def _get_backward_pre_hooks(self) -> list[Callable]:
        """The full backward pre-hooks that apply to the module, the global ones first."""
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _maybe_warn_non_full_backward_hook(self, inputs: Any, result: Any, grad_fn: Any) -> None:
        """Warn where a non-full hook at ``grad_fn`` cannot report the gradients that its user expects."""
        if not isinstance(result, Tensor) and not (
            isinstance(result, tuple) and all(isinstance(item, Tensor) for item in result)
        ):
            message = "Using non-full backward hooks on a Module that does not return a single Tensor or a tuple of"
            message += " Tensors is deprecated and will be removed in future versions. This hook will be missing some"
            message += " of the grad_output."
        elif not isinstance(inputs, Tensor) and not (
            isinstance(inputs, tuple) and all(isinstance(item, Tensor) for item in inputs)
        ):
            message = "Using non-full backward hooks on a Module that does not take as input a single Tensor or a"
            message += " tuple of Tensors is deprecated and will be removed in future versions. This hook will be"
            message += " missing some of the grad_input."
        elif isinstance(result, tuple) and len(result) > 1:
            message = "Using a non-full backward hook when outputs are generated by different autograd Nodes is"
            message += " deprecated and will be removed in future versions. This hook will be missing some"
            message += " grad_output."
            if len({item.grad_fn for item in result}) == 1:
                return
        else:
            tensors = (inputs,) if isinstance(inputs, Tensor) else inputs
            input_nodes = {item.grad_fn for item in tensors if item.grad_fn is not None}
            next_nodes = {edge[0] for edge in grad_fn.next_functions}
            if input_nodes == next_nodes:
                return
            message = "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated"
            message += " and will be removed in future versions. This hook will be missing some grad_input."
        warnings.warn(
            message + " Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=2,
        )

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; a result replaces the arguments.

        Args:
            hook: with ``with_kwargs`` it is called as ``hook(module, args, kwargs)`` and returns ``None`` or both.
            prepend: run it before the hooks that are registered already.
            with_kwargs: also pass the keyword arguments.
        """
        handle = add_hook(self._forward_pre_hooks, hook, self._forward_pre_hooks_with_kwargs, prepend)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; a result replaces the output.

        Args:
            hook: with ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``.
            prepend: run it before the hooks that are registered already.
            with_kwargs: also pass the keyword arguments.
            always_call: call the hook even if ``forward`` raised (the output is then ``None``).
        """
        extra = [self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        handle = add_hook(self._forward_hooks, hook, extra, prepend)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    # The call --------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``forward(*args, **kwargs)``, with the hooks around it."""
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return self(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if not (
            self._backward_hooks
            or self._backward_pre_hooks
            or self._forward_hooks
            or self._forward_pre_hooks
            or _global_backward_pre_hooks
            or _global_backward_hooks
            or _global_forward_hooks
            or _global_forward_pre_hooks
        ):
            return self.forward(*args, **kwargs)
        called: set[int] = set()
        try:
            return self._call_with_hooks(called, args, kwargs)
        except Exception:
            self._run_always_called_hooks(called, args, kwargs)
            raise

    def _call_with_hooks(self, called: set[int], args: tuple, kwargs: dict[str, Any]) -> Any:
        """``forward`` between its hooks; the ids of the forward hooks that were begun go to ``called``."""
        full_hooks: list[Callable] = []
        non_full_hooks: list[Callable] = []
        pre_hooks: list[Callable] = []
        if self._backward_pre_hooks or _global_backward_pre_hooks:
            pre_hooks = self._get_backward_pre_hooks()
        if self._backward_hooks or _global_backward_hooks:
            full_hooks, non_full_hooks = self._get_backward_hooks()

        args, kwargs = self._run_forward_pre_hooks(args, kwargs)
        backward_hook = None
        if full_hooks or pre_hooks:
            backward_hook = BackwardHook(self, full_hooks, pre_hooks)
            args = backward_hook.setup_input_hook(args)
        result = self.forward(*args, **kwargs)

        for hooks, with_kwargs in (
            (_global_forward_hooks, _global_forward_hooks_with_kwargs),
            (self._forward_hooks, self._forward_hooks_with_kwargs),
        ):
            for hook_id, hook in list(hooks.items()):
                called.add(hook_id)
                if hook_id in with_kwargs:
                    replaced = hook(self, args, kwargs, result)
                else:
                    replaced = hook(self, args, result)
                if replaced is not None:
                    result = replaced

        if backward_hook is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(result)}",
                    stacklevel=3,
                )
            else:
                result = backward_hook.setup_output_hook(result)
        if non_full_hooks:
            self._attach_non_full_hooks(non_full_hooks, args, result)
        return result

    def _run_forward_pre_hooks(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        for hook_id, hook in [*_global_forward_pre_hooks.items(), *self._forward_pre_hooks.items()]:
            if hook_id in self._forward_pre_hooks_with_kwargs:
                replaced = hook(self, args, kwargs)
                if replaced is not None:
                    if not (isinstance(replaced, tuple) and len(replaced) == 2):
                        raise RuntimeError(
                            "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                            f"but got {replaced}."
                        )
                    args, kwargs = replaced
            else:
                replaced = hook(self, args)
                if replaced is not None:
                    args = replaced if isinstance(replaced, tuple) else (replaced,)
        return args, kwargs

    def _attach_non_full_hooks(self, hooks: list[Callable], args: Any, result: Any) -> None:
        """Hang ``hooks`` on the graph node of the first tensor found in ``result``."""
        tensor = result
        while not isinstance(tensor, Tensor):
            if isinstance(tensor, Mapping):
                tensor = next(item for item in tensor.values() if isinstance(item, Tensor))
            else:
                tensor = tensor[0]
        grad_fn = tensor.grad_fn
        if grad_fn is not None:
            for hook in hooks:
                grad_fn.register_hook(functools.wraps(hook)(functools.partial(hook, self)))
            self._maybe_warn_non_full_backward_hook(args, result, grad_fn)

    def _run_always_called_hooks(self, called: set[int], args: tuple, kwargs: dict[str, Any]) -> None:
        """After a failure, run the ``always_call`` forward hooks that did not run yet; only warn if one fails."""
        for kind, hooks, always_called, with_kwargs in (
            (
                "global module forward hook",
                _global_forward_hooks,
                _global_forward_hooks_always_called,
                _global_forward_hooks_with_kwargs,
            ),
            (
                "module forward hook",
                self._forward_hooks,
                self._forward_hooks_always_called,
                self._forward_hooks_with_kwargs,
            ),
        ):
            for hook_id, hook in list(hooks.items()):
                if hook_id not in always_called or hook_id in called:
                    continue
                try:
                    if hook_id in with_kwargs:
                        hook(self, args, kwargs, None)
                    else:
                        hook(self, args, None)
                except Exception as error:
                    warnings.warn(
                        f"{kind} with ``always_call=True`` raised an exception that was silenced as another error "
                        f"was raised in forward: {error}",
                        stacklevel=4,
                    )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile calls of this module as ``torch.compile`` does, in place."""
        if not hasattr(torch, "compile"):
            raise NotImplementedError("torch.compile")
        self._compiled_call_impl = torch.compile(self._call_impl, *args, **kwargs)

    # Attributes ------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # A module saved by an older version may lack what was added since.
        for name in (
            "_forward_pre_hooks",
            "_forward_pre_hooks_with_kwargs",
            "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_state_dict_hooks",
            "_state_dict_pre_hooks",
            "_load_state_dict_pre_hooks",
            "_load_state_dict_post_hooks",
            "_backward_pre_hooks",
        ):
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    # Modes -----------------------------------------------------------------------------------------------------------

    def train(self: T, mode: bool = True) -> T:
        """Set training mode, or with ``mode`` false evaluation mode, here and in all descendants."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: T) -> T:
        """Set evaluation mode here and in all descendants."""
        return self.train(False)

    # Printing --------------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()]
        lines = extra_lines + child_lines
        if not lines:
            body = ""
        elif len(extra_lines) == 1 and not child_lines:
            body = extra_lines[0]
        else:
            body = "\n  " + "\n  ".join(lines) + "\n"
        return f"{self._get_name()}({body})"

    def _replicate_for_data_parallel(self) -> Module:
        """A shallow copy with its own, empty parameters, for one replica of a data-parallel run."""
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica


# Pickles name what was moved out of this file by its public place, and Python's argument errors begin with "Module.".
for _part in (ModuleConversion, ModuleState, ModuleMembers):
    for _method in vars(_part).values():
        if isinstance(_method, FunctionType):
            _method.__module__ = __name__
            _method.__qualname__ = f"Module.{_method.__name__}"
for _moved in (
    _IncompatibleKeys,
    _WrappedHook,
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
):
    _moved.__module__ = __name__
