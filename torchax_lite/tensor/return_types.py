"""``torch.return_types``: named tuples of ops with several results. ``<name>_out`` is the class of the ``out=`` form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_FIELDS = {
    **dict.fromkeys(
        ("cummax", "cummin", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort", "topk"), "values indices"
    ),
    "aminmax": "min max", "frexp": "mantissa exponent", "geqrf": "a tau", "histogram": "hist bin_edges",
    "histogramdd": "hist bin_edges", "linalg_cholesky_ex": "L info", "linalg_eig": "eigenvalues eigenvectors",
    "linalg_eigh": "eigenvalues eigenvectors", "linalg_inv_ex": "inverse info", "linalg_ldl_factor": "LD pivots",
    "linalg_ldl_factor_ex": "LD pivots info", "linalg_lstsq": "solution residuals rank singular_values",
    "linalg_lu": "P L U", "linalg_lu_factor": "LU pivots", "linalg_lu_factor_ex": "LU pivots info",
    "linalg_qr": "Q R", "linalg_slogdet": "sign logabsdet", "linalg_solve_ex": "result info", "linalg_svd": "U S Vh",
    "lu_unpack": "P L U", "qr": "Q R", "slogdet": "sign logabsdet", "svd": "U S V",
    "triangular_solve": "solution cloned_coefficient",
}  # fmt: skip
"""Public names and the names of their items."""
_WITHOUT_OUT = {"histogramdd"}
_made: dict[str, type] = {}


class _Result(tuple[Any, ...]):
    """A tuple whose items have names too."""

    _names: tuple[str, ...] = ()
    n_fields = 0
    n_sequence_fields = 0
    n_unnamed_fields = 0

    __slots__ = ()

    def __repr__(self) -> str:
        body = ",\n".join(f"{n}={v!r}" for n, v in zip(self._names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{body})"

    def __reduce__(self) -> Any:
        return _rebuild, (type(self).__name__, self._names, tuple(self))


def _rebuild(name: str, names: Sequence[str], values: Sequence[Any]) -> Any:
    return return_type(name, names)(values)


def return_type(name: str, names: Sequence[str]) -> Any:
    """The class of an op's results."""
    found = _made.get(name)
    if found is None or found._names != tuple(names):  # type: ignore[attr-defined]
        fields: dict[str, Any] = {
            "__slots__": (), "_names": tuple(names), "n_fields": len(names), "n_sequence_fields": len(names),
            "__module__": "torch.return_types", "__match_args__": tuple(names),
        }  # fmt: skip
        for i, n in enumerate(names):
            fields[n] = property(lambda self, i=i: self[i])
        found = _made[name] = type(name, (_Result,), fields)
    return found


def with_outs(result: Any, outs: Sequence[Any]) -> Any:
    """The tensors given as ``out=`` in the class that the ``out=`` form of an op returns."""
    cls = type(result)
    if isinstance(result, _Result) and cls.__name__ + "_out" in _public():
        return return_type(cls.__name__ + "_out", cls._names)(outs)
    return cls(outs)


def _public() -> dict[str, str]:
    return _FIELDS | {f"{n}_out": f for n, f in _FIELDS.items() if n not in _WITHOUT_OUT}


def pytree_register_structseq(cls: type) -> None:
    """Make a class of named results known to ``torch.utils._pytree``."""
    from ..utils._pytree import SequenceKey, register_pytree_node

    register_pytree_node(
        cls,
        lambda result: (list(result), None),
        lambda values, _: cls(values),  # type: ignore[call-arg]
        flatten_with_keys_fn=lambda result: ([(SequenceKey(i), v) for i, v in enumerate(result)], None),
    )


def __getattr__(name: str) -> Any:
    if name in ("register_pytree_node", "SequenceKey"):
        from ..utils import _pytree

        return getattr(_pytree, name)
    names = _public()
    if name in names:
        return return_type(name, names[name].split())
    if name == "all_return_types":
        return [return_type(n, names[n].split()) for n in sorted(names)]
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*_public(), "SequenceKey", "all_return_types", "pytree_register_structseq", "register_pytree_node"})
