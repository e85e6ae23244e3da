"""``python -m torchax_lite check script.py …``: the torch names that scripts use and this package does not have.

The scripts are parsed, never run. Checked are imports of every form, their aliases, attribute chains that start at one
(``nn.functional.relu``, also through ``F = nn.functional``), ``getattr`` and ``import_module`` with a literal name, and
plain names that only a ``from torch… import *`` can have bound. Methods of tensors and modules are not: what type an
expression has is known only when it runs. An object whose ``__unsupported__`` is a string, or whose look-up raises
NotImplementedError, is reported as declared unsupported. Uses inside a ``try`` that catches the error are listed, and
do not count.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import functools
import importlib
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import dropin

__all__ = ["Finding", "check_file", "check_source", "main"]

_CATCHES = {
    "import": {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"},
    "attribute": {"AttributeError", "Exception", "BaseException"},
}
_OWN_ONLY = {f"torch.{name}" for name in dropin.OWN - {"ops"}}  # torch.ops is PyTorch's too
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, order=True)
class Finding:
    """One use of a name that is missing."""

    path: str
    line: int
    column: int
    name: str
    reason: str
    guarded: bool = False

    def __str__(self) -> str:
        note = " [guarded by try]" if self.guarded else ""
        return f"{self.path}:{self.line}:{self.column}: {self.name}: {self.reason}{note}"


# ------------------------------------------------------------------------------------------------ names of the package


def _module(name: str) -> ModuleType | None:
    """The module that stands for PyTorch's module `name`, imported; None where there is none."""
    real = dropin.real_name(name)
    if real is None or dropin.find_real(name) is None:
        return None
    return importlib.import_module(real)


@functools.cache
def _missing(name: str) -> tuple[str, str] | None:
    """``(prefix of name, reason)`` where the dotted `name` leads to nothing in this package, else None."""
    parts = name.split(".")
    current: Any = None
    for count in range(1, len(parts) + 1):
        prefix, leaf = ".".join(parts[:count]), parts[count - 1]
        if count > 1 and not isinstance(current, (ModuleType, type)):
            return None
        try:
            found = _module(prefix) if count == 1 else getattr(current, leaf, None)
            if found is None and count > 1:
                if hasattr(current, leaf):
                    return None
                found = _module(prefix) if isinstance(current, ModuleType) else None
            if prefix in _OWN_ONLY and isinstance(found, ModuleType):
                found = None  # a part of this package, not of torch
        except NotImplementedError as error:
            return prefix, f"declared unsupported: {error}"
        if found is None:
            if isinstance(current, type) and leaf in getattr(current, "__annotations__", {}):
                return None
            return prefix, _closest(prefix, current)
        if isinstance(reason := getattr(found, "__unsupported__", None), str):
            return prefix, f"declared unsupported: {reason}"
        current = found
    return None


def _closest(name: str, parent: Any) -> str:
    root, _, _ = name.partition(".")
    if parent is None:
        return f"torchax_lite has no {root} yet ({dropin.ROOTS[root]})"
    prefix, _, leaf = name.rpartition(".")
    for other in dropin.closest_modules(name, 40):
        if other.rpartition(".")[2] == leaf:
            return f"not in torchax_lite; there is a module {other}"
    if elsewhere := _elsewhere(leaf):
        return f"not in torchax_lite; the closest is {elsewhere}"
    names = [n for n in dir(parent) if not n.startswith("_")]
    folded = {n.lower(): n for n in names}
    close = difflib.get_close_matches(leaf.lower(), list(folded), n=1, cutoff=0.6)
    return "not in torchax_lite" + (f"; the closest is {prefix}.{folded[close[0]]}" if close else "")


def _elsewhere(leaf: str) -> str | None:
    """The dotted name of `leaf` in one of the usual namespaces."""
    for place in (
        "torch",
        "torch.nn",
        "torch.nn.functional",
        "torch.linalg",
        "torch.special",
        "torch.fft",
        "torch.optim",
    ):
        if (module := _module(place)) is not None and not leaf.startswith("_") and hasattr(module, leaf):
            return f"{place}.{leaf}"
    return None


# ------------------------------------------------------------------------------------------------------ names of a file


class _Scope:
    """The names one block binds: to a dotted torch name, or (None) to something else."""

    def __init__(self, node: ast.AST, parent: _Scope | None) -> None:
        self.is_class = isinstance(node, ast.ClassDef)
        self.parent = parent
        self.names: dict[str, str | None] = {}
        self.outer: set[str] = set()

    def lookup(self, name: str) -> tuple[bool, str | None]:
        """Whether any block binds `name`, and the dotted name that it means."""
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names and name not in scope.outer and (scope is self or not scope.is_class):
                return True, scope.names[name]
            scope = scope.parent
        return False, None


def _bindings(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a block, without those of the blocks inside it."""
    stack: list[ast.AST] = list(ast.iter_child_nodes(node))
    while stack:
        child = stack.pop()
        yield child
        if not isinstance(child, (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(child))


class _Checker(ast.NodeVisitor):
    def __init__(self, path: str) -> None:
        self.path = path
        self.found: dict[tuple[int, str], Finding] = {}
        self.checked: set[str] = set()
        self.scope: _Scope | None = None
        self.caught: set[str] = set()
        self.stars: list[str] = []
        self.foreign_star = False
        self.unbound: list[ast.Name] = []

    # -- reporting

    def _use(self, name: str, node: ast.AST, kind: str = "attribute") -> None:
        self.checked.add(name)
        missing = _missing(name)
        if missing is not None:
            prefix, reason = missing
            line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
            guarded = bool(self.caught & _CATCHES[kind])
            self.found.setdefault((line, prefix), Finding(self.path, line, column, prefix, reason, guarded))

    # -- blocks

    def _enter(self, node: ast.AST) -> _Scope:
        scope = _Scope(node, self.scope)
        plain: set[str] = set()
        assigned: dict[str, list[ast.expr]] = {}
        for child in _bindings(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    self._bind_import(scope, alias)
            elif isinstance(child, ast.ImportFrom):
                self._bind_from(scope, child, plain)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                plain.add(child.name)
            elif isinstance(child, ast.Assign) and len(child.targets) == 1 and isinstance(child.targets[0], ast.Name):
                assigned.setdefault(child.targets[0].id, []).append(child.value)
            elif isinstance(child, (ast.Global, ast.Nonlocal)):
                scope.outer.update(child.names)
            elif isinstance(child, ast.Name) and isinstance(child.ctx, (ast.Store, ast.Del)):
                plain.add(child.id)
            elif isinstance(child, ast.ExceptHandler) and child.name:
                plain.add(child.name)
            elif isinstance(child, (ast.MatchAs, ast.MatchStar)) and child.name:
                plain.add(child.name)
            elif isinstance(child, ast.MatchMapping) and child.rest:
                plain.add(child.rest)
        if isinstance(node, _FUNCTIONS):
            plain.update(arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg))
        for name in plain:
            scope.names.setdefault(name, None)
        for name, values in assigned.items():  # F = torch.nn.functional
            if len(values) == 1 and scope.names.get(name) is None and (dotted := self._dotted(values[0], scope)):
                scope.names[name] = dotted
        return scope

    def _bind_import(self, scope: _Scope, alias: ast.alias) -> None:
        root = alias.name.partition(".")[0]
        if root in dropin.ROOTS:
            scope.names[alias.asname or root] = alias.name if alias.asname else root
        else:
            scope.names.setdefault(alias.asname or root, None)

    def _bind_from(self, scope: _Scope, node: ast.ImportFrom, plain: set[str]) -> None:
        module = node.module or ""
        ours = node.level == 0 and module.partition(".")[0] in dropin.ROOTS
        for alias in node.names:
            if alias.name == "*":
                if ours:
                    self.stars.append(module)
                elif module != "__future__":
                    self.foreign_star = True
            elif ours:
                scope.names[alias.asname or alias.name] = f"{module}.{alias.name}"
            else:
                plain.add(alias.asname or alias.name)

    def _block(self, node: ast.AST, body: list[ast.AST]) -> None:
        outer, caught = self.scope, self.caught
        self.scope = self._enter(node)
        if isinstance(node, _FUNCTIONS):
            self.caught = set()  # a function defined inside a `try` runs later
        for child in body:
            self.visit(child)
        self.scope, self.caught = outer, caught

    def visit_Module(self, node: ast.Module) -> None:
        self._block(node, list(node.body))

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        outside: list[Any] = [*node.args.defaults, *node.args.kw_defaults, *getattr(node, "decorator_list", [])]
        outside += [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg)]
        outside.append(getattr(node, "returns", None))
        for expression in outside:
            if expression is not None:
                self.visit(expression)
        self._block(node, [node.body] if isinstance(node, ast.Lambda) else list(node.body))

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
            self.visit(expression)
        self._block(node, list(node.body))

    def _visit_comprehension(self, node: Any) -> None:
        self._block(node, list(ast.iter_child_nodes(node)))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _visit_try(self, node: Any) -> None:
        names: set[str] = set()
        for handler in node.handlers:
            if handler.type is None:
                names.add("BaseException")
            else:
                names.update(n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name))
        before = self.caught
        self.caught = before | names
        for child in node.body:
            self.visit(child)
        self.caught = before
        for child in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(child)

    visit_Try = visit_TryStar = _visit_try

    def visit_If(self, node: ast.If) -> None:
        """``if hasattr(torch, "name"):`` guards what stands under it."""
        self.visit(node.test)
        probes = any(isinstance(n, ast.Name) and n.id == "hasattr" for n in ast.walk(node.test))
        before = self.caught
        if probes:
            self.caught = before | {"AttributeError"}
        for child in node.body:
            self.visit(child)
        self.caught = before
        for child in node.orelse:
            self.visit(child)

    # -- uses

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] in dropin.ROOTS:
                self._use(alias.name, alias, "import")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level == 0 and module.partition(".")[0] in dropin.ROOTS:
            for alias in node.names:
                self._use(module if alias.name == "*" else f"{module}.{alias.name}", alias, "import")

    def _dotted(self, node: ast.AST, scope: _Scope) -> str | None:
        """The dotted torch name that an expression spells, or None."""
        if isinstance(node, ast.Name):
            return scope.lookup(node.id)[1]
        if isinstance(node, ast.Attribute) and (base := self._dotted(node.value, scope)) is not None:
            return f"{base}.{node.attr}"
        return None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        assert self.scope is not None
        dotted = self._dotted(node, self.scope)
        if dotted is None:
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load):
            self._use(dotted, node)

    def visit_Name(self, node: ast.Name) -> None:
        assert self.scope is not None
        if isinstance(node.ctx, ast.Load):
            bound, _ = self.scope.lookup(node.id)
            if not bound and not hasattr(builtins, node.id) and not (node.id[:2] == node.id[-2:] == "__"):
                self.unbound.append(node)

    def visit_Call(self, node: ast.Call) -> None:
        assert self.scope is not None
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        literals = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if function == "getattr" and len(node.args) == 2 and literals:
            base = self._dotted(node.args[0], self.scope)
            if base is not None:
                self._use(f"{base}.{literals[0]}", node)
        elif function in ("import_module", "__import__") and literals and literals[0].split(".")[0] in dropin.ROOTS:
            self._use(literals[0], node, "import")
        self.generic_visit(node)

    # -- the end

    def finish(self) -> None:
        """Report the names that only a star import of torch can have bound, and does not."""
        if not self.stars or self.foreign_star:
            return
        exported: set[str] = set()
        for star in self.stars:
            if (module := _module(star)) is not None:
                exported.update(getattr(module, "__all__", None) or (n for n in dir(module) if n[0] != "_"))
        for node in self.unbound:
            if node.id not in exported:
                self._use(f"{self.stars[0]}.{node.id}", node)


# -------------------------------------------------------------------------------------------------------------- running


def check_source(source: str | bytes, path: str = "<string>") -> tuple[list[Finding], int]:
    """The missing names that `source` uses, in order, and how many different torch names it uses.

    Raises SyntaxError where `source` is not Python.
    """
    checker = _Checker(path)
    checker.visit(ast.parse(source, path))
    checker.finish()
    # `torch.a.b` missing for want of `torch.a` is reported once a line; an inner chain is part of its outer one.
    return sorted(checker.found.values()), len(checker.checked)


def check_file(path: str | Path) -> tuple[list[Finding], int]:
    """`check_source` of the file at `path`."""
    return check_source(Path(path).read_bytes(), str(path))


def _files(arguments: list[str]) -> Iterator[Path]:
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        else:
            yield path


def main(arguments: list[str]) -> int:
    """Check the given files (and the ``.py`` files under given folders); prints findings.

    Returns 0 where everything is there, 1 where something is missing, 2 where a file cannot be read or parsed.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m torchax_lite check script.py …")
        return 0 if arguments else 2
    missing = guarded = names = files = broken = 0
    for path in _files(arguments):
        try:
            findings, count = check_file(path)
        except (OSError, SyntaxError, ValueError, tokenize.TokenError) as error:
            print(f"{path}: cannot be checked: {error}", file=sys.stderr)
            broken += 1
            continue
        files += 1
        names += count
        for finding in findings:
            print(finding)
        guarded += sum(f.guarded for f in findings)
        missing += sum(not f.guarded for f in findings)
    note = f" ({guarded} more behind a try or hasattr)" if guarded else ""
    print(f"{files} file{'s' * (files != 1)}, {names} torch names used, {missing} missing{note}")
    return 2 if broken else int(missing > 0)
