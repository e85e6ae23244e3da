"""Modules as pure functions of arrays."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..tensor.tensor import Tensor
from .arrays import arrays_in, tensors_in, to_jax

if TYPE_CHECKING:
    from ..nn import Module

Arrays = dict[str, Any]


def functionalize(module: Module) -> tuple[Callable[..., tuple[Any, Arrays]], Arrays, Arrays]:
    """``(apply, params, buffers)``: a module's forward pass as a pure function of arrays, and its present values.

    ``apply(params, buffers, *inputs, **kwargs) -> (outputs, new_buffers)``. ``params`` and ``buffers`` are dicts from
    the names of ``named_parameters()`` and ``named_buffers()`` to arrays; ``new_buffers`` has the buffers after the
    call (BatchNorm's running statistics, say). Inputs and outputs are pytrees of arrays. The function can be jitted,
    differentiated and mapped; the module itself is not changed by it. Derivatives are then JAX's.

    The module's mode (``train()`` or ``eval()``) at the time of a call counts. Random numbers (dropout in training
    mode) are drawn while JAX traces and become constants of the traced function, which a warning says.

    Raises:
        KeyError: when ``params`` or ``buffers`` do not have the module's names.
    """
    lock = threading.RLock()
    parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())

    def apply(
        params: Mapping[str, Any], buffers_now: Mapping[str, Any], *inputs: Any, **kwargs: Any
    ) -> tuple[Any, Arrays]:
        import jax

        _check_names("params", params, parameters)
        _check_names("buffers", buffers_now, buffers)
        given = {id(t): tensors_in(params[name]) for name, t in parameters.items()}
        given |= {id(t): tensors_in(buffers_now[name]) for name, t in buffers.items()}
        if not all(isinstance(t, Tensor) for t in given.values()):
            raise TypeError("params and buffers of a functionalized module must be arrays")
        arguments, keywords = tensors_in(inputs), tensors_in(kwargs)
        traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((params, buffers_now, inputs, kwargs)))
        with lock, _warn_if_random(traced), _replaced(module, given):
            outputs = module(*arguments, **keywords)
            after = dict(module.named_buffers())
            return arrays_in(outputs), {name: to_jax(after[name]) for name in buffers}

    return (
        apply,
        {name: to_jax(t) for name, t in parameters.items()},
        {name: to_jax(t) for name, t in buffers.items()},
    )


def _check_names(what: str, given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    missing, unexpected = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    if missing or unexpected:
        raise KeyError(f"{what} do not fit the module: missing {missing}, unexpected {unexpected}")


@contextlib.contextmanager
def _replaced(module: Module, given: Mapping[int, Tensor]) -> Iterator[None]:
    """Put other tensors in the place of a module's parameters and buffers, tied ones alike, for a while."""
    saved: list[tuple[dict[str, Any], dict[str, Any]]] = []
    lists: list[tuple[Any, list[Any]]] = []
    table: Any
    for m in module.modules():
        for table in (m._parameters, m._buffers):
            saved.append((table, dict(table)))
        flat = m.__dict__.get("_flat_weights")
        if isinstance(flat, list):
            lists.append((m, flat))
    try:
        for table, before in saved:
            for name, t in before.items():
                if t is not None:
                    table[name] = given[id(t)]
        for m, flat in lists:
            m.__dict__["_flat_weights"] = [t if t is None else given.get(id(t), t) for t in flat]
        yield
    finally:
        for table, before in saved:
            table.clear()
            table.update(before)
        for m, flat in lists:
            m.__dict__["_flat_weights"] = flat


@contextlib.contextmanager
def _warn_if_random(traced: bool) -> Iterator[None]:
    """Say so when random numbers are drawn while JAX traces."""
    if not traced:
        yield
        return
    from ..random import default_generator

    before = bytes(memoryview(default_generator.get_state().numpy()))
    yield
    if bytes(memoryview(default_generator.get_state().numpy())) != before:
        warnings.warn(
            "random numbers were drawn while JAX traced a functionalized module: they are constants of the traced "
            "function. Call module.eval(), or pass the noise as an input.",
            UserWarning,
            stacklevel=3,
        )
