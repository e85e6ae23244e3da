"""Whether a callable can be called as documented, and whether it does anything: without calling it."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any

Form = tuple[str, ...]
"""A documented call form: ``("input", "dim=", "*", "out=")``; ``*`` starts the keyword-only ones, ``*x`` takes any
number, a trailing ``=`` marks what has a default."""

ANYTHING = Signature([Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)])
PLACEHOLDER = object()


def parse_forms(text: str) -> list[Form]:
    """Call forms from ``(input, other) (input, dim=, *, out=)``."""
    return [tuple(p.strip() for p in inner.split(",") if p.strip()) for inner in re.findall(r"\(([^()]*)\)", text)]


def mismatch(owner: Any, name: str, value: Any, forms: list[Form]) -> str:
    """The first documented call that ``owner.name``, looked up as ``value``, does not take; empty if it takes all."""
    if not callable(value):
        return "is not callable"
    bound = isinstance(owner, type) and not isinstance(
        inspect.getattr_static(owner, name, None), staticmethod | classmethod
    )
    accepted = list(_accepted(value, method=bound))
    for form in forms:
        for args, kwargs in calls(form):
            if bound and not isinstance(value, type):
                args = [PLACEHOLDER, *args]
            if not any(_binds(signature, args, kwargs) for signature in accepted):
                said = ", ".join(["…"] * len(args) + [f"{k}=…" for k in kwargs])
                return f"documented ({', '.join(form)}): no call with ({said}) by {' or '.join(map(str, accepted))}"
    return ""


def calls(form: Form) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Calls that a form allows: what is required, everything by place, everything by keyword."""
    positional: list[str] = []
    by_keyword: list[str] = []
    variadic = only = False
    for part in form:
        if part == "*":
            only = True
        elif part == "/":
            variadic = True  # what came before has no keyword
        elif part.startswith("**"):
            continue
        elif part.startswith("*"):
            variadic = only = True
        else:
            (by_keyword if only else positional).append(part)
    required = [p for p in positional if not p.endswith("=")]
    named = {p: PLACEHOLDER for p in by_keyword if not p.endswith("=")}
    every = {p.removesuffix("="): PLACEHOLDER for p in by_keyword}
    yield [PLACEHOLDER] * len(required), named
    yield [PLACEHOLDER] * len(positional), every
    names = [p.removesuffix("=") for p in positional]
    if not variadic and not any(keyword.iskeyword(n) for n in names):
        yield [], {**dict.fromkeys(names, PLACEHOLDER), **every}


def form_of_typed(text: str) -> Form:
    """The form of a typed overload: ``(dim: int, *, out: Tensor | None = None) -> Tensor``."""
    depth, parts = 0, [""]
    for c in text[1 : text.rindex(")")]:
        depth += (c in "([{") - (c in ")]}")
        parts = [*parts, ""] if c == "," and not depth else [*parts[:-1], parts[-1] + c]
    names = [re.sub(r"\s*(:.*)?$", "", p.partition("=")[0].strip()) + "=" * ("=" in p) for p in parts if p.strip()]
    return tuple(n for n in names if n != "self")


def allowed_by(form: Form, typed: list[Form]) -> bool:
    """Whether every call that a form allows is a call of one of the typed overloads."""
    signatures = [_of_form(t) for t in typed]
    return all(any(_binds(s, args, kwargs) for s in signatures) for args, kwargs in calls(form))


def _of_form(form: Form) -> Signature:
    parameters: list[Parameter] = []
    kind: Any = Parameter.POSITIONAL_OR_KEYWORD
    for part in form:
        if part == "*":
            kind = Parameter.KEYWORD_ONLY
        elif part.startswith("**"):
            parameters.append(Parameter(part[2:], Parameter.VAR_KEYWORD))
        elif part.startswith("*"):
            parameters.append(Parameter(part[1:], Parameter.VAR_POSITIONAL))
            kind = Parameter.KEYWORD_ONLY
        elif part != "/":
            default = None if part.endswith("=") else Parameter.empty
            parameters.append(Parameter(part.removesuffix("="), kind, default=default))
    return Signature(parameters)


def _binds(signature: Signature, args: list[Any], kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _accepted(value: Callable[..., Any], method: bool) -> Iterator[Signature]:
    """The signatures of a callable; those of its overloads if it routes between declared ops."""
    if isinstance(value, enum.EnumType):
        yield ANYTHING  # the call of an enumeration is Python's, and differs between its versions
        return
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        yield ANYTHING
        return
    overloads = list(_overloads(value, method)) if set(signature.parameters) == {"args", "kwargs"} else []
    yield from overloads or [signature]


def _overloads(value: Any, method: bool) -> Iterator[Signature]:
    """Signatures of the ops named in a generated wrapper's docstring: lines ``max.dim: …`` under ``Overloads:``."""
    doc = inspect.getdoc(value) or ""
    home = getattr(value, "__module__", "").partition(".")[0]
    if not doc.startswith("Overloads:"):
        return
    ops = importlib.import_module(f"{home}.ops.registry").OPS
    for name in re.findall(r"^([\w.]+):", doc.partition("\n")[2], re.M):
        op = ops.get(name)
        if op is not None:
            yield _of_op(op, method)


def _of_op(op: Any, method: bool) -> Signature:
    parameters = []
    for p in op.schema.params:
        name = "input" if p.name == "self" and not method else p.name
        kind = Parameter.KEYWORD_ONLY if p.keyword_only else Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(Parameter(name, kind, default=Parameter.empty if p.required else p.default))
    if not method:
        parameters.append(Parameter("out", Parameter.KEYWORD_ONLY, default=None))
    return Signature(parameters)


def is_stub(value: Any) -> bool:
    """Whether all that a callable does is raise NotImplementedError; of a class, all that making one does."""
    if isinstance(value, type):
        value = value.__dict__.get("__init__") or value.__dict__.get("__new__")
    if not inspect.isroutine(value):
        return False
    value = inspect.unwrap(getattr(value, "__func__", value))
    if not inspect.isfunction(value) or "NotImplementedError" not in value.__code__.co_names:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, SyntaxError):
        return False
    body = getattr(tree.body[0], "body", None)
    if not isinstance(body, list):
        return False
    body = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return bool(body) and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])
