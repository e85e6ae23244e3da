"""The table of cases, and what the cases assert with."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DOCS = "https://docs.pytorch.org/docs/stable/"

Check = Callable[[Any], None]


@dataclass(frozen=True)
class Case:
    """One documented behaviour.

    Attributes:
        api: public name that the case is about, such as ``torch.nn.Linear``.
        page: address of the documentation page that states the behaviour.
        check: given the torch module, raises if the behaviour is another.
    """

    api: str
    page: str
    check: Check

    @property
    def id(self) -> str:
        """``api:function``, unique."""
        return f"{self.api}:{self.check.__name__}"

    @property
    def namespace(self) -> str:
        """What the summary groups by: the part of the API's name before the last dot, or all of it for a namespace."""
        return self.api if self.api in ("torch.Tensor", "torch.autograd") else self.api.rpartition(".")[0]


CASES: dict[str, Case] = {}


def case(api: str, page: str | None = None) -> Callable[[Check], Check]:
    """Register a case; ``page`` is relative to the documentation's root, by default the API's own page."""

    def register(check: Check) -> Check:
        new = Case(api, DOCS + (page or f"generated/{api}.html"), check)
        if new.id in CASES:
            raise ValueError(f"case {new.id} is registered twice")
        CASES[new.id] = new
        return check

    return register


def load() -> dict[str, Case]:
    """Every case of :mod:`compat_suite.cases`, by id."""
    from . import cases

    for found in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{found.name}")
    return CASES


def same(actual: Any, expected: Any, *, atol: float = 0.0) -> None:
    """Assert that two tensors have the same dtype, shape and values (NaN equals NaN).

    Args:
        actual: the result.
        expected: a tensor made by the case.
        atol: the largest absolute difference of a value.
    """
    assert actual.dtype == expected.dtype, f"dtype {actual.dtype}, expected {expected.dtype}"
    assert tuple(actual.shape) == tuple(expected.shape), (
        f"shape {tuple(actual.shape)}, expected {tuple(expected.shape)}"
    )
    got, want = actual.detach().tolist(), expected.detach().tolist()
    assert _close(got, want, atol), f"values {got}, expected {want}"


def _close(a: Any, b: Any, atol: float) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(_close(x, y, atol) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b) or (atol > 0 and abs(a - b) <= atol)


def raises(kind: type[BaseException], words: str, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Assert that a call raises ``kind`` with ``words`` in the text."""
    try:
        fn(*args, **kwargs)
    except kind as error:
        assert words in str(error), f"{kind.__name__} says {str(error)!r}, expected {words!r} in it"
        return
    except Exception as error:
        raise AssertionError(f"raised {type(error).__name__}: {error}; expected {kind.__name__}") from error
    raise AssertionError(f"raised nothing, expected {kind.__name__}")
