"""Schema strings: ``"name.overload(Tensor self, *, Scalar alpha=1) -> Tensor"`` parsed into parameters and results."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import Any

TENSOR_KINDS = frozenset({"Tensor", "Tensor?", "Tensor[]", "Tensor?[]", "Tensor|Scalar", "Tensor|Scalar?"})
SCALAR_KINDS = frozenset({"Scalar", "Scalar?"})
STATIC_KINDS = frozenset(
    {"int", "int?", "int[]", "int[]?", "bool", "bool?", "float", "float?", "float[]", "str", "str?", "ScalarType",
     "ScalarType?", "bool[]"}
)  # fmt: skip
_KINDS = TENSOR_KINDS | SCALAR_KINDS | STATIC_KINDS
REQUIRED = object()


@dataclass(frozen=True)
class Param:
    """One parameter of a schema."""

    name: str
    kind: str
    default: Any
    keyword_only: bool
    repeat: int = 0
    """For ``int[2]``: a bare int stands for this many (0: any length, no repetition)."""

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def is_tensor(self) -> bool:
        return self.kind in TENSOR_KINDS

    @property
    def is_scalar(self) -> bool:
        return self.kind in SCALAR_KINDS

    @property
    def is_static(self) -> bool:
        return self.kind in STATIC_KINDS


@dataclass(frozen=True)
class Schema:
    """A parsed schema string."""

    name: str
    """Full name with overload, e.g. ``max.dim``."""
    params: tuple[Param, ...]
    returns: tuple[str, ...]
    """Names of the results (empty strings where unnamed)."""
    variadic: bool
    """True for ``-> Tensor[]``: a list whose length the body decides."""

    @property
    def base(self) -> str:
        """The public name: the part before the overload."""
        return self.name.split(".")[0]


_HEAD = re.compile(r"^\s*([\w.]+)\s*\((.*)\)\s*->\s*(.+?)\s*$", re.S)
_PARAM = re.compile(r"^([\w|]+)(\[(\d*)\])?(\?)?(\[\])?\s+(\w+)\s*(?:=\s*(.+))?$", re.S)


_COMMA = re.compile(r",(?![^(\[]*[)\]])")
"""A comma outside of brackets, which are never nested."""


def _split(text: str) -> list[str]:
    """Split at top-level commas."""
    return [part for part in map(str.strip, _COMMA.split(text)) if part]


def parse(text: str) -> Schema:
    """Parse one schema string; raises ValueError that quotes the offending part."""
    match = _HEAD.match(text)
    if not match:
        raise ValueError(f"schema is not of the form 'name(params) -> returns': {text!r}")
    name, body, result = match.groups()
    params: list[Param] = []
    keyword_only = False
    for part in _split(body):
        if part == "*":
            keyword_only = True
            continue
        try:
            params.append(_param(part, keyword_only))
        except ValueError as error:
            raise ValueError(f"{error} in schema {name!r}") from None
    variadic = result == "Tensor[]"
    if variadic or result == "Tensor":
        returns: tuple[str, ...] = ("",)
    else:
        returns = tuple((p.split() + [""])[1] for p in _split(result[1:-1]))
    return Schema(name, tuple(params), returns, variadic)


@functools.cache  # the same few parameters come again and again
def _param(part: str, keyword_only: bool) -> Param:
    m = _PARAM.match(part)
    if not m:
        raise ValueError(f"cannot parse parameter {part!r}")
    base, brackets, repeat, optional, outer, name, default = m.groups()
    kind = base + ("[]" if brackets else "") + ("?" if optional else "") + (outer or "")
    if kind not in _KINDS:
        raise ValueError(f"unknown type {kind!r} of parameter {name!r}")
    value = REQUIRED if default is None else _literal(default)
    return Param(name, kind, value, keyword_only, int(repeat) if repeat else 0)


@functools.cache
def _literal(text: str) -> Any:
    value = ast.literal_eval(text)
    return tuple(value) if isinstance(value, list) else value
