"""What an entry of the database calls, as a list of public names with their arguments.

Most entries call one public function. The others wrap one or more in a Python function of PyTorch's test suite;
these are traced, so that a record always says which public names were called with what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name

from .encoding import Unsupported, encode

_MODULES = {
    "torch._C._nn": ("torch.nn.functional", ""),
    "torch._C._linalg": ("torch.linalg", "linalg_"),
    "torch._C._special": ("torch.special", "special_"),
    "torch._C._fft": ("torch.fft", "fft_"),
    "torch._C._TensorBase": ("torch.Tensor", ""),
    "torch._C._VariableFunctions": ("torch", ""),
    "torch._VF": ("torch", ""),
    "torch.functional": ("torch", ""),
    "torch._tensor.Tensor": ("torch.Tensor", ""),
}


def lookup(name: str) -> Any:
    """The object of a dotted name; None if there is none."""
    value: Any = torch
    for part in name.split(".")[1:]:
        value = getattr(value, part, None)
        if value is None:
            return None
    return value


def public_name(fn: Any, hint: str = "") -> str | None:
    """The public dotted name of a function or method of PyTorch, None for any other callable."""
    candidates = (hint,) if hint.startswith("torch.") else (f"torch.{hint}", f"torch.Tensor.{hint}") if hint else ()
    for candidate in candidates:
        if lookup(candidate) is fn:
            return candidate
    owner = getattr(fn, "__self__", None)
    name = getattr(fn, "__name__", "")
    if name == "__get__" and owner is not None:
        return f"torch.Tensor.{owner.__name__}:get"
    if name == "__set__" and owner is not None:
        return f"torch.Tensor.{owner.__name__}:set"
    if isinstance(fn, torch._ops.OpOverloadPacket | torch._ops.OpOverload):
        return f"torch.ops.{fn}"
    found = resolve_name(fn)
    if found is None:
        found = f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', name)}"
    module, _, last = found.rpartition(".")
    if module in _MODULES:
        module, prefix = _MODULES[module]
        last = last.removeprefix(prefix)
    if module == "torch" and last.startswith(("linalg_", "special_", "fft_")) and lookup(f"torch.{last}") is None:
        space, _, last = last.partition("_")
        module = f"torch.{space}"
    found = f"{module}.{last}"
    known = module.startswith("torch") and "._internal" not in module and lookup(found) is not None
    return found if known else None


def flatten(value: Any) -> list[torch.Tensor]:
    """The tensors of a nested result in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [t for v in value.values() for t in flatten(v)]
    if isinstance(value, list | tuple):
        return [t for v in value for t in flatten(v)]
    return []


class Program:
    """The calls of one run: tensors are numbered, inputs first, then the results of each call in order."""

    def __init__(self, inputs: list[torch.Tensor]) -> None:
        self.values = list(inputs)
        self.numbers = {id(t): i for i, t in enumerate(inputs)}
        self.calls: list[dict[str, Any]] = []
        self.last: Any = None

    def leaf(self, t: torch.Tensor) -> dict[str, Any]:
        if id(t) not in self.numbers:
            raise Unsupported("a tensor that no call of the record made")
        return {"v": self.numbers[id(t)]}

    def call(self, name: str, fn: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        self.calls.append(
            {"f": name, "a": [encode(a, self.leaf) for a in args]}
            | ({"k": {k: encode(v, self.leaf) for k, v in kwargs.items()}} if kwargs else {})
        )
        result = fn(*args, **kwargs)
        for t in flatten(result):
            self.numbers[id(t)] = len(self.values)
            self.values.append(t)
        self.last = result
        return result

    def finish(self, result: Any) -> Any:
        """How the result is put together: ``"last"`` for what the last call returned."""
        return "last" if self.calls and result is self.last else encode(result, self.leaf)


class Tracer(TorchFunctionMode):
    """Adds the outermost PyTorch calls made in its context to a program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = public_name(func)
        kwargs = kwargs or {}
        if name is None:
            raise Unsupported(f"a call of {resolve_name(func) or func}")
        if name in (
            "torch.Tensor.requires_grad:get",
            "torch.Tensor.shape:get",
            "torch.Tensor.dtype:get",
            "torch.Tensor.ndim:get",
            "torch.Tensor.device:get",
            "torch.Tensor.size",
            "torch.Tensor.dim",
            "torch.Tensor.is_complex",
            "torch.is_complex",
            "torch.Tensor.is_floating_point",
            "torch.is_floating_point",
            "torch.Tensor.numel",
            "torch.Tensor.stride",
            "torch.Tensor.layout:get",
            "torch.Tensor.is_sparse:get",
            "torch.Tensor.is_meta:get",
        ):
            return func(*args, **kwargs)
        return self.program.call(name, func, args, kwargs)


def run(program: Program, fn: Callable[..., Any], name: str | None, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run a callable, adding to ``program`` what it calls; ``name`` is its public name, if it has one."""
    if name is not None:
        return program.call(name, fn, args, kwargs)
    with Tracer(program):
        return fn(*args, **kwargs)
