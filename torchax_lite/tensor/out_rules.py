"""Which dtypes an ``out=`` tensor may have: safe casts by default, and what PyTorch's single functions ask for instead.

A rule is a condition (the result's dtype exactly, or any dtype it casts to) and the text of the error. In a text,
``{want}`` and ``{got}`` are the dtypes' names (``Float``), ``{c_want}`` and ``{c_got}`` their C++ names (``float``), and
``{name}`` is the function's public name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from . import dtypes

C_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int",
    "Int": "int", "Short": "short int", "Char": "signed char", "Byte": "unsigned char", "Bool": "bool",
    "ComplexFloat": "c10::complex<float>", "ComplexDouble": "c10::complex<double>",
}  # fmt: skip
"""Scalar type names and what they are called in C++."""


class Rule(NamedTuple):
    """What is asked of the dtype of ``out``, and the error otherwise."""

    text: str
    exact: bool = True
    error: type[Exception] = RuntimeError
    allowed: tuple[str, ...] = ()
    """Scalar types that pass whatever the result's is."""


SAFE = Rule("result type {want} can't be cast to the desired output type {got}", exact=False)
_SAME = Rule("Expected out tensor to have dtype {c_want}, but got {c_got} instead")
_ITERATOR = Rule("Found dtype {got} but expected {want}")
_CAT = Rule("torch.cat(): input types can't be cast to the desired output type {got}", exact=False, error=TypeError)
_CASTABLE = "{}: Expected {} to be safely castable from {{want}} dtype, but got {} with dtype {{got}}"
_BOOL_ONLY = Rule("{name} does not support non-boolean outputs.")
_INT_OUT = Rule(
    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether "
    "out_int32 flag is True, but we got output tensor's dtype {got}"
)


_MEAN = Rule("mean.dtype_out(): input types can't be cast to the desired output type {got}", exact=False)
_COMPLEX_OUT = Rule("ifft expects a complex output tensor, but got {got}", exact=False)


def _castable(shown: str, what: str = "result") -> Rule:
    return Rule(_CASTABLE.format(shown, what, what), exact=False)


RULES: dict[str, Rule | tuple[Rule, ...]] = {
    **dict.fromkeys(
        (
            "addmm",
            "addmv",
            "baddbmm",
            "bmm",
            "mm",
            "alias_copy",
            "as_strided_copy",
            "diagonal_copy",
            "expand_copy",
            "permute_copy",
            "squeeze_copy",
            "t_copy",
            "transpose_copy",
            "unfold_copy",
            "unsqueeze_copy",
            "view_copy",
            "split_copy",
            "split_with_sizes_copy",
            "unbind_copy",
            "slice_copy",
            "select_copy",
            "cross",
            "linalg_cross",
            "gather",
            "index_add",
            "index_copy",
            "index_reduce",
            "linalg_cholesky",
            "linalg_cholesky_ex",
            "linalg_det",
            "linalg_eigvalsh",
            "linalg_inv",
            "linalg_inv_ex",
            "linalg_ldl_solve",
            "linalg_ldl_factor",
            "linalg_ldl_factor_ex",
            "linalg_lu",
            "linalg_lu_factor",
            "linalg_lu_factor_ex",
            "linalg_lu_solve",
            "linalg_solve",
            "linalg_solve_ex",
            "_linalg_solve_ex",
            "linalg_svdvals",
            "linalg_svd",
            "_linalg_svd",
            "svd",
            "linalg_eigh",
            "linalg_qr",
            "qr",
            "linalg_slogdet",
            "linalg_vector_norm",
            "vector_norm",
            "norm",
            "triangular_solve",
            "lu_unpack",
            "log_softmax",
            "softmax",
            "msort",
            "sort",
            "topk",
            "avg_pool2d",
            "avg_pool3d",
            "linear",
            "renorm",
            "scatter",
            "scatter_add",
            "scatter_reduce",
            "slice_scatter",
            "take_along_dim",
            "tril",
            "triu",
            "aminmax",
            "max.dim",
            "min.dim",
            "argmax",
            "argmin",
            "isin",
            "matmul",
        ),
        _SAME,
    ),
    **dict.fromkeys(
        (
            "abs",
            "bitwise_not",
            "ceil",
            "conj_physical",
            "floor",
            "frac",
            "neg",
            "gelu",
            "hardshrink",
            "softplus",
            "softshrink",
            "round",
            "sgn",
            "sign",
            "trunc",
        ),
        _ITERATOR,
    ),
    **dict.fromkeys(("cat", "stack", "hstack", "vstack", "dstack", "column_stack", "_chunk_cat"), _CAT),
    **dict.fromkeys(("isneginf", "isposinf", "signbit"), _BOOL_ONLY),
    **dict.fromkeys(("bucketize", "searchsorted"), _INT_OUT),
    **{name: _castable(name) for name in ("cholesky", "cholesky_inverse", "cholesky_solve")},
    **{f"linalg_{name}": _castable(f"linalg.{name}") for name in ("cond", "pinv")},
    **{f"linalg_{name}": _castable(name) for name in ("matrix_power", "tensorinv", "tensorsolve")},
    "linalg_householder_product": _castable("torch.linalg.householder_product"),
    "linalg_eigvals": _castable("torch.linalg.eigvals", "eigenvalues"),
    "linalg_eig": _castable("torch.linalg.eig", "eigenvalues"),
    "linalg_lstsq": _castable("torch.linalg.lstsq", "solution"),
    "geqrf": _castable("torch.geqrf", "a"),
    **{
        f"fft_{name}": Rule(f"{shown} expects a complex output tensor, but got {{got}}", exact=False)
        for name, shown in {
            "fft": "fft",
            "fft2": "fftn",
            "fftn": "fftn",
            "ifft": "ifft",
            "ifft2": "fftn",
            "ifftn": "fftn",
            "rfft": "rfft",
            "rfft2": "rfftn",
            "rfftn": "rfftn",
            "ihfft": "ihfft",
            "ihfft2": "ihfftn",
            "ihfftn": "ihfftn",
        }.items()
    },
    **{
        f"fft_{name}": Rule(f"{shown} expects a floating point output tensor, but got {{got}}", exact=False)
        for name, shown in {
            "hfft": "hfft",
            "hfft2": "hfftn",
            "hfftn": "hfftn",
            "irfft": "irfft",
            "irfft2": "irfftn",
            "irfftn": "irfftn",
        }.items()
    },
    **dict.fromkeys(
        ("amax", "amin"),
        Rule(
            "Expected the dtype for input and out to match, but got {want} for input's dtype and {got} for out's dtype."
        ),
    ),
    **dict.fromkeys(("all", "any"), Rule("{name} only supports bool tensor for result, got: {got}", allowed=("Byte",))),
    **dict.fromkeys(
        ("index_select", "masked_select"), Rule("{name}(): self and result must have the same scalar type")
    ),
    **dict.fromkeys(("dot", "vdot"), Rule("result dtype {got} does not match input dtype {want}")),
    **dict.fromkeys(("cummax", "cummin", "logcumsumexp"), Rule("expected scalar_type {want} but found {got}")),
    **dict.fromkeys(
        ("linalg_solve_triangular", "log_sigmoid", "logsigmoid", "native_batch_norm", "_native_batch_norm_legit"),
        Rule("expected scalar type {want} but found {got}"),
    ),
    "norm.nuc": Rule("linalg.matrix_norm expected out tensor dtype {want} but got: {got}"),
    **dict.fromkeys(("linalg_norm",), Rule("linalg.norm expected out tensor dtype {want} but got: {got}")),
    "diag": (Rule("diag: result type {want} can't be cast to the desired out= type {got}", exact=False), _SAME),
    "ldexp": Rule("ldexp can't be cast to the desired output type {got}", exact=False),
    "diff.none": Rule("expected scalar_type {want} but found {got}"),
    "abs.complex": SAFE,
    "ldexp.complex": (
        Rule("ldexp can't be cast to the desired output type {got}", exact=False, allowed=("Half", "Float", "Double")),
        SAFE,
    ),
    "fft_ifft.real": (_COMPLEX_OUT, _ITERATOR),
    "fft_ihfft": (Rule("ihfft expects a complex output tensor, but got {got}", exact=False), _ITERATOR),
    "linalg_matrix_norm": Rule("linalg.matrix_norm expected out tensor dtype {want} but got: {got}"),
    "linalg_vecdot": Rule("linalg.vecdot: Expected out of dtype{want} but found {got}"),
    "full": Rule("dtype {want} does not match dtype of out parameter ({got})"),
    **dict.fromkeys(("cumsum", "cumprod"), _SAME),
    "mode": Rule("expected scalar type '{want}' but got '{got}' for values output"),
    "kthvalue": Rule("output values must be of same type as input"),
    "take": Rule(
        "take(): self and out expected to have the same dtype, but got self.dtype = {want} and out.dtype = {got}"
    ),
    **dict.fromkeys(("quantile", "nanquantile"), Rule("quantile() out tensor must be same dtype as the input tensor")),
    **dict.fromkeys(
        ("complex", "polar"),
        Rule("Expected object of scalar type {want} but got scalar type {got} for argument 'out'"),
    ),
    "multinomial": Rule("multinomial expects Long tensor out, got: {got}"),
    "nonzero": Rule("nonzero: Expected out tensor to have scalar type {want} but got scalar type{got}"),
    "where": Rule("Expected out type to be {want} but got {got}"),
    "nan_to_num": Rule("nan_to_num: dtype of out: {got} should be same as input: {want}"),
    "heaviside": Rule("heaviside is not yet implemented for tensors with different dtypes."),
    "histogram": Rule(
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {c_want} and hist {c_got}"
    ),
    "histc": Rule(
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {c_want} and hist {c_got}"
    ),
    "multi_dot": Rule("multi_dot(): expected out tensor to have dtype {c_want} but got {c_got}"),
    "addbmm": Rule("self and mat2 must have the same dtype, but got {got} and {want}"),
    "mv": Rule("addmv input tensors must have the same dtype, but got {got}, {want}, and {want}"),
    "inner": Rule(
        "tensordot: Expected the output tensor to have dtype {want}, but got an output tensor with dtype {got}"
    ),
    "tensordot": Rule(
        "tensordot: Expected the output tensor to have dtype {want}, but got an output tensor with dtype {got}"
    ),
    "narrow_copy": Rule("Expected self.dtype() == output.dtype() to be true, but got false."),
    "ormqr": Rule(
        "torch.ormqr: Expected input and result to have the same dtype, but input has dtype{want} and result has dtype {got}"
    ),
    "float_power": Rule(
        "the output given to float_power has dtype {got} but the operation's result requires dtype {want}"
    ),
    "logsumexp": Rule(
        "logsumexp(): Expected floating point type for result tensor, but got: {got}",
        allowed=("Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"),
    ),
    **dict.fromkeys(
        ("max.all", "min.all"),
        Rule(
            "Expected canCast( typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())) to be true, but got "
            "false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)",
            exact=False,
        ),
    ),
    **dict.fromkeys(
        ("nansum", "nanmean"),
        Rule(
            "\"nansum_cpu\" not implemented for '{got}'",
            error=NotImplementedError,
            allowed=("Half", "BFloat16", "Float", "Double"),
        ),
    ),
    **dict.fromkeys(("std.half", "var.half"), (SAFE, Rule("std_var_all: Unsupported dtype {want}"))),
    "nansum.integers": Rule("", allowed=tuple(C_NAMES)),
    "mean.all": _MEAN,
    "mean.all.as": (_MEAN, _SAME),
    "mean.some.as": _SAME,
    **{
        f"mvlgamma.{given}": Rule(
            f"mvlgamma: result type {given} can't be cast to the desired output type {{want}}", exact=False
        )
        for given in C_NAMES
    },
}
"""By the name of an op, with its overload, with a case of :func:`case_of`, or without.

Of several rules the first that is broken speaks.
"""


def case_of(name: str, given: Sequence[Any], statics: Sequence[Any]) -> str:
    """The name of an op with what its arguments are, where that decides on the rule."""
    base = name.partition(".")[0]
    if base in ("std", "var") and dtypes.scalar_type_name(given[0].dtype) in ("Half", "BFloat16"):
        dims = statics[0] if "." in name else None  # without an overload's name it is over all
        return f"{base}.half" if not dims or len(dims) == max(given[0].ndim, 1) else name
    if base == "nansum" and given[0]._aval.dtype.kind in "biu":
        return "nansum.integers"
    if base == "diff" and statics[0] == 0:
        return "diff.none"
    if name in ("max", "min"):
        return f"{name}.all"
    if name == "matmul" and len(given) == 2:
        ranks = given[0].ndim, given[1].ndim
        return "dot" if ranks == (1, 1) else "mv" if ranks[1] == 1 and ranks[0] > 2 else name
    if base == "mean":
        return f"mean.{'all' if statics[0] is None else 'some'}{'' if statics[2] is None else '.as'}"
    if base == "norm" and "nuc" in statics:
        return "norm.nuc"
    if base == "mvlgamma":
        return f"mvlgamma.{dtypes.scalar_type_name(given[0].dtype)}"
    if base in ("abs", "fft_ifft", "ldexp"):
        return f"{base}.{'complex' if any(t._aval.dtype.kind == 'c' for t in given) else 'real'}"
    return name


def shown_name(base: str, given: Sequence[Any]) -> str:
    """The function that PyTorch names where ``out=`` meets gradients."""
    if base == "logsigmoid":
        return "log_sigmoid_forward"
    kind = base.removeprefix("fft_")
    if kind == base or not kind.endswith(("t", "t2", "tn")) or "freq" in kind:
        return base
    if kind.startswith(("irfft", "hfft")):
        return "_fft_c2r"
    real = all(t._aval.dtype.kind != "c" for t in given)
    return "_fft_r2c" if real and kind in ("fft", "rfft", "rfft2", "rfftn") else "_fft_c2c"


_ROWS_IF_FILLED = frozenset(
    ("lstsq", "geqrf", "linalg_eig", "linalg_householder_product", "orgqr", "cholesky_inverse", "ormqr")
)


def keeps_rows(name: str, filled: bool) -> bool:
    """Whether ``out`` (``filled``: with elements) is resized row by row, although the result lies in another order."""
    if name in _ROWS_IF_FILLED:
        return filled
    return name in ("lu", "cholesky", "cholesky_solve", "linalg_tensorinv") or (
        name.startswith("fft_") and name not in ("fft_ifft.real", "fft_ihfft")
    )


WITH_GRADIENT = frozenset(
    (
        "alias_copy", "as_strided_copy", "conj_physical", "diag", "diagonal_copy", "expand_copy", "fft_ifft.real", "fft_ihfft",
        "inner", "linalg_cond", "linalg_eigvals", "linalg_matrix_norm", "linalg_matrix_power", "linalg_norm", "linalg_tensorinv", "linalg_tensorsolve", "log_softmax", "lu", "nanquantile", "norm.nuc",
        "permute_copy", "quantile", "softmax", "slice_scatter", "special_ndtr", "ndtr", "squeeze_copy", "t_copy", "tensordot",
        "transpose_copy", "unbind_copy", "_native_batch_norm_legit", "diff.none", "split_with_sizes_copy", "unfold_copy", "unsqueeze_copy", "view_copy",
    )
)  # fmt: skip
"""Functions that take ``out`` although an argument requires grad: the result is copied into it."""

SILENT = frozenset(("full", "addbmm", "multinomial", "narrow_copy", "lu", "logsigmoid"))
"""Functions that resize ``out`` without a warning; ``full`` stands for all that create tensors."""


def check_inplace_dtype(name: str, want: dtypes.dtype, got: dtypes.dtype, asked: bool) -> None:
    """Raise where an in-place function wants its result's dtype exactly; ``asked``: it was given as ``dtype=``."""
    shown = dtypes.scalar_type_name(want), dtypes.scalar_type_name(got)
    if name == "float_power":
        raise RuntimeError(
            f"the base given to float_power_ has dtype {shown[1]} but the operation's result requires dtype {shown[0]}"
        )
    if name == "abs":
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    if name == "mvlgamma":
        raise RuntimeError(f"mvlgamma: result type {shown[1]} can't be cast to the desired output type {shown[0]}")
    if name == "ldexp" and not dtypes.can_cast(want, got):
        raise RuntimeError(f"ldexp can't be cast to the desired output type {shown[1]}")
    if name == "square" and got is dtypes.bool_:
        raise RuntimeError("result type Long can't be cast to the desired output type Bool")
    if name in ("cumsum", "cumprod") and asked:
        have, need = (C_NAMES.get(n, n) for n in (shown[1], shown[0]))
        raise RuntimeError(f"Bad in-place call: input tensor dtype {have} and output tensor dtype {need} should match")


def check_inplace_shapes(name: str, target: Any, others: Sequence[Any]) -> None:
    """Raise where an in-place function wants its tensor's shape and says so in its own words."""
    shape = tuple(target.shape)
    if name == "addr":
        if len(shape) != 2:
            raise RuntimeError(f"2D tensor expected, got {len(shape)}D tensor for input")
        first, second = (list(t.shape) for t in others)
        if len(first) == len(second) == 1 and shape != (*first, *second):
            raise RuntimeError(f"size mismatch, input: {list(shape)}, v1: {first}, v2: {second}")
    if name == "masked_scatter":
        mask = tuple(others[0].shape)
        if len(mask) > len(shape):
            kind = dtypes.scalar_type_name(others[0].dtype)
            raise RuntimeError(
                f"expand(CPU{kind}Type{{{list(mask)}}}, size={list(shape)}): the number of sizes provided ({len(shape)}) "
                f"must be greater or equal to the number of dimensions in the tensor ({len(mask)})"
            )
        for k in range(-1, -len(mask) - 1, -1):
            if mask[k] not in (1, shape[k]):
                raise RuntimeError(
                    f"The expanded size of the tensor ({shape[k]}) must match the existing size ({mask[k]}) at "
                    f"non-singleton dimension {k + len(shape)}.  Target sizes: {list(shape)}.  Tensor sizes: {list(mask)}"
                )


def check_out_dtype(name: str, want: dtypes.dtype, got: dtypes.dtype) -> None:
    """Raise unless a result of dtype ``want`` may be written to an ``out`` of dtype ``got`` by the function ``name``."""
    if want is got:
        return
    found = RULES.get(name) or RULES.get(name.partition(".")[0]) or SAFE
    shown: dict[str, Any] = {"want": dtypes.scalar_type_name(want), "got": dtypes.scalar_type_name(got)}
    names = shown | {f"c_{k}": C_NAMES.get(v, v) for k, v in shown.items()}
    for rule in (found,) if isinstance(found, Rule) else found:
        if shown["got"] not in rule.allowed and (rule.exact or not dtypes.can_cast(want, got)):
            raise rule.error(rule.text.format(name=name.partition(".")[0], **names))
