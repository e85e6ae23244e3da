"""torch without PyTorch: tensors, autograd, nn, optim and data, recorded and compiled by XLA through JAX.

``import torchax_lite as torch``, or run an unmodified script by ``python -m torchax_lite script.py``.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ._start import engine  # isort: skip  (first)
from ._generated import torch_ops as _torch_ops
from ._generated.torch_ops import *
from .tensor import arithmetic as _arithmetic  # noqa: F401  (operators)
from .tensor import creation as _creation
from .tensor import dtypes as _dtypes
from .tensor import functions as _functions
from .tensor import generator as _generator
from .tensor import indexing as _indexing  # noqa: F401
from .tensor import powers as _powers
from .tensor import randomness as _randomness
from .tensor import resizing as _resizing  # noqa: F401
from .tensor import return_types
from .tensor import shaping as _shaping
from .tensor import tensor as _tensor_module  # noqa: F401  (defines Tensor before anything uses it)
from .tensor.casting import clone
from .tensor.device import device, get_default_device, set_default_device
from .tensor.dtypes import (
    can_cast,
    dtype,
    finfo,
    get_default_dtype,
    iinfo,
    promote_types,
)
from .tensor.layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    jagged,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from .tensor.printing import set_printoptions
from .tensor.size import Size
from .tensor.tensor import Tensor

for _name, _value in {**_dtypes.DTYPES, **_dtypes.ALIASES, **_creation.LEGACY_TYPES}.items():
    globals()[_name] = _value
for _table in (
    _shaping.FUNCTIONS,
    _creation.FUNCTIONS,
    _randomness.FUNCTIONS,
    _functions.FUNCTIONS,
    _generator.FUNCTIONS,
    _randomness.FUNCTIONS,
):
    globals().update(_table)
pow = _powers.pow

from . import autograd
from . import composite as _composite  # noqa: F401
from .autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .composite.registry import FUNCTIONS as _COMPOSITES
from .composite.registry import METHODS as _COMPOSITE_METHODS

globals().update(_COMPOSITES.get("torch", {}))
for _name, _value in _COMPOSITE_METHODS.items():
    setattr(Tensor, _name, _value)

from . import nn, random, utils, version
from .dropin import install, installed, uninstall
from .nn._functional.torch_forms import *
from .serialization import load, save
from .tensor.storage_api import LEGACY_STORAGES as _LEGACY_STORAGES
from .tensor.storage_api import TypedStorage, UntypedStorage
from .torch_version import __version__

globals().update(_LEGACY_STORAGES)
Storage = _LEGACY_STORAGES["FloatStorage"]

from math import e, inf, nan, pi

newaxis = None

_LAZY = (
    "cuda", "optim", "linalg", "fft", "special", "func", "testing", "distributions", "amp", "hub", "jit", "fx", "onnx",
    "backends", "distributed", "profiler", "interop", "vision", "text", "return_types", "serialization", "overrides",
    "multiprocessing", "storage", "accelerator", "types", "compiler", "library", "futures", "signal", "sparse", "quantization",
    "xpu", "mps", "mtia", "cpu", "quasirandom", "functional",
    "_C", "_dynamo", "_functorch", "_guards", "_higher_order_ops", "_inductor", "_jit_internal", "_library", "_ops",
    "_prims_common", "_subclasses", "_tensor", "_tensor_str", "_utils", "classes", "numa", "export", "masked", "monitor", "nested", "package", "ao", "__config__", "__future__",
)  # fmt: skip

_PROVIDED = {
    "compiler._compile": ("compile",),
    "amp.autocast_mode": (
        "autocast", "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache",
        "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype", "get_autocast_ipu_dtype",
        "get_autocast_xla_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled",
        "is_autocast_ipu_enabled", "is_autocast_xla_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
        "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype",
        "set_autocast_ipu_dtype", "set_autocast_ipu_enabled", "set_autocast_xla_dtype", "set_autocast_xla_enabled",
    ),
    "amp.grad_scaler": ("GradScaler",),
    "_absent": (
        "complex32", "chalf", "bit", "float4_e2m1fn_x2", "int1", "int2", "int3", "int4", "int5", "int6", "int7", "uint1",
        "uint2", "uint3", "uint4", "uint5", "uint6", "uint7", "bits8", "bits16", "bits1x8", "bits2x4", "bits4x2", "quint8",
        "quint4x2", "quint2x4", "qint8", "qint32", "qscheme", "per_tensor_affine", "per_channel_affine",
        "per_tensor_symmetric", "per_channel_symmetric", "per_channel_affine_float_qparams", "quantize_per_tensor",
        "quantize_per_tensor_dynamic", "quantize_per_channel", "quantized_batch_norm", "quantized_max_pool1d",
        "quantized_max_pool2d", "int_repr", "q_scale", "q_zero_point", "q_per_channel_scales",
        "q_per_channel_zero_points", "q_per_channel_axis", "while_loop", "QInt8Storage", "QInt32Storage",
        "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage", "SymInt", "SymFloat", "SymBool", "Tag", "_logging",
        "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine",
    ),
    "_information": (
        "_assert", "as_strided_", "binary_cross_entropy_with_logits", "compiled_with_cxx11_abi", "cond", "fill", "get_device",
        "get_device_module", "resize_as_", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum",
        "to_dlpack", "typename", "unsafe_split_with_sizes", "has_lapack", "has_mkl", "has_openmp", "has_spectral",
    ),
    "sparse": (
        "sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor", "sparse_bsr_tensor", "sparse_bsc_tensor",
        "sparse_compressed_tensor", "hspmm", "smm", "sspaddmm", "resize_as_sparse_",
    ),
    "_streams": ("AcceleratorError", "Event", "OutOfMemoryError", "Stream"),
    "_native": (
        "_cast_Byte", "_cast_Char", "_cast_Double", "_cast_Float", "_cast_Half", "_cast_Int", "_cast_Long", "_cast_Short",
        "_convert_indices_from_coo_to_csr", "_convert_indices_from_csr_to_coo", "_nested_tensor_from_mask",
        "_nested_view_from_buffer", "_scaled_mm", "dsmm", "eig", "lstsq", "matrix_rank", "set_vital", "solve", "symeig",
        "DeviceObjType", "StorageBase", "TensorType",
    ),
    "func": ("vmap",),
    "_checks": (
        "_assert_async", "_check", "_check_index", "_check_is_size", "_check_not_implemented", "_check_tensor_all",
        "_check_tensor_all_with", "_check_type", "_check_value", "_check_with", "_shape_as_tensor", "_softmax_backward_data",
    ),
}  # fmt: skip
"""Functions and classes of this namespace that come from a module which is loaded when one of them is first asked for."""
_CLASSES = {
    "Future": ".futures",
    "PyTorchFileReader": ".serialization._readers",
    **dict.fromkeys(("ScriptFunction", "ScriptModule"), ".jit"),
}
"""Classes of PyTorch's C++ side that are also names of this namespace."""
_PROVIDERS = {name: module for module, names in _PROVIDED.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "torch":
        return sys.modules[__package__]
    if name == "legacy_contiguous_format":
        return contiguous_format
    if name in _PROVIDERS:
        value = globals()[name] = importlib.import_module(f".{_PROVIDERS[name]}", __package__).TORCH_NAMES[name]
        return value
    if name.startswith("_foreach_"):
        from ._foreach import TORCH_NAMES

        if name in TORCH_NAMES:
            return TORCH_NAMES[name]
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name], __package__), name)
    if name in _LAZY:
        try:
            return importlib.import_module(f".{name}", __package__)
        except ModuleNotFoundError as error:
            if error.name == f"{__package__}.{name}":
                raise AttributeError(f"module 'torch' has no attribute '{name}' here yet") from None
            raise
    raise AttributeError(f"module 'torch' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_PROVIDERS})
