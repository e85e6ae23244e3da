"""What autocast does with each op, by device type: PyTorch's lists, in terms of this package's ops and functions.

Policies: ``lower`` (arguments to the low precision), ``fp32``, ``fp32_dtype`` (the ``dtype`` argument, where none is
given, becomes float32), ``fp32_first`` (only the first argument matters), ``promote`` (to the widest floating type among
the arguments), ``recurrent`` (``lower``, then results as wide as the hidden state), ``einsum`` and ``banned``.
"""

from __future__ import annotations

import importlib

LOWER, FP32, FP32_DTYPE, FP32_FIRST, PROMOTE = "lower", "fp32", "fp32_dtype", "fp32_first", "promote"
RECURRENT, EINSUM, BANNED = "recurrent", "einsum", "banned"


def _table(**names: str) -> dict[str, str]:
    return {op: policy for policy, ops in names.items() for op in ops.split()}


_PRODUCTS = (
    "convolution conv_tbc prelu matmul mm bmm baddbmm baddbmm.scaled addmm addmm.scaled addbmm addbmm.scaled "
    "scaled_dot_product_attention_masked lstm_layer rnn_layer"
)
_LOSSES = (
    "nll_loss nll_loss2d smooth_l1_loss huber_loss mse_loss multilabel_margin_loss soft_margin_loss multi_margin_loss "
    "binary_cross_entropy_with_logits"
)
_CPU = _table(
    lower=f"{_PRODUCTS} tensordot inner rnn_tanh_cell rnn_relu_cell",
    recurrent="gru_layer lstm_cell gru_cell",
    einsum="einsum",
    fp32=f"{_LOSSES} adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d max_pool3d_with_indices max_unpool2d max_unpool3d "
    "fractional_max_pool2d fractional_max_pool3d binary_cross_entropy cdist cholesky_inverse cholesky_solve ctc_loss "
    "grid_sampler linalg_cholesky_ex linalg_eig linalg_eigh linalg_inv_ex linalg_lu_solve linalg_qr _linalg_svd "
    "linalg_householder_product _linalg_solve_ex polar prod prod.dim_int quantile quantile.scalar nanquantile "
    "nanquantile.scalar reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d replication_pad3d trace",
    promote="cat stack index_copy",
)  # fmt: skip
_CUDA = _table(
    lower=f"{_PRODUCTS} mv addmv addmv.scaled addr einsum gru_layer lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
    fp32=f"{_LOSSES} acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow.Tensor_Scalar "
    "pow.Tensor_Tensor pow.Scalar pow.static softplus layer_norm rms_norm group_norm cosine_similarity dist pdist cdist "
    "logsumexp upsample",
    fp32_dtype="prod prod.dim_int softmax softmax.functional softmin log_softmax log_softmax.functional cumprod cumsum "
    "vector_norm sum",
    fp32_first="norm norm.number",
    promote="addcdiv addcmul atan2 bilinear linalg_cross dot vdot grid_sampler index_put tensordot scatter_add",
    banned="binary_cross_entropy",
)  # fmt: skip
OPS: dict[str, dict[str, str]] = {"cpu": _CPU, "cuda": _CUDA, "xla": _CUDA}
"""Device type -> full name of an op -> policy. Accelerators that are not CUDA's follow the same list."""

_FUNCTION_LOSSES = (
    "poisson_nll_loss cosine_embedding_loss hinge_embedding_loss kl_div l1_loss margin_ranking_loss triplet_margin_loss"
)
_LINALG = (
    "cholesky cholesky_ex cond eig eigvals eigh eigvalsh householder_product inv inv_ex lstsq matrix_rank qr solve svd "
    "svdvals tensorinv tensorsolve"
)
_FFT = "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft"


def _paths(module: str, names: str) -> list[str]:
    return [f"{module}:{name}" for name in names.split()]


_PRODUCT_FUNCTIONS = {
    **dict.fromkeys(_paths("nn.functional", "linear"), LOWER),
    **dict.fromkeys(_paths("linalg", "vecdot"), LOWER),
}
FUNCTIONS: dict[str, dict[str, str]] = {
    "cpu": {
        **_PRODUCT_FUNCTIONS,
        **dict.fromkeys(_paths("nn.functional", f"cross_entropy {_FUNCTION_LOSSES}"), FP32),
        **dict.fromkeys(_paths("linalg", _LINALG), FP32),
        **dict.fromkeys(_paths("fft", _FFT), FP32),
        **dict.fromkeys(
            _paths(
                "", "cholesky inverse lu_solve pinverse qr svd triangular_solve stft geqrf orgqr ormqr view_as_complex"
            ),
            FP32,
        ),
    },
    "cuda": {
        **_PRODUCT_FUNCTIONS,
        **dict.fromkeys(_paths("linalg", "multi_dot"), LOWER),
        **dict.fromkeys(_paths("", "chain_matmul"), LOWER),
        **dict.fromkeys(_paths("nn.functional", _FUNCTION_LOSSES), FP32),
        **dict.fromkeys(_paths("", "renorm"), FP32),
        **dict.fromkeys(_paths("linalg", "matrix_norm"), FP32_DTYPE),
    },
}
"""Device type -> ``module:function`` of functions that PyTorch's lists name and that are composed of ops here -> policy."""
FUNCTIONS["xla"] = FUNCTIONS["cuda"]


def find_functions() -> dict[str, list[object]]:
    """The Python functions behind the names of :data:`FUNCTIONS`, with both spellings of one that has two."""
    package = __package__.rpartition(".")[0]
    found: dict[str, list[object]] = {}
    for path in {path for table in FUNCTIONS.values() for path in table}:
        module_name, _, name = path.partition(":")
        try:
            module = importlib.import_module(f"{package}.{module_name}" if module_name else package)
        except ModuleNotFoundError:
            continue
        functions = [getattr(module, name, None)]
        if not module_name:
            functions.append(getattr(module.Tensor, name, None))
        found[path] = [f for f in dict.fromkeys(functions) if hasattr(f, "__code__")]
    return found
