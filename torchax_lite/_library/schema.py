"""Schemas of operators: parsed from their text, bound to arguments, inferred from a function's annotations."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor


@dataclass
class Argument:
    name: str
    type: str
    default: Any = inspect.Parameter.empty
    keyword_only: bool = False
    mutated: bool = False


@dataclass
class Schema:
    """A parsed schema string."""

    name: str
    arguments: list[Argument]
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


def parse_schema(text: str) -> Schema:
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
        arguments.append(Argument(found["name"], plain, default, keyword_only, "!" in kind))
    return Schema(match.group(1), arguments, match.group(3).strip(), text.strip())


def _default(text: str) -> Any:
    import ast

    if text in _VALUES:
        return _VALUES[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return getattr(torch, text, text)


_TYPES = {
    Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", complex: "complex",
}  # fmt: skip


def type_text(kind: Any, mutated: str = "") -> str:
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
            return type_text(inner[0], mutated) + "?"
        if set(inner) <= {int, float, bool}:
            return "Scalar" + ("?" if len(inner) < len(args) else "")
    if origin in (list, Sequence, typing.Sequence) and args:
        return type_text(args[0]) + "[]" if not mutated else type_text(args[0], mutated) + "[]"
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
        text = f"{type_text(hints[name], mutated)} {name}"
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
        out = f"({', '.join(type_text(t) for t in typing.get_args(returned))})"
    else:
        out = type_text(returned)
    return f"{op_name or ''}({', '.join(parts)}) -> {out}"
