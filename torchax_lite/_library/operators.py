"""Operators: what is registered for a name, how a call finds its kernel and its derivative, and the table of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._library.schema import Schema


@dataclass
class Operator:
    """What is registered for a name."""

    namespace: str
    name: str
    schema: Schema
    kernels: dict[str, Callable[..., Any]] = field(default_factory=dict)
    fake: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    setup_context: Callable[..., Any] | None = None
    vmap: Callable[..., Any] | None = None
    autocast: dict[str, Any] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    tags: tuple[Any, ...] = ()

    @property
    def qualname(self) -> str:
        return f"{self.namespace}::{self.name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from torchax_lite.tensor import overriding
        from torchax_lite.tensor.modes import modes

        if modes.subclasses:
            found = overriding.overriding_args((*args, *kwargs.values()))
            if found:
                return overriding.override(getattr(getattr(torch.ops, self.namespace), self.name), found, args, kwargs)
        values = self.schema.bind(args, kwargs)
        values = self._cast(values)
        implicit = self.kernels.get("implicit")
        if implicit is not None and self.backward is None:
            return self.run(implicit, values)
        tensors = [t for v in values.values() for t in tensors_of(v)]
        kernel = self._kernel(tensors)
        if (
            torch.is_grad_enabled()
            and any(t.requires_grad for t in tensors)
            and any(t.is_floating_point() or t.is_complex() for t in tensors)
        ):
            if "autograd" in self.kernels and self.backward is None:
                return self.run(self.kernels["autograd"], values)
            return self._differentiable(kernel, values)
        return self.run(kernel, values)

    def run(self, kernel: Callable[..., Any], values: dict[str, Any]) -> Any:
        """Call a kernel with arguments by position and name as the schema has them."""
        args = [values[a.name] for a in self.schema.arguments if not a.keyword_only]
        return kernel(*args, **{a.name: values[a.name] for a in self.schema.arguments if a.keyword_only})

    def _cast(self, values: dict[str, Any]) -> dict[str, Any]:
        for device, dtype in self.autocast.items():
            if torch.is_autocast_enabled(device):
                return {
                    k: v.to(dtype)
                    if isinstance(v, Tensor)
                    and v.is_floating_point()
                    and v.dtype != torch.float64
                    and v.device.type == device
                    else v
                    for k, v in values.items()
                }
        return values

    def _kernel(self, tensors: Sequence[Tensor]) -> Callable[..., Any]:
        kind = next((t.device.type for t in tensors), "cpu")
        if any(t.device.type == "meta" for t in tensors):
            kind = "meta"
            if self.fake is not None:
                return self.fake
        for key in (kind, "default", "implicit"):
            if key in self.kernels and key not in self.disabled:
                return self.kernels[key]
        if kind == "meta":
            raise NotImplementedError(
                f"{self.qualname}: attempted to run this operator with Meta tensors, but there was no fake impl registered "
                "for it: use register_fake"
            )
        raise NotImplementedError(
            f"Could not run '{self.qualname}' with arguments from the '{kind.upper()}' backend: no kernel is registered for it"
        )

    def _differentiable(self, kernel: Callable[..., Any], values: dict[str, Any]) -> Any:
        op = self
        names = [a.name for a in self.schema.arguments]
        flat, counts = [], []
        for name in names:
            inner = tensors_of(values[name])
            counts.append(len(inner))
            flat += inner
        results: list[Any] = []

        def forward(ctx: Any, *given: Any) -> Any:
            with torch.no_grad():
                output = op.run(kernel, {k: _detached(v) for k, v in values.items()})
            if op.setup_context is not None:
                inputs = tuple(values[a.name] for a in op.schema.arguments if not a.keyword_only)
                more = {a.name: values[a.name] for a in op.schema.arguments if a.keyword_only}
                ctx.needs_input_grad = _needs(op, values, ctx.needs_input_grad)
                if more:
                    op.setup_context(ctx=ctx, inputs=inputs, keyword_only_inputs=more, output=output)
                else:
                    op.setup_context(ctx=ctx, inputs=inputs, output=output)
            results.append(output)
            leaves = tensors_of(output)
            return tuple(leaves) if len(leaves) != 1 else leaves[0]

        def backward(ctx: Any, *grads: Any) -> Any:
            if op.backward is None:
                raise RuntimeError(
                    f"Trying to backward through {op.namespace}.{op.name}.default but no autograd formula was "
                    "registered. Please use register_autograd to add one."
                )
            output, it = results[0], iter(grads)
            given = [next(it)] if isinstance(output, Tensor) else _like(output, it)
            found = op.backward(ctx, *given)
            found = found if isinstance(found, tuple) else (found,)
            made: list[Any] = []
            for name, count in zip(names, counts, strict=True):
                position = names.index(name)
                g = found[position] if position < len(found) else None
                if count == 1 and not isinstance(g, (list, tuple)):
                    made.append(g)
                elif count:
                    made += [None] * count if g is None else list(g)
            return tuple(made)

        name = f"GeneratedBackwardFor_{self.namespace}_{self.name}_default"
        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        Call: Any = type(torch.autograd.Function)(name, (torch.autograd.Function,), members)
        out = Call.apply(*flat)
        it = iter((out,) if isinstance(out, Tensor) else out or ())
        return _rebuild(results[0], it)


def _needs(op: Operator, values: dict[str, Any], flat: Sequence[bool]) -> tuple[Any, ...]:
    """``ctx.needs_input_grad`` by the op's own arguments."""
    it = iter(flat)
    found: list[Any] = []
    for a in op.schema.arguments:
        inner = [next(it) for _ in tensors_of(values[a.name])]
        found.append(inner if isinstance(values[a.name], (list, tuple)) else bool(inner and inner[0]))
    return tuple(found)


def tensors_of(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [t for x in value for t in tensors_of(x)] if isinstance(value, (list, tuple)) else []


def _detached(value: Any) -> Any:
    """What a kernel sees: tensors outside of the graph."""
    if isinstance(value, Tensor):
        return value.detach() if value.requires_grad else value
    return type(value)(_detached(x) for x in value) if type(value) in (list, tuple) else value


def _like(output: Any, it: Iterator[Any]) -> list[Any]:
    if not isinstance(output, (list, tuple)):
        return []
    return [
        next(it) if isinstance(x, Tensor) else _like(x, it) if isinstance(x, (list, tuple)) else None for x in output
    ]


def _rebuild(output: Any, it: Iterator[Any]) -> Any:
    if isinstance(output, Tensor):
        return next(it)
    return type(output)(_rebuild(x, it) for x in output) if isinstance(output, (list, tuple)) else output


OPERATORS: dict[str, dict[str, Operator]] = {}


def add_operator(namespace: str, schema: Schema, name: str, tags: Any = ()) -> Operator:
    table = OPERATORS.setdefault(namespace, {})
    table[name] = Operator(namespace, name, schema, tags=tuple(tags) if isinstance(tags, Iterable) else (tags,))
    return table[name]
