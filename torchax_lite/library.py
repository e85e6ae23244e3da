"""``torch.library``: operators of a program's own, with derivatives, found as ``torch.ops.<namespace>.<name>``."""

from __future__ import annotations

import contextlib
import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops

__all__ = [
    "CustomOpDef", "Library", "custom_op", "define", "get_ctx", "get_kernel", "impl", "impl_abstract", "infer_schema",
    "opcheck", "register_autocast", "register_autograd", "register_fake", "register_kernel", "register_torch_dispatch",
    "register_vmap", "triton_op", "wrap_triton",
]  # fmt: skip

_DEVICE_KEYS = {
    "CPU": "cpu", "CUDA": "cuda", "XLA": "xla", "Meta": "meta", "CompositeExplicitAutograd": "default",
    "CompositeImplicitAutograd": "implicit", "Autograd": "autograd", "AutogradCPU": "autograd", "AutogradCUDA": "autograd",
    "": "default",
}  # fmt: skip


@dataclass
class _Argument:
    name: str
    type: str
    default: Any = inspect.Parameter.empty
    keyword_only: bool = False
    mutated: bool = False


@dataclass
class _Schema:
    """A parsed schema string."""

    name: str
    arguments: list[_Argument]
    returns: str
    text: str

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name, with defaults."""
        positional = [a for a in self.arguments if not a.keyword_only]
        if len(args) > len(positional):
            raise RuntimeError(
                f"{self.name}() expected at most {len(positional)} argument(s) but received {len(args)} argument(s). "
                f"Declaration: {self.text}"
            )
        found = {a.name: v for a, v in zip(positional, args, strict=False)}
        for k, v in kwargs.items():
            if k in found or all(a.name != k for a in self.arguments):
                raise RuntimeError(f"Unknown keyword argument '{k}' for operator '{self.name}'. Schema: {self.text}")
            found[k] = v
        for a in self.arguments:
            if a.name not in found:
                if a.default is inspect.Parameter.empty:
                    raise RuntimeError(
                        f"{self.name}() is missing value for argument '{a.name}'. Declaration: {self.text}"
                    )
                found[a.name] = a.default
            value = found[a.name]
            if a.type.startswith("Tensor") and a.type.rstrip("?") == "Tensor" and not isinstance(value, Tensor):
                if not (value is None and a.type.endswith("?")) and not hasattr(type(value), "__torch_function__"):
                    raise RuntimeError(
                        f"{self.name}() Expected a value of type 'Tensor' for argument '{a.name}' but instead found type "
                        f"'{type(value).__name__}'."
                    )
        return {a.name: found[a.name] for a in self.arguments}


def _split(text: str) -> list[str]:
    """Parts between commas outside of brackets."""
    parts, depth, current = [], 0, ""
    for c in text:
        depth += c in "([" and 1 or 0
        depth -= c in ")]" and 1 or 0
        if c == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += c
    return [p.strip() for p in [*parts, current] if p.strip()]


_PARAM = re.compile(r"^(?P<type>\S+(?:\([a-z]!?\))?\S*)\s+(?P<name>\w+)(?:\s*=\s*(?P<default>.*))?$")
_VALUES = {"None": None, "True": True, "False": False}


def _parse(text: str) -> _Schema:
    match = re.match(r"^\s*([\w:.]*)\s*\((.*)\)\s*->\s*(.*)$", text, re.S)
    if match is None:
        raise RuntimeError(f"invalid schema {text!r}: 'name(Tensor x, int n=1) -> Tensor' is wanted")
    arguments, keyword_only = [], False
    for part in _split(match.group(2)):
        if part == "*":
            keyword_only = True
            continue
        found = _PARAM.match(part)
        if found is None:
            raise RuntimeError(f"invalid argument {part!r} in schema {text!r}")
        kind = found["type"]
        default: Any = inspect.Parameter.empty
        if found["default"] is not None:
            default = _default(found["default"].strip())
        plain = re.sub(r"\([a-z]!?\)", "", kind)
        arguments.append(_Argument(found["name"], plain, default, keyword_only, "!" in kind))
    return _Schema(match.group(1), arguments, match.group(3).strip(), text.strip())


def _default(text: str) -> Any:
    import ast

    if text in _VALUES:
        return _VALUES[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return getattr(torch, text, text)


@dataclass
class _Operator:
    """What is registered for a name."""

    namespace: str
    name: str
    schema: _Schema
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
        from .tensor import overriding
        from .tensor.modes import modes

        if modes.subclasses:
            found = overriding.overriding_args((*args, *kwargs.values()))
            if found:
                return overriding.override(getattr(getattr(torch.ops, self.namespace), self.name), found, args, kwargs)
        values = self.schema.bind(args, kwargs)
        values = self._cast(values)
        implicit = self.kernels.get("implicit")
        if implicit is not None and self.backward is None:
            return self.run(implicit, values)
        tensors = [t for v in values.values() for t in _tensors(v)]
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
            inner = _tensors(values[name])
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
            leaves = _tensors(output)
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


def _needs(op: _Operator, values: dict[str, Any], flat: Sequence[bool]) -> tuple[Any, ...]:
    """``ctx.needs_input_grad`` by the op's own arguments."""
    it = iter(flat)
    found: list[Any] = []
    for a in op.schema.arguments:
        inner = [next(it) for _ in _tensors(values[a.name])]
        found.append(inner if isinstance(values[a.name], (list, tuple)) else bool(inner and inner[0]))
    return tuple(found)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [t for x in value for t in _tensors(x)] if isinstance(value, (list, tuple)) else []


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


# -- the table, and torch.ops ------------------------------------------------------------------------------------------

_operators: dict[str, dict[str, _Operator]] = {}
_packets: dict[tuple[str, str], OpOverloadPacket] = {}


class OpOverload:
    """``torch.ops.ns.name.default``."""

    def __init__(self, packet: OpOverloadPacket, overload: str, fn: Callable[..., Any]) -> None:
        self._packet, self._overload, self._fn = packet, overload, fn
        self.__name__ = f"{packet._name}.{overload}"
        self.__module__ = f"torch.ops.{packet._namespace}"
        self.__qualname__ = self.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._fn(*args, **kwargs)

    @property
    def overloadpacket(self) -> OpOverloadPacket:
        """All overloads of the name."""
        return self._packet

    @property
    def namespace(self) -> str:
        """The part before ``::``."""
        return self._packet._namespace

    @property
    def _schema(self) -> Any:
        return self._fn.schema if isinstance(self._fn, _Operator) else None

    def name(self) -> str:
        """``ns::name``."""
        suffix = "" if self._overload == "default" else f".{self._overload}"
        return f"{self._packet._namespace}::{self._packet._name}{suffix}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self._packet._namespace}.{self._packet._name}', overload='{self._overload}')>"

    def __str__(self) -> str:
        return f"{self._packet._namespace}.{self._packet._name}.{self._overload}"


class OpOverloadPacket:
    """``torch.ops.ns.name``: calls the operator; its attributes are the overloads."""

    def __init__(self, namespace: str, name: str, fn: Callable[..., Any]) -> None:
        self._namespace, self._name, self._fn = namespace, name, fn
        self.__name__ = name
        self.__module__ = f"torch.ops.{namespace}"
        self._overloads: dict[str, OpOverload] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._fn(*args, **kwargs)

    def __getattr__(self, key: str) -> OpOverload:
        if key.startswith("_"):
            raise AttributeError(key)
        if isinstance(self._fn, _Operator) and key != "default":
            raise AttributeError(f"The underlying op of '{self._namespace}.{self._name}' has no overload name '{key}'")
        return self._overloads.setdefault(key, OpOverload(self, key, self._fn))

    def overloads(self) -> list[str]:
        """Names of the overloads that were asked for, or ``default``."""
        return list(self._overloads) or ["default"]

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self._namespace}.{self._name}')>"

    def __str__(self) -> str:
        return f"{self._namespace}.{self._name}"


class OpNamespace:
    """``torch.ops.ns``."""

    def __init__(self, name: str) -> None:
        self._ns = name

    def __getattr__(self, name: str) -> OpOverloadPacket:
        if name.startswith("__"):
            raise AttributeError(name)
        key = (self._ns, name)
        fn: Any = _operators.get(self._ns, {}).get(name)
        found = _packets.get(key)
        if found is not None and (fn is None or found._fn is fn):
            return found
        if fn is None and self._ns == "aten":
            fn = _aten(name)
        if fn is None:
            raise AttributeError(f"'_OpNamespace' '{self._ns}' object has no attribute '{name}'")
        _packets[key] = OpOverloadPacket(self._ns, name, fn)
        return _packets[key]

    def __dir__(self) -> list[str]:
        return sorted(_operators.get(self._ns, {}))

    def __repr__(self) -> str:
        return f"<OpNamespace {self._ns}>"


_namespaces: dict[str, OpNamespace] = {}


def op_namespace(name: str) -> OpNamespace:
    """The namespace of a name, made at the first request."""
    return _namespaces.setdefault(name, OpNamespace(name))


def _aten(name: str) -> Callable[..., Any] | None:
    """The public function for the name of an ATen operator."""
    T: Any = Tensor
    special = {"_softmax": _softmax("softmax"), "_log_softmax": _softmax("log_softmax"), "_to_copy": _to_copy,
               "expand": T.expand, "view": T.view, "t": torch.t, "copy_": T.copy_, "_unsafe_view": T.view,
               "native_dropout_backward": _native_dropout_backward, "_safe_softmax": _safe_softmax,
               "slice": _slice, "_upsample_bilinear2d_aa": _upsample_bilinear2d_aa, "_batch_norm_with_update": _batch_norm_with_update,
               "max_pool2d_with_indices_backward": _max_pool2d_with_indices_backward,
               "_softmax_backward_data": _softmax_backward_data, "detach": T.detach, "clone": T.clone, "to": T.to, "item": T.item}  # fmt: skip
    if name in special:
        return special[name]  # type: ignore[no-any-return]
    if name in _NAMED_ONLY:
        return _named_only(name)
    places = (Tensor,) if name.endswith("_") else (torch, torch.nn.functional, torch.linalg, torch.special, Tensor)
    for place in places:
        found = getattr(place, name, None)
        if callable(found) and not inspect.isclass(found):
            return found  # type: ignore[no-any-return]
    for prefix in ("linalg_", "fft_", "special_"):
        if name.startswith(prefix):
            return getattr(getattr(torch, prefix[:-1]), name.removeprefix(prefix), None)
    return None


def _safe_softmax(self: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``softmax`` along ``dim`` with zeros where every element is -inf."""
    empty = (self == float("-inf")).all(dim, keepdim=True)
    return torch.softmax(self.masked_fill(empty, 0), dim, dtype).masked_fill(empty, 0)


def _softmax_backward_data(grad_output: Tensor, output: Tensor, dim: int, input_dtype: Any) -> Tensor:
    """``output * (grad_output - sum(output * grad_output))`` along ``dim``: the cotangent of ``softmax``'s input."""
    product = grad_output * output
    return (product - output * product.sum(dim, keepdim=True)).to(input_dtype)


def _upsample_bilinear2d_aa(
    input: Tensor, output_size: Any, align_corners: bool, *factors_given: Any, scale_factors: Any = None,
    scales_h: float | None = None, scales_w: float | None = None,
) -> Tensor:  # fmt: skip
    """Images resized with triangles as wide as the reduction; factors one by one or, for no size, together."""
    if factors_given and isinstance(factors_given[0], (tuple, list)):
        scale_factors = factors_given[0]
    elif factors_given:
        scales_h, scales_w = (*factors_given, scales_w)[:2]
    factors = tuple(float(f or 0) for f in scale_factors or (scales_h, scales_w))
    size = [int(n * f) for n, f in zip(input.shape[2:], factors, strict=True)] if output_size is None else output_size
    return _ops.upsample(input, "bilinear", tuple(size), factors, align_corners, True)  # type: ignore[no-any-return]


def _slice(self: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """``self[start:end:step]`` along ``dim``, as a view."""
    at = dim % self.ndim
    return self[(slice(None),) * at + (slice(start, end, step),)]


def _max_pool2d_with_indices_backward(
    grad_output: Tensor, self: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    indices: Tensor,
) -> Tensor:  # fmt: skip
    """``grad_output`` added up at the places that the maxima came from."""
    everywhere = torch.ones((), dtype=torch.bool, device=self.device)
    flat = self.masked_fill(everywhere, 0).flatten(-2)  # depends on ``self``, by derivatives of zero
    summed = flat.scatter_add(-1, indices.flatten(-2), grad_output.flatten(-2)).unflatten(-1, self.shape[-2:])
    images = self.ndim == 4 and self.is_contiguous(memory_format=torch.channels_last) and not self.is_contiguous()
    return summed.contiguous(memory_format=torch.channels_last if images else torch.contiguous_format)


def _batch_norm_with_update(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor, running_var: Tensor,
    momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Batch norm in training: result, the batch's mean and reciprocal deviation, and no reserved memory."""
    if out is not None:
        raise RuntimeError(
            "Overloaded torch operator invoked from Python failed to match any schema:\n"
            "aten::_batch_norm_with_update() Expected a value of type 'Tensor' for argument 'out' but instead found type "
            f"'{type(out).__name__}'."
        )
    made = torch.native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return (*made, torch.empty(0, dtype=torch.uint8))


def _native_dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    """``grad_output * mask * scale``: the cotangent of the input of ``native_dropout``."""
    factor = mask * scale
    return grad_output * (factor.to(grad_output.dtype) if grad_output.is_floating_point() else factor)


_NAMED_ONLY = frozenset({
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_backward", "convolution_backward",
})  # fmt: skip
"""Operators that policies and counts name, and that are no functions here."""


def _named_only(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"torch.ops.aten.{name} can be named but not called; use torch.nn.functional's functions and autograd"
        )

    return call


def _softmax(name: str) -> Callable[..., Any]:
    def call(self: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
        return getattr(torch, name)(self, dim, torch.float32 if half_to_float else None)

    return call


def _to_copy(self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: Any = None,
             non_blocking: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    return self.to(device=device or self.device, dtype=dtype or self.dtype, copy=True)


def _lookup(op: Any) -> _Operator:
    if isinstance(op, CustomOpDef):
        return op._operator
    if isinstance(op, OpOverload):
        op = op.name()
    if isinstance(op, OpOverloadPacket):
        op = f"{op._namespace}::{op._name}"
    namespace, _, name = str(op).partition("::")
    name = name.removesuffix(".default")
    found = _operators.get(namespace, {}).get(name)
    if found is None:
        raise RuntimeError(
            f"operator {op} does not exist: define it with torch.library.custom_op or torch.library.define"
        )
    return found


def _register(namespace: str, schema: _Schema, name: str, tags: Any = ()) -> _Operator:
    table = _operators.setdefault(namespace, {})
    table[name] = _Operator(namespace, name, schema, tags=tuple(tags) if isinstance(tags, Iterable) else (tags,))
    return table[name]


# -- public ------------------------------------------------------------------------------------------------------------

_TYPES = {
    Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", complex: "complex",
}  # fmt: skip


def _type_text(kind: Any, mutated: str = "") -> str:
    if kind in _TYPES:
        return _TYPES[kind] + mutated
    if kind is torch.dtype:
        return "ScalarType"
    if kind is torch.device:
        return "Device"
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union or type(kind).__name__ == "UnionType":
        inner = [a for a in args if a is not type(None)]
        if len(inner) == 1 and len(args) == 2:
            return _type_text(inner[0], mutated) + "?"
        if set(inner) <= {int, float, bool}:
            return "Scalar" + ("?" if len(inner) < len(args) else "")
    if origin in (list, Sequence, typing.Sequence) and args:
        return _type_text(args[0]) + "[]" if not mutated else _type_text(args[0], mutated) + "[]"
    raise ValueError(f"infer_schema(func): the type {kind} is not supported in an operator's signature")


def infer_schema(prototype_function: Callable[..., Any], /, *, mutates_args: Any, op_name: str | None = None) -> str:
    """The schema string of a function with type annotations.

    Args:
        prototype_function: the function; each parameter and the result must have a type.
        mutates_args: names of the arguments that it changes, or ``"unknown"``.
        op_name: the name that the schema begins with.
    """
    signature = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    parts, star, letter = [], False, 0
    for name, p in signature.parameters.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise ValueError("infer_schema(func): a function with *args or **kwargs has no schema")
        if name not in hints:
            raise ValueError(
                f"infer_schema(func): Parameter {name} must have a type annotation. Got func with signature {signature})"
            )
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        mutated = ""
        if (
            name in mutates_args
            if not isinstance(mutates_args, str)
            else mutates_args == "unknown" and hints[name] is Tensor
        ):
            mutated = f"(a{letter}!)"
        letter += 1
        text = f"{_type_text(hints[name], mutated)} {name}"
        if p.default is not p.empty:
            default = f'"{p.default}"' if isinstance(p.default, str) else str(p.default).removeprefix("torch.")
            text += f"={default}"
        parts.append(text)
    unknown = set() if isinstance(mutates_args, str) else set(mutates_args) - set(signature.parameters)
    if unknown:
        raise ValueError(f"infer_schema(func): {unknown} in mutates_args are no parameters of the function")
    returned = hints.get("return", inspect.Signature.empty)
    if signature.return_annotation is inspect.Signature.empty:
        raise ValueError("infer_schema(func): the return type must have an annotation")
    if returned in (None, type(None)):
        out = "()"
    elif typing.get_origin(returned) is tuple:
        out = f"({', '.join(_type_text(t) for t in typing.get_args(returned))})"
    else:
        out = _type_text(returned)
    return f"{op_name or ''}({', '.join(parts)}) -> {out}"


class CustomOpDef:
    """An operator as :func:`custom_op` makes it; calling it runs it."""

    def __init__(self, operator: _Operator, fn: Callable[..., Any]) -> None:
        self._operator = operator
        self._init_fn = fn
        self.__name__ = operator.name
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__

    @property
    def _qualname(self) -> str:
        return self._operator.qualname

    @property
    def _name(self) -> str:
        return self._operator.name

    @property
    def _opoverload(self) -> OpOverload:
        return getattr(op_namespace(self._operator.namespace), self._operator.name).default

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._operator(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def register_kernel(self, device_types: Any, fn: Callable[..., Any] | None = None, /) -> Any:
        """A kernel for one or more device types; a decorator without ``fn``."""
        return register_kernel(self, device_types, fn)

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """What gives the result's shape and dtype; run for meta tensors."""
        self._operator.fake = fn
        return fn

    def register_autograd(
        self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None
    ) -> None:
        """The derivative: ``backward(ctx, *grads)``, with what ``setup_context(ctx, inputs, output)`` kept."""
        self._operator.backward, self._operator.setup_context = backward, setup_context

    def register_vmap(self, func: Callable[..., Any] | None = None) -> Any:
        """A batching rule, kept with the operator."""
        return register_vmap(self, func)

    def register_autocast(self, device_type: str, cast_inputs: Any) -> None:
        """The dtype of floating inputs under autocast."""
        register_autocast(self, device_type, cast_inputs)

    def register_torch_dispatch(self, torch_dispatch_class: Any, fn: Any = None, /) -> Any:
        """Not supported."""
        raise NotImplementedError("register_torch_dispatch: there is no __torch_dispatch__; use __torch_function__")

    @contextlib.contextmanager
    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Iterator[None]:
        """Whether the kernel of a device type is used, within the ``with`` block."""
        before = set(self._operator.disabled)
        (self._operator.disabled.discard if enabled else self._operator.disabled.add)(device_type)
        try:
            yield
        finally:
            self._operator.disabled = before


def custom_op(
    name: str, fn: Callable[..., Any] | None = None, /, *, mutates_args: Any, device_types: Any = None, schema: str | None = None,
    tags: Any = None,
) -> Any:  # fmt: skip
    """Make a function an operator ``namespace::name``; a decorator without ``fn``.

    Within it nothing is recorded for gradients: ``register_autograd`` gives the derivative. Its ops are recorded in the
    program like all others; Python in it (NumPy, say) runs at each call.

    Args:
        name: ``namespace::name``.
        mutates_args: names of the arguments that it changes in place.
        device_types: the devices that the function is for; all by default.
        schema: if not to be taken from the annotations.
    """

    def make(f: Callable[..., Any]) -> CustomOpDef:
        namespace, _, short = name.partition("::")
        if not short or not short.isidentifier() and "." not in short:
            raise ValueError(f"custom_op(name, ...): expected a name of the form 'namespace::name', got {name!r}")
        text = schema if schema is not None else infer_schema(f, mutates_args=mutates_args)
        parsed = _parse(name + text[text.index("(") :])
        made = _register(namespace, parsed, short, tags or ())
        kinds = (
            ["default"]
            if device_types is None
            else [device_types]
            if isinstance(device_types, str)
            else list(device_types)
        )
        for kind in kinds:
            made.kernels[kind] = f
        return CustomOpDef(made, f)

    return make if fn is None else make(fn)


def triton_op(name: str, fn: Any = None, /, *, mutates_args: Any, schema: str | None = None) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.triton_op: Triton kernels do not run here; interop.wrap_jax takes a Pallas kernel"
    )


def wrap_triton(triton_kernel: Any, /) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.wrap_triton: Triton kernels do not run here; interop.wrap_jax takes a Pallas kernel"
    )


class Library:
    """Definitions and kernels of one namespace.

    Args:
        ns: the namespace.
        kind: ``DEF`` (a new one), ``IMPL`` or ``FRAGMENT`` (of an existing one).
        dispatch_key: what kernels are for unless :meth:`impl` says it.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns == "aten" and kind == "DEF":
            raise RuntimeError(
                "Only a single TORCH_LIBRARY can be used to register the namespace aten, which exists already"
            )
        if ns in ("prim",) or (ns == "aten" and kind != "IMPL"):
            raise ValueError(f"{ns} is a reserved namespace. Please try creating a library with another name.")
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._made: list[str] = []

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Declare an operator; returns its name."""
        name = schema.partition("(")[0].strip().rpartition("::")[2]
        parsed = _parse(f"{self.ns}::{name}({schema.partition('(')[2]}")
        _register(self.ns, parsed, name, tags)
        self._made.append(name)
        return name

    def impl(
        self,
        op_name: Any,
        fn: Callable[..., Any],
        dispatch_key: str = "",
        *,
        with_keyset: bool = False,
        allow_override: bool = False,
    ) -> None:
        """Give an operator a kernel for a dispatch key (``CPU``, ``CompositeExplicitAutograd``, …)."""
        if with_keyset:
            raise NotImplementedError("Library.impl(with_keyset=True): there are no dispatch key sets")
        key = dispatch_key or self.dispatch_key
        if self.ns == "aten":
            raise NotImplementedError(
                "Library('aten', 'IMPL'): operators of PyTorch cannot be replaced; use TorchFunctionMode"
            )
        name = op_name if isinstance(op_name, str) else op_name.name()
        operator = _lookup(f"{self.ns}::{name.rpartition('::')[2]}")
        if key not in _DEVICE_KEYS:
            raise NotImplementedError(f"Library.impl: dispatch key {key!r}; one of {sorted(_DEVICE_KEYS)} is wanted")
        operator.kernels["implicit" if not key else _DEVICE_KEYS[key]] = fn

    def fallback(self, fn: Any, dispatch_key: str = "", *, with_keyset: bool = False) -> None:
        """Not supported."""
        raise NotImplementedError("Library.fallback: there is no dispatcher; TorchFunctionMode sees every call")

    def _register_fake(self, op_name: str, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        _lookup(f"{self.ns}::{op_name}").fake = fn

    def _destroy(self) -> None:
        for name in self._made:
            _operators.get(self.ns, {}).pop(name, None)
            _packets.pop((self.ns, name), None)
        self._made = []


@contextlib.contextmanager
def _scoped_library(*args: Any, **kwargs: Any) -> Iterator[Library]:
    lib = Library(*args, **kwargs)
    try:
        yield lib
    finally:
        lib._destroy()


def define(qualname: str, schema: str, *, lib: Library | None = None, tags: Any = ()) -> None:
    """Declare an operator ``namespace::name`` with a schema ``(Tensor x) -> Tensor``."""
    namespace, _, name = qualname.partition("::")
    if not name:
        raise ValueError(f"define(qualname, ...): expected 'namespace::name', got {qualname!r}")
    parsed = _parse(qualname + schema)
    _register(namespace, parsed, name, tags)
    if lib is not None:
        lib._made.append(name)


def impl(qualname: Any, types: Any, func: Callable[..., Any] | None = None, *, lib: Library | None = None) -> Any:
    """A kernel of an operator for device types or dispatch keys; a decorator without ``func``."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        operator = _lookup(qualname)
        for kind in (types,) if isinstance(types, str) else types:
            operator.kernels[_DEVICE_KEYS.get(kind, kind)] = f
        return f

    if func is None:
        return register
    register(func)
    return None


def register_kernel(
    op: Any, device_types: Any, func: Callable[..., Any] | None = None, /, *, lib: Library | None = None
) -> Any:
    """A kernel of an operator for device types (None: all); a decorator without ``func``."""
    kinds = (
        ["default"] if device_types is None else [device_types] if isinstance(device_types, str) else list(device_types)
    )

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        for kind in kinds:
            _lookup(op).kernels[kind] = f
        return f

    return register if func is None else register(func)


def register_fake(
    op: Any,
    func: Callable[..., Any] | None = None,
    /,
    *,
    lib: Library | None = None,
    _stacklevel: int = 1,
    allow_override: bool = False,
) -> Any:
    """What gives an operator's result shape and dtype, run for meta tensors; a decorator without ``func``."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _lookup(op).fake = f
        return f

    return register if func is None else register(func)


impl_abstract = register_fake


def register_autograd(
    op: Any,
    backward: Callable[..., Any],
    /,
    *,
    setup_context: Callable[..., Any] | None = None,
    lib: Library | None = None,
) -> None:
    """The derivative of an operator: ``backward(ctx, *grads)``, with what ``setup_context(ctx, inputs, output)`` kept."""
    operator = _lookup(op)
    operator.backward, operator.setup_context = backward, setup_context


def register_autocast(op: Any, device_type: str, cast_inputs: Any, /, *, lib: Library | None = None) -> None:
    """The dtype to which floating inputs are cast under autocast on a device."""
    if device_type not in ("cpu", "cuda", "xla"):
        raise ValueError(f"Unknown device type: {device_type}")
    _lookup(op).autocast[device_type] = cast_inputs


def register_vmap(op: Any, func: Callable[..., Any] | None = None, /, *, lib: Library | None = None) -> Any:
    """A batching rule, kept with the operator; ``torch.func.vmap`` maps what the kernel records."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _lookup(op).vmap = f
        return f

    return register if func is None else register(func)


def register_torch_dispatch(op: Any, torch_dispatch_class: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Not supported."""
    raise NotImplementedError(
        "torch.library.register_torch_dispatch: there is no __torch_dispatch__; use __torch_function__"
    )


def get_ctx() -> Any:
    """Not supported."""
    raise NotImplementedError("torch.library.get_ctx: sizes that depend on data are found by running the operator")


def get_kernel(op: Any, dispatch_key: str) -> Callable[..., Any]:
    """The kernel that is registered for a device type or dispatch key."""
    kernels = _lookup(op).kernels
    key = _DEVICE_KEYS.get(dispatch_key, dispatch_key)
    if key not in kernels:
        raise RuntimeError(f"no kernel of {op} for {dispatch_key}")
    return kernels[key]


def opcheck(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, **options: Any) -> dict[str, str]:
    """Not supported."""
    raise NotImplementedError("torch.library.opcheck: use torch.autograd.gradcheck for the derivative")
