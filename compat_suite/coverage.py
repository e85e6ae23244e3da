"""Which of PyTorch's public names exist here, can be called as documented, and are more than a stub: as a page."""

from __future__ import annotations

import enum
import importlib
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .signatures import Form, allowed_by, form_of_typed, is_stub, mismatch, parse_forms

NAMES = Path(__file__).with_name("names.txt")
PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"

MISSING, STUB, SIGNATURE = "missing", "stub", "other signature"
"""What can be wrong with a name."""

ABSTRACT = frozenset([
    "torch.autograd.Function.backward", "torch.autograd.Function.forward", "torch.autograd.Function.jvp",
    "torch.autograd.Function.setup_context", "torch.autograd.Function.vjp", "torch.autograd.Function.vmap",
    "torch.autograd.NestedIOFunction.backward_extended", "torch.autograd.NestedIOFunction.forward_extended",
    "torch.autograd.NestedIOFunction.jvp", "torch.autograd.NestedIOFunction.setup_context",
    "torch.autograd.NestedIOFunction.vjp", "torch.autograd.function.InplaceFunction.backward",
    "torch.autograd.function.InplaceFunction.forward", "torch.autograd.function.InplaceFunction.jvp",
    "torch.autograd.function.InplaceFunction.setup_context", "torch.autograd.function.InplaceFunction.vjp",
    "torch.autograd.graph.Node.metadata", "torch.autograd.graph.Node.name",
    "torch.autograd.graph.Node.register_hook", "torch.autograd.graph.Node.register_prehook",
    "torch.distributions.Distribution.cdf", "torch.distributions.Distribution.entropy",
    "torch.distributions.Distribution.enumerate_support", "torch.distributions.Distribution.expand",
    "torch.distributions.Distribution.icdf", "torch.distributions.Distribution.log_prob",
    "torch.distributions.Distribution.rsample", "torch.distributions.Transform.log_abs_det_jacobian",
    "torch.distributions.constraints.Constraint.check", "torch.nn.Module.forward", "torch.optim.Optimizer.step",
    "torch.optim.lr_scheduler.LRScheduler.get_lr",
])  # fmt: skip
"""Names that raise NotImplementedError in PyTorch too: subclasses give them a body."""


@dataclass(frozen=True)
class Name:
    """A public name: its tier, its place below the namespace, and its documented call forms if it is callable."""

    tier: int
    name: str
    forms: tuple[Form, ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something wrong with a name."""

    namespace: str
    tier: int
    name: str
    problem: str
    detail: str = ""

    def __str__(self) -> str:
        return (
            f"tier {self.tier} {self.namespace}.{self.name}: {self.problem}{': ' + self.detail if self.detail else ''}"
        )


Names = dict[str, list[Name]]
"""Namespace -> names in the order of the file."""

HEAD = """\
# Coverage

Which public names of PyTorch 2.13 work in `torchax_lite`, by namespace. Written by `python -m compat_suite coverage`
from `compat_suite/names.txt`; a test fails when it is out of date.

Tier 1: what ordinary training and inference scripts use. Tier 2: the rest of the documented tensor, `nn`, `optim`,
data and `linalg` surface. Tier 3: special fields and devices. A name counts if it can be looked up, takes the calls
that its documentation allows (what is required; everything by place; everything by keyword), and is no stub: looking
it up, or its body, only raises `NotImplementedError`. What results are worth is another page:
[compatibility](compatibility.md).

| namespace | tier 1 | tier 2 | tier 3 | missing | stub | other signature |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def read_names(path: Path = NAMES) -> Names:
    """The reference list.

    Raises:
        ValueError: a line is malformed, or stands before the first namespace.
    """
    names: Names = {}
    current: list[Name] | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = names.setdefault(line[1:-1], [])
            continue
        found = re.fullmatch(r"([123]) (\S+)((?: \([^()]*\))*)", line)
        if current is None or not found:
            raise ValueError(
                f"{path.name}, line {number}: expected 'tier name (form) …' below a [namespace], got {line!r}"
            )
        tier, name, forms = found.groups()
        current.append(Name(int(tier), name, tuple(parse_forms(forms))))
    return names


def extract(inventory: Path) -> str:
    """The text of ``names.txt`` from an inventory of the API: JSON with entries of name, group, tier and call forms."""
    groups: dict[str, list[str]] = {}
    for entry in json.loads(inventory.read_text())["entries"]:
        group = re.sub(r" \(.*", "", entry["group"]).replace("submodules", "torch")
        shown = "".join(f" ({', '.join(form)})" for form in _forms(entry)) if entry["tier"] < 3 else ""
        groups.setdefault(group, []).append(f"{entry['tier']} {entry['name'].removeprefix(group + '.')}{shown}")
    parts = [f"\n[{group}]\n" + "\n".join(sorted(set(lines))) for group, lines in sorted(groups.items())]
    return NAMES_HEAD + "\n".join(parts) + "\n"


def _forms(entry: dict[str, Any]) -> list[Form]:
    """The documented call forms; the typed ones where the documentation names calls that these do not have."""
    forms = [tuple(re.sub("=.*", "=", p) for p in form) for form in entry.get("sig", [])]
    typed = [form_of_typed(text) for text in entry.get("overloads", [])]
    if entry["kind"] == "method":
        typed = [tuple(p for p in form if p != "out=") for form in typed]
        typed = [form[:-1] if form[-1:] == ("*",) else form for form in typed]
    name = re.sub(r"_polynomial_\w+", "_polynomial_", entry["name"])
    if name in ACCEPTED:
        return parse_forms(ACCEPTED[name])
    if not typed or forms and all(allowed_by(form, typed) for form in forms):
        return forms
    return list(dict.fromkeys(typed))


ACCEPTED = {
    "torch.Generator.manual_seed": "(seed, /)",
    "torch.Generator.set_state": "(new_state, /)",
    "torch.Tensor.new_tensor": "(data, *, dtype=, device=, requires_grad=)",
    "torch.Tensor.requires_grad_": "(requires_grad=)",
    "torch.dtype": "",
    "torch.layout": "",
    "torch.linalg.cholesky": "(input, *, upper=, out=)",
    "torch.linalg.det": "(A, *, out=)",
    "torch.linalg.diagonal": "(A, *, offset=, dim1=, dim2=)",
    "torch.linalg.householder_product": "(input, tau, *, out=)",
    "torch.linalg.lu_solve": "(LU, pivots, B, *, left=, adjoint=, out=)",
    "torch.linalg.qr": "(A, mode=, *, out=)",
    "torch.linalg.slogdet": "(A, *, out=)",
    "torch.linalg.svd": "(A, full_matrices=, *, driver=, out=)",
    "torch.lu": "(A, pivot=, get_infos=, out=)",
    "torch.memory_format": "",
    "torch.nn.functional.gelu": "(input, *, approximate=)",
    "torch.range": "(start, end, step=, *, out=, dtype=, device=, requires_grad=)",
    "torch.set_num_interop_threads": "(num, /)",
    "torch.set_num_threads": "(num, /)",
    "torch.special.chebyshev_polynomial_": "(x, n, *, out=)",
    "torch.special.hermite_polynomial_": "(x, n, *, out=)",
    "torch.special.laguerre_polynomial_": "(x, n, *, out=)",
    "torch.special.legendre_polynomial_": "(x, n, *, out=)",
    "torch.special.shifted_chebyshev_polynomial_": "(x, n, *, out=)",
    "torch.special.spherical_bessel_j0": "(x, *, out=)",
    "torch.unique_consecutive": "(input, return_inverse=, return_counts=, dim=)",
}
"""What PyTorch accepts, tried out, where a docstring says otherwise."""

NAMES_HEAD = """\
# The public names of PyTorch 2.13 by namespace. A line: tier, name, call forms. Tier 1: what ordinary training and
# inference scripts use; 2: the rest of the documented tensor, nn, optim, data surface; 3: special fields and devices.
# In a form, what follows * goes by keyword only, *x stands for any number, and x= has a default.
"""


def look_up(module: Any, dotted: str) -> tuple[Any, Any] | None:
    """Owner and value of a dotted name, submodules included; None if it is not there.

    Raises:
        NotImplementedError: looking it up says that it is not supported.
    """
    owner, at = None, module
    for part in dotted.split("."):
        owner = at
        try:
            at = getattr(owner, part)
        except (AttributeError, ImportError):
            of_members = isinstance(owner, enum.EnumMeta) and part in ("name", "value")
            if of_members or isinstance(owner, type) and part in getattr(owner, "__annotations__", {}):
                at = None  # an attribute of instances
                continue
            try:
                at = importlib.import_module(f"{owner.__name__}.{part}")
            except (AttributeError, ImportError):
                return None
    if type(at).__name__ == "_Missing":  # torch.cuda's names without a counterpart: they raise when used
        return None
    return owner, at


def check(module: Any, namespace: str, name: Name) -> Finding | None:
    """What is wrong with a name, if anything."""
    prefix = namespace.removeprefix("torch").removeprefix(".")
    dotted = f"{prefix}.{name.name}" if prefix else name.name
    try:
        found = look_up(module, dotted)
    except NotImplementedError:
        return Finding(namespace, name.tier, name.name, STUB)
    if found is None:
        return Finding(namespace, name.tier, name.name, MISSING)
    owner, value = found
    if is_stub(value) and f"torch.{dotted}" not in ABSTRACT:
        return Finding(namespace, name.tier, name.name, STUB)
    if name.forms and name.tier < 3:
        other = mismatch(owner, name.name.rpartition(".")[2], value, list(name.forms))
        if other:
            return Finding(namespace, name.tier, name.name, SIGNATURE, other)
    return None


def findings(module: Any, names: Names | None = None) -> Iterator[Finding]:
    """Everything that is wrong, in the order of the names."""
    for namespace, entries in (read_names() if names is None else names).items():
        for name in entries:
            finding = check(module, namespace, name)
            if finding:
                yield finding


def page(module: Any) -> str:
    """The text of ``docs/coverage.md``."""
    names = read_names()
    found = list(findings(module, names))
    rows = [_row(f"`{n}`", names[n], [f for f in found if f.namespace == n]) for n in names]
    rows.append(_row("**all**", [n for entries in names.values() for n in entries], found))
    return HEAD + "\n".join(rows) + "\n" + "".join(_section(p, found) for p in (MISSING, STUB, SIGNATURE))


def _row(title: str, entries: list[Name], found: list[Finding]) -> str:
    cells = [title]
    for tier in (1, 2, 3):
        total = sum(n.tier == tier for n in entries)
        cells.append(f"{total - sum(f.tier == tier for f in found)} of {total}" if total else "")
    cells += [str(sum(f.problem == p for f in found)) for p in (MISSING, STUB, SIGNATURE)]
    return f"| {' | '.join(cells)} |"


def _section(problem: str, found: list[Finding]) -> str:
    parts = []
    for namespace in dict.fromkeys(f.namespace for f in found):
        for tier in (1, 2, 3):
            names = [f.name for f in found if (f.namespace, f.tier, f.problem) == (namespace, tier, problem)]
            if names:
                parts.append(f"`{namespace}`, tier {tier}:\n\n{_wrapped(names)}\n")
    return f"\n## {problem.capitalize()}\n\n" + "\n".join(parts) if parts else ""


def _wrapped(names: list[str]) -> str:
    return textwrap.fill(", ".join(f"`{n}`" for n in names), 120, break_long_words=False, break_on_hyphens=False)
