"""Element types: ``torch.dtype``, PyTorch's promotion table, ``finfo`` and ``iinfo``."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from .public_type import PublicType

_BOOL, _INT, _FLOAT, _COMPLEX = range(4)


class dtype(metaclass=PublicType):
    """An element type, e.g. ``torch.float32``. Instances are singletons."""

    __slots__ = ("__weakref__", "_aliases", "_category", "_name", "_np", "itemsize")

    def __init__(self, name: str, np_dtype: Any, category: int, aliases: tuple[str, ...] = ()) -> None:
        self._name = name
        self._np = np.dtype(np_dtype)
        self._category = category
        self._aliases = aliases
        self.itemsize: int = self._np.itemsize

    @property
    def is_floating_point(self) -> bool:
        return self._category == _FLOAT

    @property
    def is_complex(self) -> bool:
        return self._category == _COMPLEX

    @property
    def is_signed(self) -> bool:
        return self._category >= _FLOAT or self._np.kind == "i"

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this precision."""
        found = _TO_COMPLEX.get(self._name)
        if found is None:
            raise RuntimeError(f"dtype {self!r} has no complex counterpart here")
        return DTYPES[found]

    def to_real(self) -> dtype:
        """The dtype of the real part."""
        return DTYPES[{"complex64": "float32", "complex128": "float64"}.get(self._name, self._name)]

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _dtype_by_name, (self._name,)

    def __deepcopy__(self, memo: Any) -> dtype:
        return self


_TO_COMPLEX = {
    "bfloat16": "complex64", "float32": "complex64", "float64": "complex128",
    "complex64": "complex64", "complex128": "complex128",
}  # fmt: skip

DTYPES: dict[str, dtype] = {
    d._name: d
    for d in (
        dtype("bool", np.bool_, _BOOL),
        dtype("uint8", np.uint8, _INT),
        dtype("int8", np.int8, _INT),
        dtype("int16", np.int16, _INT, ("short",)),
        dtype("int32", np.int32, _INT, ("int",)),
        dtype("int64", np.int64, _INT, ("long",)),
        dtype("uint16", np.uint16, _INT),
        dtype("uint32", np.uint32, _INT),
        dtype("uint64", np.uint64, _INT),
        dtype("float16", np.float16, _FLOAT, ("half",)),
        dtype("bfloat16", ml_dtypes.bfloat16, _FLOAT),
        dtype("float32", np.float32, _FLOAT, ("float",)),
        dtype("float64", np.float64, _FLOAT, ("double",)),
        dtype("float8_e4m3fn", ml_dtypes.float8_e4m3fn, _FLOAT),
        dtype("float8_e5m2", ml_dtypes.float8_e5m2, _FLOAT),
        dtype("float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, _FLOAT),
        dtype("float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, _FLOAT),
        dtype("float8_e8m0fnu", ml_dtypes.float8_e8m0fnu, _FLOAT),
        dtype("complex64", np.complex64, _COMPLEX, ("cfloat",)),
        dtype("complex128", np.complex128, _COMPLEX, ("cdouble",)),
    )
}
"""Every dtype by its PyTorch name."""

ALIASES: dict[str, dtype] = {alias: d for d in DTYPES.values() for alias in d._aliases}

_FROM_NP: dict[Any, dtype] = {d._np: d for d in DTYPES.values()}

bool_, uint8, int64 = DTYPES["bool"], DTYPES["uint8"], DTYPES["int64"]
float32, float64 = DTYPES["float32"], DTYPES["float64"]
complex64, complex128 = DTYPES["complex64"], DTYPES["complex128"]


def _dtype_by_name(name: str) -> dtype:
    return DTYPES[name]


def from_numpy_dtype(np_dtype: Any) -> dtype:
    """``torch.dtype`` of a NumPy dtype; TypeError for one that torch has not."""
    found = _FROM_NP.get(np_dtype)
    if found is None:
        key = np.dtype(np_dtype)
        found = _FROM_NP.get(key) or _FROM_NP.get(key.newbyteorder("=")) or _FROM_NP.get(_INT_BY_SIZE.get(key.str[1:]))
        if found is None:
            raise TypeError(
                f"can't convert np.ndarray of type {_np_type_name(key)}. The only supported types are: float64, "
                "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, "
                "and bool."
            )
        _FROM_NP[np_dtype] = found
    return found


_INT_BY_SIZE = {
    "i8": np.dtype(np.int64),
    "u8": np.dtype(np.uint64),
    "i4": np.dtype(np.int32),
    "u4": np.dtype(np.uint32),
}


def _np_type_name(key: np.dtype[Any]) -> str:
    return f"{key.type.__module__}.{key.type.__name__}"


_PYTHON_TYPES: dict[Any, dtype] = {float: float64, int: int64, bool: bool_, complex: complex128}


def of_python(x: Any) -> Any:
    """The dtype that Python's ``float``, ``int``, ``bool`` and ``complex`` stand for; anything else unchanged."""
    return _PYTHON_TYPES.get(x, x) if x.__class__ is type else x


def to_numpy_dtype(d: dtype) -> np.dtype[Any]:
    """NumPy dtype of a ``torch.dtype``."""
    return d._np


_default: dtype = float32


def get_default_dtype() -> dtype:
    """The dtype of float results that nothing else decides (``torch.float32`` unless changed)."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the default floating dtype.

    Raises:
        TypeError: for anything that is not a floating dtype.
    """
    global _default
    if not isinstance(d, dtype):
        raise TypeError(f"invalid dtype object: only floating-point types are supported as the default type, got {d!r}")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


_ORDER = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
_LIMITED = {"uint16", "uint32", "uint64"}
_promoted: dict[tuple[dtype, dtype], dtype] = {}


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Smallest dtype that both fit in, by PyTorch's table."""
    if type1 is type2:
        return type1
    key = (type1, type2)
    found = _promoted.get(key)
    if found is None:
        found = _promoted[key] = _promote(type1, type2)
    return found


def _promote(a: dtype, b: dtype) -> dtype:
    if a._category > b._category:
        a, b = b, a
    if a._name.startswith("float8") or b._name.startswith("float8"):
        raise RuntimeError(
            f"Promotion for Float8 Types is not supported, attempted to promote {_cap(a._name)} and {_cap(b._name)}"
        )
    if (a._name in _LIMITED or b._name in _LIMITED) and b._category != _FLOAT:
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{_cap(a._name)} and {_cap(b._name)}"
        )
    if a._category == _BOOL:
        return b
    if b._category == _COMPLEX:
        if a._category == _COMPLEX:
            return complex128
        return complex128 if a._name == "float64" or b is complex128 else complex64
    if a._category < b._category:
        return b
    if a._category == _INT:
        if {a._name, b._name} == {"uint8", "int8"}:
            return DTYPES["int16"]
        return max(a, b, key=lambda d: (d.itemsize, d._np.kind == "i"))
    if {a._name, b._name} == {"float16", "bfloat16"}:
        return float32
    return a if a.itemsize > b.itemsize else b


_SCALAR_TYPE_NAMES = {
    "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long", "float16": "Half",
    "float32": "Float", "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "bool": "Bool", "bfloat16": "BFloat16", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


def _cap(name: str) -> str:
    return _SCALAR_TYPE_NAMES.get(name, name.capitalize())


def scalar_type_name(d: dtype) -> str:
    """The name that PyTorch's error texts use: ``Float`` for ``torch.float32``."""
    return _cap(d._name)


def category(d: dtype) -> int:
    """0 bool, 1 integer, 2 floating, 3 complex."""
    return d._category


def number_dtype(kind: str) -> dtype:
    """Dtype that a Python number stands for: kinds ``b``, ``i``, ``f``, ``c``."""
    if kind == "f":
        return _default
    if kind == "c":
        return complex128 if _default is float64 else complex64
    return bool_ if kind == "b" else int64


def result_dtype(operands: list[tuple[dtype, int]]) -> dtype:
    """Promoted dtype of operands ``(dtype, rank)``: rank 2 = tensor with dims, 1 = 0-dim tensor, 0 = Python number.

    A lower rank raises the dtype only when its category is higher.
    """
    best: list[dtype | None] = [None, None, None]
    for d, rank in operands:
        held = best[rank]
        best[rank] = d if held is None else promote_types(held, d)
    result: dtype | None = None
    for found in (best[2], best[1], best[0]):
        if found is None:
            continue
        if result is None:
            result = found
        elif found._category > result._category:
            result = promote_types(result, found)
    if result is None:
        raise RuntimeError("result_type needs at least one operand")
    return result


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a value may be stored into a tensor of dtype ``to`` without changing its category downwards."""
    if from_._category == _COMPLEX and to._category < _COMPLEX:
        return False
    if from_._category == _FLOAT and to._category < _FLOAT:
        return False
    return not (from_._category != _BOOL and to._category == _BOOL)


class finfo:
    """Limits of a floating (or complex) dtype; of the default dtype when none is given."""

    def __init__(self, type: dtype | None = None) -> None:
        type = get_default_dtype() if type is None else type
        if not isinstance(type, dtype):
            raise TypeError(f"finfo() takes a torch.dtype, got {type!r}")
        if type._category < _FLOAT:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{type!r}'")
        info = ml_dtypes.finfo(type.to_real()._np)
        self.bits: int = int(info.bits)
        self.eps: float = float(info.eps)
        self.max: float = float(info.max)
        self.min: float = float(info.min)
        self.tiny: float = float(info.smallest_normal)
        self.smallest_normal: float = self.tiny
        self.resolution: float = 10.0 ** -int(info.nmant * math.log10(2))
        self.dtype: str = type.to_real()._name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={_g(self.resolution)}, min={_g(self.min)}, max={_g(self.max)}, eps={_g(self.eps)}, "
            f"smallest_normal={_g(self.smallest_normal)}, tiny={_g(self.tiny)}, dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(("finfo", self.dtype))


def _g(x: float) -> str:
    return f"{x:g}"


class iinfo:
    """Limits of an integer dtype."""

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype):
            raise TypeError(f"iinfo() takes a torch.dtype, got {type!r}")
        if type._category >= _FLOAT:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type!r}'")
        if type._category == _BOOL:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        info = np.iinfo(type._np)
        self.bits: int = int(info.bits)
        self.max: int = int(info.max)
        self.min: int = int(info.min)
        self.dtype: str = type._name

    def __repr__(self) -> str:
        return f"iinfo(min={_g(self.min)}, max={_g(self.max)}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(("iinfo", self.dtype))
