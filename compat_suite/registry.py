"""The table of cases, and what the cases assert with."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

DOCS = "https://docs.pytorch.org/docs/2.13/"

SEMANTIC, RECORDED = "semantic", "recorded"
"""Kinds of cases: written by hand from the documentation's text, and compared with a recorded result of PyTorch."""

Check = Callable[[Any], None]


class Mismatch(AssertionError):
    """A result differs from the documented one; both sides are kept for the report.

    Args:
        what: which property differs: ``"dtype"``, ``"values"`` …
        expected: what the documentation or the recorded result says, as text or any object.
        got: what came.
    """

    def __init__(self, what: str, expected: Any, got: Any) -> None:
        self.what, self.expected, self.got = what, str(expected), str(got)
        super().__init__(f"{what} {self.got}, expected {self.expected}")


class Missing(Mismatch):
    """A name or an option that the case needs is not there."""


@dataclass(frozen=True)
class Case:
    """One documented behaviour.

    Attributes:
        api: public name that the case is about, such as ``torch.nn.Linear``.
        page: address of the documentation page that states the behaviour.
        check: given the torch module, raises if the behaviour is another.
        name: what sets the case apart from others of the API; by default the name of ``check``.
        kind: :data:`SEMANTIC` or :data:`RECORDED`.
    """

    api: str
    page: str
    check: Check
    name: str = ""
    kind: str = SEMANTIC

    @property
    def id(self) -> str:
        """``api:name``, unique."""
        return f"{self.api}:{self.name or self.check.__name__}"

    @property
    def namespace(self) -> str:
        """What summaries group by; see :func:`namespace_of`."""
        return namespace_of(self.api)


def namespace_of(api: str) -> str:
    """The module that documents a name; ``torch.Tensor`` for its methods: ``torch.nn`` of ``torch.nn.Module.to``."""
    if api in NAMESPACES:
        return api
    parts = api.split(".")
    if parts[:2] == ["torch", "Tensor"]:
        return "torch.Tensor"
    classes = [i for i, part in enumerate(parts) if part[:1].isupper()]
    return ".".join(parts[: classes[0] if classes else -1])


NAMESPACES = frozenset(
    ["torch", "torch.Tensor", "torch.autograd", "torch.func", "torch.linalg", "torch.nn", "torch.nn.functional"]
)
"""Namespaces that cases may be about as a whole."""

CASES: dict[str, Case] = {}


SHARED_PAGES = {
    "torch.distributions": "distributions.html",
    "torch.nn.init": "nn.init.html",
    "torch.special": "special.html",
    "torch.testing": "testing.html",
    "torch.utils.checkpoint": "checkpoint.html",
    "torch.utils.data": "data.html",
}
"""Namespaces whose names stand on one page."""

RENAMED_PAGES = {
    "torch.inference_mode": "torch.autograd.grad_mode.inference_mode",
    "torch.nn.Parameter": "torch.nn.parameter.Parameter",
    "torch.set_grad_enabled": "torch.autograd.grad_mode.set_grad_enabled",
}
"""Names whose pages are called after where they are defined."""


def page_of(api: str) -> str:
    """The address of the documentation of a name: a page of its own, or a place on that of its class or namespace."""
    for namespace, page in SHARED_PAGES.items():
        if api.startswith(namespace + "."):
            return f"{DOCS}{page}#{api}"
    parts = api.split(".")
    owner = next((".".join(parts[: i + 1]) for i, part in enumerate(parts) if part[:1].isupper()), api)
    if owner in (api, "torch.Tensor", "torch.optim.Optimizer"):
        return f"{DOCS}generated/{RENAMED_PAGES.get(api, api)}.html"
    return f"{DOCS}generated/{owner}.html#{api}"


def case(api: str, page: str | None = None) -> Callable[[Check], Check]:
    """Register a case; ``page`` is relative to the documentation's root, by default the API's own page."""

    def register(check: Check) -> Check:
        _add(CASES, [Case(api, DOCS + page if page else page_of(api), check)])
        return check

    return register


def _add(table: dict[str, Case], cases: Iterable[Case]) -> None:
    for new in cases:
        if new.id in table:
            raise ValueError(f"case {new.id} is registered twice")
        table[new.id] = new


def load() -> dict[str, Case]:
    """Every case by id: those of :mod:`compat_suite.cases`, then the recorded ones."""
    from . import cases

    for found in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{found.name}")
    everything = dict(CASES)
    if importlib.util.find_spec(f"{__package__}.recorded"):
        _add(everything, importlib.import_module(f"{__package__}.recorded").load())
    return everything


def same(actual: Any, expected: Any, *, atol: float = 0.0) -> None:
    """Assert that two tensors have the same dtype, shape and values (NaN equals NaN).

    Args:
        actual: the result.
        expected: a tensor made by the case.
        atol: the largest absolute difference of a value.

    Raises:
        Mismatch: the first property that differs.
    """
    if actual.dtype != expected.dtype:
        raise Mismatch("dtype", expected.dtype, actual.dtype)
    if tuple(actual.shape) != tuple(expected.shape):
        raise Mismatch("shape", tuple(expected.shape), tuple(actual.shape))
    got, want = actual.detach().tolist(), expected.detach().tolist()
    if not _close(got, want, atol):
        raise Mismatch("values", want, got)


def _close(a: Any, b: Any, atol: float) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(_close(x, y, atol) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b) or (atol > 0 and abs(a - b) <= atol)


def raises(kind: type[BaseException], words: str, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Assert that a call raises ``kind`` with ``words`` in the text.

    Raises:
        Mismatch: another exception, other words, or none.
        NotImplementedError: passed on, unless it is what is expected.
    """
    expected = f"{kind.__name__}: … {words}" if words else kind.__name__
    try:
        result = fn(*args, **kwargs)
    except Exception as error:
        if isinstance(error, kind) and words in str(error):
            return
        if isinstance(error, NotImplementedError):
            raise
        raise Mismatch("exception", expected, f"{type(error).__name__}: {error}") from error
    raise Mismatch("exception", expected, f"no exception, the result {str(result)[:200]}")
