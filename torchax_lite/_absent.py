"""Names of PyTorch that exist here without what is behind them: dtypes XLA has not, quantised tensors, other devices.

They can be looked up, compared and probed for; using one raises ``NotImplementedError`` and says what to use instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .tensor import dtypes


class AbsentDtype(dtypes.dtype):
    """A dtype that tensors cannot have here."""

    __slots__ = ("_instead", "_signed")

    def __init__(self, name: str, itemsize: int, category: int, instead: str, signed: bool) -> None:
        self._name = name
        self._category = category
        self._aliases = ()
        self._instead = instead
        self._signed = signed
        self.itemsize = itemsize

    @property
    def _np(self) -> Any:  # type: ignore[override]
        raise NotImplementedError(f"torch.{self._name} tensors do not exist here; use {self._instead}")

    @property
    def is_signed(self) -> bool:
        return self._signed

    def to_complex(self) -> dtypes.dtype:
        raise NotImplementedError(f"torch.{self._name} tensors do not exist here; use {self._instead}")

    def to_real(self) -> dtypes.dtype:
        return dtypes.DTYPES["float16"] if self.is_complex else self

    def __reduce__(self) -> Any:
        return _absent_dtype, (self._name,)


def _absent_dtype(name: str) -> AbsentDtype:
    return DTYPES[name]


_INT, _FLOAT, _COMPLEX = 1, 2, 3
_QUANTISED = "float32, bfloat16 or torch.int8"

DTYPES: dict[str, AbsentDtype] = {
    d._name: d
    for d in (
        AbsentDtype("complex32", 4, _COMPLEX, "torch.complex64", True),
        AbsentDtype("float4_e2m1fn_x2", 1, _FLOAT, "torch.float8_e4m3fn", True),
        *(AbsentDtype(f"int{n}", 1, _INT, "torch.int8", True) for n in range(1, 8)),
        *(AbsentDtype(f"uint{n}", 1, _INT, "torch.uint8", False) for n in range(1, 8)),
        *(AbsentDtype(n, 1, _INT, "torch.uint8", False) for n in ("bits8", "bits1x8", "bits2x4", "bits4x2")),
        AbsentDtype("bits16", 2, _INT, "torch.uint16", False),
        *(AbsentDtype(n, 1, _INT, _QUANTISED, False) for n in ("quint8", "quint4x2", "quint2x4")),
        AbsentDtype("qint8", 1, _INT, _QUANTISED, True),
        AbsentDtype("qint32", 4, _INT, _QUANTISED, True),
    )
}


class qscheme:  # noqa: N801  (PyTorch's name)
    """How numbers are quantised; kept as names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _scheme, (self._name,)


def _scheme(name: str) -> qscheme:
    return SCHEMES[name]


SCHEMES = {
    name: qscheme(name)
    for name in (
        "per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric",
        "per_channel_affine_float_qparams",
    )
}  # fmt: skip

_NO_QUANTISED = "quantised tensors do not exist here; keep the values in float32, bfloat16 or torch.int8"
_NO_DISPATCHER = "ops are declared in torchax_lite.ops and have no dispatcher tags"
_ROUND_BY_HAND = "round in float32 and let the gradient through: x + (q(x) - x).detach()"
_NO_TRACED_SIZES = "sizes are always plain ints here, and Python's own operators work on them"

FUNCTIONS = {
    "quantize_per_tensor": _NO_QUANTISED, "quantize_per_tensor_dynamic": _NO_QUANTISED,
    "quantize_per_channel": _NO_QUANTISED, "quantized_batch_norm": _NO_QUANTISED, "quantized_max_pool1d": _NO_QUANTISED,
    "quantized_max_pool2d": _NO_QUANTISED, "int_repr": _NO_QUANTISED, "q_scale": _NO_QUANTISED,
    "q_zero_point": _NO_QUANTISED, "q_per_channel_scales": _NO_QUANTISED, "q_per_channel_zero_points": _NO_QUANTISED,
    "q_per_channel_axis": _NO_QUANTISED,
    "fake_quantize_per_tensor_affine": _ROUND_BY_HAND, "fake_quantize_per_channel_affine": _ROUND_BY_HAND,
    "while_loop": "use a Python loop, or jax.lax.while_loop through torchax_lite.interop",
}  # fmt: skip
"""Functions of ``torch``: what to do instead."""

CLASSES = {
    **dict.fromkeys(
        ("QInt8Storage", "QInt32Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage"), _NO_QUANTISED
    ),
    **dict.fromkeys(("SymInt", "SymFloat", "SymBool"), _NO_TRACED_SIZES),
    "Tag": _NO_DISPATCHER,
    "_logging": "what was compiled and why is told by torchax_lite.engine.explain() and stats()",
}
"""Classes of ``torch`` that have no instances: isinstance is always false."""


def _refusing(name: str, text: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{name}: {text}")

    refuse.__name__ = refuse.__qualname__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Not here: {text}."
    return refuse


def empty_class(name: str, text: str) -> type:
    """A class of ``torch`` without instances; making one raises ``NotImplementedError`` with ``text``."""

    def refuse(cls: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"torch.{name}: {text}")

    return type(name, (), {"__new__": refuse, "__doc__": f"Not here: {text}.", "__module__": "torch"})


def fill(namespace: dict[str, Any], text: str, classes: str = "", functions: str = "") -> None:
    """Put refusing classes and functions (names with spaces between) into a module's namespace, and into ``__all__``.

    Args:
        text: what to use instead.
    """
    module = namespace["__name__"].replace("torchax_lite", "torch", 1)
    prefix = module.partition(".")[2]
    for name in classes.split():
        namespace[name] = empty_class(f"{prefix}.{name}", text)
        namespace[name].__name__ = namespace[name].__qualname__ = name
        namespace[name].__module__ = module
    for name in functions.split():
        namespace[name] = _refusing(f"{module}.{name}", text)
    namespace.setdefault("__all__", []).extend([*classes.split(), *functions.split()])


TORCH_NAMES: dict[str, Any] = {
    **DTYPES,
    "chalf": DTYPES["complex32"],
    "bit": DTYPES["uint1"],
    "qscheme": qscheme,
    **SCHEMES,
    **{name: _refusing(f"torch.{name}", text) for name, text in FUNCTIONS.items()},
    **{name: empty_class(name, text) for name, text in CLASSES.items()},
}
"""What ``torch`` shows of this module."""
