"""Argument checks of distributions: as many as can be decided together cost one host read.

A check of values that are known already (Python numbers, data, parameters at rest) runs in NumPy and starts no program.
The others are recorded, and read together when the outermost constructor ends; the first that fails in PyTorch's order
raises. Tensors without values (``meta``, JAX tracers) are not checked.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

import torchax_lite as torch
from torchax_lite.tensor.value_checks import known_values

F = TypeVar("F", bound=Callable[..., Any])

Verdict = Any  # a bool, or a bool tensor that is not read yet


@dataclass
class Check:
    """Whether values are valid, and what to raise if not."""

    valid: Verdict
    error: Callable[[], Exception]


class _Open(threading.local):
    checks: list[Check] | None = None


_open = _Open()


def has_values(value: Any) -> bool:
    """Whether a tensor's values can be asked for."""
    return not isinstance(value, torch.Tensor) or value._aval.place.kind not in ("meta", "trace")


def verdict(constraint: Any, value: Any) -> Verdict:
    """Whether all of ``value`` satisfies the constraint: a bool where that is known, else a recorded 0-d tensor."""
    if not has_values(value):
        return True
    known = known_values(value) if isinstance(value, torch.Tensor) else None
    in_numpy = None if known is None else constraint.on_arrays(known_values)
    if in_numpy is not None:
        with np.errstate(invalid="ignore"):
            return bool(in_numpy.check(known).all())
    with torch.no_grad():
        return constraint.check(value.detach() if isinstance(value, torch.Tensor) else value).all()


def submit(checks: list[Check]) -> None:
    """Raise the error of the first check that fails, now or when the open :func:`one_read` ends."""
    if _open.checks is None:
        _decide(checks)
    else:
        _open.checks += checks


def _decide(checks: list[Check]) -> None:
    pending = [c.valid for c in checks if isinstance(c.valid, torch.Tensor) and has_values(c.valid)]
    if len(pending) == 1:
        answers = iter([bool(pending[0])])
    else:
        answers = iter(torch.stack(pending).tolist() if pending else [])
    for check in checks:
        if isinstance(check.valid, torch.Tensor):
            valid = next(answers) if has_values(check.valid) else True
        else:
            valid = check.valid
        if not valid:
            raise check.error()


@contextmanager
def one_read() -> Iterator[None]:
    """Checks submitted inside are decided together at the end, or before an exception leaves."""
    if _open.checks is not None:
        yield
        return
    _open.checks = []
    try:
        yield
    finally:
        checks, _open.checks = _open.checks, None
        _decide(checks)


def checked_together(init: F) -> F:
    """A constructor whose own checks and those of the distributions that it makes take one read."""

    @functools.wraps(init)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with one_read():
            return init(*args, **kwargs)

    return wrapped  # type: ignore[return-value]
