"""``torch.jit.trace``: a function or module with example inputs, ready to be saved."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ._script import RecursiveScriptModule, ScriptFunction, TopLevelTracedModule, TracedModule, scripted_module
from ._state import state


class TracingCheckError(RuntimeError):
    """The traced function gave another result than the Python function."""


class TracerWarning(Warning):
    """Kept for ``warnings.filterwarnings``; never issued here."""

    @staticmethod
    def ignore_lib_warnings() -> None:
        """Nothing: there are none."""


@contextlib.contextmanager
def _tracing() -> Iterator[None]:
    state.tracing += 1
    try:
        yield
    finally:
        state.tracing -= 1


def trace(
    func: Any, example_inputs: Any = None, optimize: Any = None, check_trace: bool = True, check_inputs: Any = None,
    check_tolerance: float = 1e-5, strict: bool = True, _force_outplace: bool = False, _module_class: Any = None,
    _compilation_unit: Any = None, example_kwarg_inputs: Any = None, _store_inputs: bool = True,
) -> Any:  # fmt: skip
    """A function or module that can be saved together with what it computes for inputs like these.

    It is run once on the example inputs. Later calls run the Python code again: control flow that depends on values
    stays alive, while PyTorch's trace would fix it. What :func:`torch.jit.save` writes is fixed.

    Args:
        func: a function, a module, or a method of one.
        example_inputs: a tensor or a tuple of arguments.
        check_trace: compare a second run with the first one.
        check_inputs: further tuples of arguments for that.
        check_tolerance: how far they may be apart.
        strict: whether results may be lists and dicts.
        example_kwarg_inputs: arguments by name, instead of ``example_inputs``.

    Raises:
        RuntimeError: for a result that is no tensor. TracingCheckError: when two runs differ.
    """
    if isinstance(func, (ScriptFunction, RecursiveScriptModule)):
        return func
    if example_kwarg_inputs is not None and example_inputs is not None:
        raise RuntimeError("example_inputs and example_kwarg_inputs cannot be given at once")
    if example_kwarg_inputs is not None:
        if not isinstance(example_kwarg_inputs, dict):
            raise RuntimeError("example_kwarg_inputs should be a dict")
        target = func.forward if isinstance(func, nn.Module) else func
        args = inspect.signature(target).bind(**example_kwarg_inputs).args
    else:
        if example_inputs is None:
            raise RuntimeError("example_inputs is needed to trace")
        args = _as_tuple(example_inputs)
    owner = getattr(func, "__self__", None)
    if isinstance(owner, nn.Module) and getattr(func, "__name__", "") == "forward":
        func = owner
    with _tracing():
        result = func(*args)
        _check_output(result, strict)
        if check_trace:
            with torch.no_grad():
                for inputs in check_inputs or (args,):
                    _compare(func, result if inputs is args else None, _as_tuple(inputs), check_tolerance)
    if isinstance(func, nn.Module):
        made = scripted_module(func, TracedModule, TopLevelTracedModule)
        made.__dict__["_jit_example_inputs"] = args
        return made
    return ScriptFunction(func, args)


def trace_module(
    mod: nn.Module, inputs: dict[str, Any], optimize: Any = None, check_trace: bool = True, check_inputs: Any = None,
    check_tolerance: float = 1e-5, strict: bool = True, _force_outplace: bool = False, _module_class: Any = None,
    _compilation_unit: Any = None, example_inputs_is_kwarg: bool = False, _store_inputs: bool = True,
) -> Any:  # fmt: skip
    """:func:`trace` for several methods of a module: ``inputs`` maps their names to arguments."""
    if not isinstance(mod, nn.Module):
        raise AttributeError("expected torch.nn.Module as the first argument")
    if not isinstance(inputs, dict):
        raise AttributeError("expected a dictionary of (method_name, input) pairs")
    with _tracing():
        for name, given in inputs.items():
            method = mod if name == "forward" else getattr(mod, name)
            _check_output(method(**given) if example_inputs_is_kwarg else method(*_as_tuple(given)), strict)
    made = scripted_module(mod, TracedModule, TopLevelTracedModule)
    if "forward" in inputs and not example_inputs_is_kwarg:
        made.__dict__["_jit_example_inputs"] = _as_tuple(inputs["forward"])
    return made


def is_tracing() -> bool:
    """Whether ``torch.jit.trace`` is running."""
    return state.tracing > 0


def _as_tuple(inputs: Any) -> tuple[Any, ...]:
    if isinstance(inputs, (Tensor, dict)):
        return (inputs,)
    return tuple(inputs)


def _check_output(value: Any, strict: bool) -> None:
    if isinstance(value, Tensor):
        return
    items: Any = ()
    if isinstance(value, (tuple, list)) and value:
        items = value
    elif isinstance(value, dict) and value:
        if strict:
            raise RuntimeError(
                "Encountering a dict at the output of the tracer might cause the trace to be incorrect, this is only "
                "valid if the container structure does not change based on the module's inputs. If you absolutely need "
                "this and know the side effects, pass strict=False to trace() to allow this behavior."
            )
        items = value.values()
    if not items:
        raise RuntimeError(
            "Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions"
        )
    for x in items:
        _check_output(x, strict)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for x in value for t in _tensors(x)] if isinstance(value, (list, tuple)) else []


def _compare(func: Any, result: Any, args: tuple[Any, ...], tolerance: float) -> None:
    """Run again and compare; the random state and the buffers of a module are put back."""
    rng = torch.get_rng_state()
    buffers = {n: b.clone() for n, b in func.named_buffers()} if isinstance(func, nn.Module) else {}
    if result is None:
        result = func(*args)
    again = func(*args)
    for a, b in zip(_tensors(result), _tensors(again), strict=True):
        same = a.shape == b.shape and torch.allclose(a.double() if not a.is_complex() else a,
                                                      b.double() if not b.is_complex() else b,
                                                      rtol=tolerance, atol=tolerance, equal_nan=True)  # fmt: skip
        if not same:
            import warnings

            warnings.warn(
                "Trace had nondeterministic nodes or the function's result depends on more than its inputs: two runs "
                "differ",
                TracerWarning,
                stacklevel=4,
            )
    torch.set_rng_state(rng)
    if buffers:
        with torch.no_grad():
            for n, b in func.named_buffers():
                b.copy_(buffers[n])
