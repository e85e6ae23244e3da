"""Modules called with other parameters than their own."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from ...tensor.tensor import Tensor
from ..modules.module import Module


def functional_call(
    module: Module, parameters_and_buffers: dict[str, Tensor], args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """The older place of :func:`torch.func.functional_call`, for one dict of tensors."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future version of "
        "PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


def _functional_call(
    module: Module, parameters_and_buffers: dict[str, Tensor], args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


def _slots(module: Module) -> dict[str, tuple[Module, str]]:
    """Owner and attribute of every parameter and buffer, by every name it has."""
    found = {}
    for prefix, child in module.named_modules(remove_duplicate=False):
        for table in (child._parameters, child._buffers):
            for name in table:
                found[f"{prefix}.{name}" if prefix else name] = (child, name)
    return found


def _held(owner: Module, name: str) -> Any:
    return owner._parameters[name] if name in owner._parameters else owner._buffers[name]


def _tied(slots: dict[str, tuple[Module, str]], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """``given`` with a value for every name of a tied tensor.

    Raises:
        ValueError: several names of one tensor have different values.
    """
    groups: dict[int, list[str]] = {}
    for full, (owner, name) in slots.items():
        value = _held(owner, name)
        if value is not None:
            groups.setdefault(id(value), []).append(full)
    made = dict(given)
    for names in groups.values():
        named = [n for n in names if n in given]
        if len(names) < 2 or not named:
            continue
        if len({id(given[n]) for n in named}) != 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using tie_weights=False"
            )
        made.update(dict.fromkeys(names, given[named[0]]))
    return made


@contextlib.contextmanager
def _reparametrize_module(
    module: Module, parameters_and_buffers: dict[str, Tensor], *, tie_weights: bool = False, strict: bool = False
) -> Iterator[None]:
    """A block in which the module holds the given tensors; afterwards it holds its own again."""
    slots = _slots(module)
    given = _tied(slots, parameters_and_buffers) if tie_weights else dict(parameters_and_buffers)
    if strict:
        unexpected = [k for k in given if k not in slots]
        missing = [k for k, (owner, name) in slots.items() if k not in given and _held(owner, name) is not None]
        texts = []
        if unexpected:
            texts.append(f"Unexpected key(s): {', '.join(map(repr, unexpected))}.")
        if missing:
            texts.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
        if texts:
            lines = "\n\t".join(texts)
            raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t{lines}")
    swapped: list[tuple[str, Any, str, Any]] = []
    try:
        for full, value in given.items():
            owner, name = slots.get(full) or _owner_of(module, full)
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"{value} is not an instance of torch.Tensor")
            swapped.append((full, owner, name, _swap(owner, name, value)))
        yield
    finally:
        for full, owner, name, value in reversed(swapped):
            now = _swap(owner, name, value)
            if full in parameters_and_buffers and now is not _MISSING:
                parameters_and_buffers[full] = now


_MISSING = object()


def _owner_of(module: Module, full: str) -> tuple[Module, str]:
    """Owner and name of an attribute that is no parameter or buffer (yet)."""
    path, _, name = full.rpartition(".")
    return module.get_submodule(path), name


def _swap(owner: Any, name: str, value: Any) -> Any:
    """Exchange a parameter, buffer or attribute (which may be missing); returns the old one."""
    for table in (owner._parameters, owner._buffers):
        if name in table:
            before = table[name]
            table[name] = value
            return before
    before = getattr(owner, name, _MISSING)
    if before is not _MISSING and not isinstance(before, Tensor):
        raise TypeError(f"attribute `{name}`: {before} is not an instance of torch.Tensor")
    if value is _MISSING:
        if before is not _MISSING:
            delattr(owner, name)
    else:
        setattr(owner, name, value)
    return before


__all__ = ["functional_call"]
