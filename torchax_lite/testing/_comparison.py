"""``assert_close``: numbers, tensors, and sequences and mappings of them, compared within tolerances."""

from __future__ import annotations

import cmath
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

import torchax_lite as torch

_TOLERANCES = {
    torch.float16: (1e-3, 1e-5), torch.bfloat16: (1.6e-2, 1e-5), torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7), torch.complex64: (1.3e-6, 1e-5), torch.complex128: (1e-7, 1e-7),
}  # fmt: skip
"""dtype -> (rtol, atol); every other dtype is compared exactly."""

_NUMBERS = {int: torch.int64, float: torch.float64, complex: torch.complex128}

Path = tuple[Any, ...]
Message = str | Callable[[str], str] | None


@dataclass(frozen=True)
class _Options:
    """What :func:`assert_close` was asked for."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool
    msg: Message

    def tolerances(self, *dtypes: torch.dtype) -> tuple[float, float]:
        """(rtol, atol): those given, or the widest of the dtypes' defaults."""
        if (self.rtol is None) != (self.atol is None):
            missing = "rtol" if self.rtol is None else "atol"
            raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        known = [_TOLERANCES.get(d, (0.0, 0.0)) for d in dtypes]
        return max(k[0] for k in known), max(k[1] for k in known)

    def fail(self, text: str, path: Path, error: type[Exception] = AssertionError) -> NoReturn:
        """Raise with the place of the failure and the caller's message."""
        __tracebackhide__ = True
        if path:
            text += "\n\nThe failure occurred for item " + "".join(str([item]) for item in path)
        raise error((self.msg(text) if callable(self.msg) else self.msg) if self.msg is not None else text)


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: Message = None,
) -> None:  # fmt: skip
    """Assert ``|actual - expected| <= atol + rtol * |expected|`` for every element.

    Args:
        actual, expected: tensors or what ``torch.as_tensor`` takes of the same type, numbers, bools, None, or
            sequences and mappings of these.
        allow_subclasses: also compare related types, not only equal ones.
        rtol, atol: tolerances, both or none; by dtype where not given.
        equal_nan: NaN equals NaN.
        check_device, check_dtype, check_layout, check_stride: these must be equal too.
        msg: text of the error, or a function of the text that would be shown.

    Raises:
        AssertionError: they differ. TypeError: types that are not compared. ValueError: one tolerance alone.
    """
    __tracebackhide__ = True
    options = _Options(
        allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride, msg
    )
    for compare, a, b, path in _pairs(actual, expected, options, ()):
        compare(a, b, options, path)


# ---------------------------------------------------------------- finding what belongs together


def _pairs(
    actual: Any, expected: Any, options: _Options, path: Path
) -> list[tuple[Callable[..., None], Any, Any, Path]]:
    """The leaves to compare, in order, each with its comparison."""
    __tracebackhide__ = True
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            options.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        items = [(i, actual[i], expected[i]) for i in range(len(actual))]
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, extra = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or extra:
            options.fail(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\n"
                f"Additional keys in the actual mapping: {sorted(extra)}",
                path,
            )
        items = [(key, actual[key], expected[key]) for key in _sorted(actual)]
    else:
        return [(_comparison(actual, expected, options, path), actual, expected, path)]
    found = []
    for key, a, b in items:
        found.extend(_pairs(a, b, options, (*path, key)))
    return found


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _sorted(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def _comparison(actual: Any, expected: Any, options: _Options, path: Path) -> Callable[..., None]:
    """How two leaves are compared."""
    if actual is None or expected is None:
        return _compare_none
    bools = (bool, np.bool_)
    if isinstance(actual, bools) and isinstance(expected, bools):
        return _compare_bools
    numbers = (int, float, complex, np.number)
    if isinstance(actual, numbers) and isinstance(expected, numbers):
        if isinstance(actual, bools) or isinstance(expected, bools):
            raise RuntimeError(
                f"Originating a NumberPair() at item {''.join(str([p]) for p in path)} with\n\n"
                f"{type(actual).__name__}(): {actual}\n\nand\n\n{type(expected).__name__}(): {expected}\n\n"
                "resulted in the unexpected exception above."
            )
        options.tolerances(torch.float64)
        return _compare_numbers
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.allow_subclasses or type(actual) is type(expected)):
        if isinstance(actual, torch.Tensor):
            options.tolerances(torch.float64)
            return _compare_tensors
        if not isinstance(actual, str):
            try:
                pair = torch.as_tensor(actual), torch.as_tensor(expected)
            except Exception:
                pair = None
            if pair is not None:
                return lambda a, b, o, p: _compare_tensors(*pair, o, p)
    options.fail(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.", path, TypeError
    )


# ---------------------------------------------------------------- the comparisons


def _compare_none(actual: Any, expected: Any, options: _Options, path: Path) -> None:
    __tracebackhide__ = True
    if not (actual is None and expected is None):
        options.fail(f"None mismatch: {actual} is not {expected}", path)


def _compare_bools(actual: Any, expected: Any, options: _Options, path: Path) -> None:
    __tracebackhide__ = True
    if bool(actual) is not bool(expected):
        options.fail(f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", path)


def _compare_numbers(actual: Any, expected: Any, options: _Options, path: Path) -> None:
    __tracebackhide__ = True
    a, b = (x.item() if isinstance(x, np.number) else x for x in (actual, expected))
    rtol, atol = options.tolerances(_NUMBERS[type(a)], _NUMBERS[type(b)])
    if options.check_dtype and type(a) is not type(b):
        options.fail(f"The (d)types do not match: {type(a)} != {type(b)}.", path)
    if a == b or (options.equal_nan and cmath.isnan(a) and cmath.isnan(b)):
        return
    if cmath.isfinite(abs(a - b)) and abs(a - b) <= atol + rtol * abs(b):
        return
    options.fail(_scalar_text(a, b, rtol, atol), path)


def _scalar_text(a: Any, b: Any, rtol: float, atol: float) -> str:
    gap = abs(a - b)
    relative = float("inf") if b == 0 else gap / abs(b)
    exact = rtol == 0 and atol == 0
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {b} but got {a}.\n"
        f"Absolute difference: {gap}{'' if exact else f' (up to {atol} allowed)'}\n"
        f"Relative difference: {relative}{'' if exact else f' (up to {rtol} allowed)'}"
    )


def _compare_tensors(actual: torch.Tensor, expected: torch.Tensor, options: _Options, path: Path) -> None:
    __tracebackhide__ = True
    rtol, atol = options.tolerances(actual.dtype, expected.dtype)
    attributes: list[tuple[str, bool, Any, Any]] = [("shape", True, actual.shape, expected.shape)]
    attributes.append(("layout", options.check_layout, actual.layout, expected.layout))
    attributes.append(("device", options.check_device, actual.device, expected.device))
    attributes.append(("dtype", options.check_dtype, actual.dtype, expected.dtype))
    if options.check_stride and actual.layout == torch.strided and expected.layout == torch.strided:
        attributes.append(("stride()", True, actual.stride(), expected.stride()))
    for name, wanted, a, b in attributes:
        if wanted and a != b:
            options.fail(f"The values for attribute '{name}' do not match: {a} != {b}.", path)
    if "meta" in (actual.device.type, expected.device.type):
        return
    with torch.no_grad():
        text = _difference(*_equalized(actual.detach(), expected.detach()), rtol, atol, options.equal_nan)
    if text is not None:
        options.fail(text, path)


def _equalized(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both dense, on one device, of one dtype."""
    a, b = (x if x.layout == torch.strided else x.to_dense() for x in (a, b))
    if a.device != b.device:
        a, b = a.cpu(), b.cpu()
    if a.dtype != b.dtype:
        dtype = torch.promote_types(a.dtype, b.dtype)
        a, b = a.to(dtype), b.to(dtype)
    if a.dtype.itemsize == 1 and a.dtype.is_floating_point:
        a, b = a.float(), b.float()
    return a, b


def _difference(a: torch.Tensor, b: torch.Tensor, rtol: float, atol: float, equal_nan: bool) -> str | None:
    matches = torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if bool(matches.all()):
        return None
    if a.ndim == 0:
        return _scalar_text(a.item(), b.item(), rtol, atol)
    exact = rtol == 0 and atol == 0
    if not (a.is_floating_point() or a.is_complex()):
        a, b = a.to(torch.int64), b.to(torch.int64)
    wrong = int((~matches).sum())
    total = matches.numel()
    absolute = (a - b).abs().masked_fill(matches, 0)
    relative = (absolute / b.abs()).masked_fill(matches, 0)
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
        f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})",
    ]
    for name, gaps, allowed in (("absolute", absolute, atol), ("relative", relative, rtol)):
        at = int(gaps.reshape(-1).argmax())
        place = tuple(int(i) for i in np.unravel_index(at, tuple(gaps.shape)))
        limit = "" if exact else f" (up to {allowed} allowed)"
        lines.append(f"Greatest {name} difference: {gaps.reshape(-1)[at].item()} at index {place}{limit}")
    return "\n".join(lines)


# ---------------------------------------------------------------- deprecated

_OLD_TOLERANCES = {torch.float16: (1e-3, 1e-3), torch.float32: (1e-4, 1e-5), torch.float64: (1e-5, 1e-8)}


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """Older form of :func:`assert_close`, with wider tolerances and without a look at the dtype."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    a = actual if isinstance(actual, torch.Tensor) else torch.as_tensor(actual)
    b = expected if isinstance(expected, torch.Tensor) else torch.as_tensor(expected, dtype=a.dtype)
    if rtol is None and atol is None:
        known = [_OLD_TOLERANCES.get(x.dtype, (0.0, 0.0)) for x in (a, b)]
        rtol, atol = max(k[0] for k in known), max(k[1] for k in known)
    assert_close(
        a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False, check_stride=False,
        msg=msg or None,
    )  # fmt: skip
