"""Text of tensors: ``repr``, ``format`` and the print options, as PyTorch lays them out.

The layout is decided in three steps, all on the host and in NumPy:

1. an array with more elements than ``threshold`` is cut down to the elements that will be shown;
2. one number style (`_Style`: text of a number and column width) is chosen from these elements;
3. the texts are nested into brackets, and the metadata that the text cannot show (device, size, dtype,
   ``grad_fn`` or ``requires_grad``) follows as suffixes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .modes import modes

__all__ = [
    "format_values",
    "get_printoptions",
    "printoptions",
    "set_printoptions",
    "tensor_format",
    "tensor_repr",
]


@dataclasses.dataclass
class _Options:
    precision: int = 4  # digits after the decimal point
    threshold: float = 1000  # more elements than this are summarised
    edgeitems: int = 3  # elements shown at both ends of a summarised dimension
    linewidth: int = 80  # columns
    sci_mode: bool | None = None  # scientific notation: always, never, or by the values


_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options = _Options()

# Scientific notation is chosen by these bounds on the absolute values of the nonzero finite elements.
_SCI_RATIO = 1000.0
_SCI_LARGE = 1.0e8
_SCI_SMALL = 1.0e-4


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; an option left at None keeps its value, except ``sci_mode``.

    Args:
        precision: digits after the decimal point (4 at the start).
        threshold: a tensor with more elements than this is summarised (1000 at the start).
        edgeitems: elements shown at each end of a summarised dimension (3 at the start).
        linewidth: columns after which a line is broken (80 at the start).
        profile: ``"default"``, ``"short"`` or ``"full"``: a set of values for the four options above,
            each of which may be overridden in the same call.
        sci_mode: True: floating-point numbers in scientific notation; False: never; None: chosen from
            the values. Every call sets it, so a call without it goes back to the choice by values.

    Raises:
        ValueError: ``profile`` is none of the three names.

    >>> set_printoptions(precision=2)
    >>> format_values(np.array([1.23456, 2.5]))
    '[1.23, 2.50]'
    >>> set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"unknown print profile {profile!r}: expected one of {', '.join(_PROFILES)}")
        for name, value in _PROFILES[profile].items():
            setattr(_options, name, value)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, option in given.items():
        if option is not None:
            setattr(_options, name, option)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Current print options by name: what `set_printoptions` takes to restore them."""
    return dataclasses.asdict(_options)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Context in which the print options are changed as by `set_printoptions`; the old ones come back at its end."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


# --- step 1: which elements are shown -------------------------------------------------------------------------


def _is_cut(length: int) -> bool:
    return length > 2 * _options.edgeitems


def _edges(values: np.ndarray) -> np.ndarray:
    """The elements of ``values`` that a summary shows: both ends of every dimension that is cut."""
    if values.ndim == 0:
        return values
    edge = _options.edgeitems
    kept = [[*range(edge), *range(n - edge, n)] if _is_cut(n) else range(n) for n in values.shape]
    return values[np.ix_(*kept)]


# --- step 2: the style of the numbers -------------------------------------------------------------------------


@dataclasses.dataclass
class _Style:
    """How the numbers of one tensor are written: ``text(number)``, padded on the left to ``width`` columns."""

    text: Callable[[Any], str]
    width: int

    def __call__(self, number: Any) -> str:
        return self.text(number).rjust(self.width)


def _is_floating(dtype: np.dtype) -> bool:
    return dtype.kind == "f" or dtype.name.startswith(("float", "bfloat"))


def _host_numbers(values: np.ndarray) -> np.ndarray:
    """``values`` in a dtype whose ``tolist`` gives Python numbers of the same value (float64 for every float)."""
    if _is_floating(values.dtype):
        with np.errstate(invalid="ignore"):  # signalling NaNs
            return values.astype(np.float64)
    if values.dtype.kind in "biuc":
        return values
    return values.astype(np.int64)  # the small integers of ml_dtypes


def _measured(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The elements that decide style and width: those that are neither zero nor infinite nor NaN.

    float8_e8m0fnu has neither zero nor infinity: there PyTorch counts the smallest value as zero and NaN as finite.
    """
    measured: np.ndarray = np.isfinite(numbers) & (numbers != 0)
    if dtype.name == "float8_e8m0fnu":
        measured = numbers != 2.0**-127
    return np.extract(measured, numbers)


def _style(numbers: np.ndarray, dtype: np.dtype) -> _Style:
    """Style for the real ``numbers`` (as given by `_host_numbers`) of a tensor of ``dtype``."""
    if not _is_floating(dtype):
        return _Style(str, max((len(str(x)) for x in numbers.ravel().tolist()), default=1))

    measured = _measured(numbers.ravel(), dtype)
    whole = bool(np.all(measured == np.ceil(measured)))
    scientific: bool | None = False
    if measured.size:
        scientific = _options.sci_mode
        if scientific is None:
            magnitude = np.abs(measured)
            low, high = float(magnitude.min()), float(magnitude.max())
            scientific = high / low > _SCI_RATIO or high > _SCI_LARGE or low < _SCI_SMALL

    if scientific:
        spec = f".{_options.precision}e"
    elif whole:
        spec = ".0f"
    else:
        spec = f".{_options.precision}f"
    point = "." if whole and not scientific else ""

    def text(number: float) -> str:
        digits = format(number, spec)
        return digits + point if math.isfinite(number) else digits

    # The width leaves room for the point after every measured element.
    width = max((len(format(x, spec)) + len(point) for x in measured.tolist()), default=1)
    return _Style(text, max(width, 1))


def _cells(shown: np.ndarray) -> tuple[list[str], int]:
    """Texts of the elements of ``shown`` in row-major order, and the columns that one takes."""
    dtype = shown.dtype
    if dtype.kind != "c":
        numbers = _host_numbers(shown)
        style = _style(numbers, dtype)
        return [style(x) for x in numbers.ravel().tolist()], style.width

    real, imag = (_style(_host_numbers(part), part.dtype) for part in (shown.real, shown.imag))

    def text(number: complex) -> str:
        imaginary = imag(number.imag).lstrip() + "j"
        sign = "" if imaginary.startswith(("+", "-")) else "+"
        return real(number.real) + sign + imaginary

    return [text(x) for x in shown.ravel().tolist()], real.width + imag.width + len("j")


# --- step 3: the layout ---------------------------------------------------------------------------------------


def _row(cells: list[str], indent: int, per_line: int) -> str:
    lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(cells: list[str], shape: Sequence[int], cut: Sequence[bool], indent: int, per_line: int) -> str:
    """Brackets around ``cells`` (row-major, of ``shape``); an ellipsis stands in the middle of a ``cut`` dimension."""
    length = shape[0]
    if len(shape) == 1:
        parts, ellipsis = cells, " ..."
    else:
        step = len(cells) // length
        blocks = (cells[i * step : (i + 1) * step] for i in range(length))
        parts, ellipsis = [_nested(block, shape[1:], cut[1:], indent + 1, per_line) for block in blocks], "..."
    if cut[0]:
        middle = length // 2
        parts = [*parts[:middle], ellipsis, *parts[middle:]]
    if len(shape) == 1:
        return _row(parts, indent, per_line)
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(parts) + "]"


def format_values(values: np.ndarray, *, indent: int = 0, summarize: bool | None = None) -> str:
    """The elements of ``values`` in nested brackets: the text inside ``tensor(...)``.

    Args:
        values: array of any shape; bool, integer, floating (ml_dtypes' kinds too) or complex.
        indent: columns before the first bracket; later lines are indented to match.
        summarize: show only the edges of long dimensions. None: when there are more than ``threshold`` elements.

    >>> print(format_values(np.arange(6.0).reshape(2, 3), indent=7))
    [[0., 1., 2.],
            [3., 4., 5.]]
    """
    if values.size == 0:
        return "[]"
    if summarize is None:
        summarize = values.size > _options.threshold
    if summarize and values.ndim and not _options.edgeitems:
        return "[...]"
    cut = [summarize and _is_cut(n) for n in values.shape]
    shown = _edges(values) if summarize else values
    cells, width = _cells(shown)
    if values.ndim == 0:
        return cells[0]
    # The room of a line is counted at the depth of the innermost bracket.
    room = _options.linewidth - (indent + values.ndim - 1)
    per_line = max(1, math.floor(room / (width + len(", "))))
    return _nested(cells, shown.shape, cut, indent, per_line)


# --- tensors --------------------------------------------------------------------------------------------------


def _default_dtype() -> str:
    from .dtypes import get_default_dtype

    return str(get_default_dtype())


def _is_library_class(cls: type, names: tuple[str, ...]) -> bool:
    """Whether ``cls`` is one of this package's own classes of these names (not a user's class of the same name)."""
    return cls.__name__ in names and cls.__module__.partition(".")[0] in (__name__.partition(".")[0], "torch")


def _is_plain(tensor: Any) -> bool:
    return _is_library_class(type(tensor), ("Tensor", "Parameter"))


def _is_parameter(tensor: Any) -> bool:
    by_class = any(_is_library_class(cls, ("Parameter",)) for cls in type(tensor).__mro__)
    return by_class or bool(getattr(tensor, "_is_param", False))


def _grad_suffix(tensor: Any) -> list[str]:
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view whose base was changed in a way that autograd forbids still prints
        return ["grad_fn=<Invalid>"]
    if node is not None:
        name = node.name() if callable(getattr(node, "name", None)) else type(node).__name__
        return [f"grad_fn=<{name.rpartition('::')[2]}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _suffixes(tensor: Any) -> list[str]:
    """What the values do not tell: device, size, dtype, then how the tensor takes part in autograd."""
    shape = tuple(int(n) for n in tensor.shape)
    meta, empty = tensor.device.type == "meta", 0 in shape
    dtype, default = str(tensor.dtype), _default_dtype()
    understood = {default}
    if not (meta or empty):  # values show that they are whole numbers, truth values or complex
        default_complex = "torch.complex128" if default == "torch.float64" else "torch.complex64"
        understood |= {default_complex, "torch.int64", "torch.bool"}

    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if meta or (len(shape) != 1 if empty else not _options.edgeitems):
        suffixes.append(f"size={shape}")
    if dtype not in understood:
        suffixes.append(f"dtype={dtype}")
    return suffixes + _grad_suffix(tensor)


def _with_suffixes(text: str, suffixes: list[str], indent: int, new_line: bool = False) -> str:
    """``text, suffix, …)``, with a line break before each suffix that would pass the line width.

    ``new_line``: the first suffix begins a line in any case.
    """
    # PyTorch counts the last line of the values two columns too long, and the lines of suffixes exactly.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if new_line or column + len(suffix) + len(", ") > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
            new_line = False
        else:
            text += ", " + suffix
            column += len(", ") + len(suffix)
    return text + ")"


def tensor_repr(t: Any, *, tensor_contents: str | None = None, more: Sequence[str] = ()) -> str:
    """Text of a tensor, as ``Tensor.__repr__`` returns it.

    A tensor or parameter prints as ``tensor(...)``, a subclass under its own name, and an instance of a subclass
    that is a parameter as ``Parameter(Name(...))``. Values of a meta tensor are not read: it prints ``...``.

    Args:
        t: the tensor.
        tensor_contents: text to print in place of the values, which are then not read.
        more: what to say after the properties.
    """
    if modes.transforms or modes.grad_scopes:
        from .transforms import shown

        text = shown(t)
        if text is not None:
            return text
    plain = _is_plain(t)
    prefix = "tensor(" if plain else f"{type(t).__name__}("
    if tensor_contents is not None:
        contents = tensor_contents
    elif t.device.type == "meta":
        contents = "..."
    elif 0 in t.shape:
        contents = "[]"
    else:
        contents = format_values(t._host_array(), indent=len(prefix))
    text = _with_suffixes(prefix + contents, [*_suffixes(t), *more], len(prefix))
    return f"Parameter({text})" if _is_parameter(t) and not plain else text


def tensor_format(t: Any, spec: str) -> str:
    """``format(t, spec)``: a 0-d tensor formats as its Python number, any other tensor takes no ``spec``.

    Parameters and subclasses, and meta tensors, never format as a number.

    Raises:
        TypeError: a ``spec`` is given for a tensor that does not format as a number.
    """
    if len(t.shape) == 0 and t.device.type != "meta" and _is_library_class(type(t), ("Tensor",)):
        return format(_host_numbers(t._host_array()).item(), spec)
    return object.__format__(t, spec)
