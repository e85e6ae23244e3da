"""``torch.backends.cuda``: precision of matrix products, and PyTorch's CUDA kernels, which XLA does without."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..tensor.functions import get_float32_matmul_precision, set_float32_matmul_precision
from . import _attention
from ._settings import check_precision

_PRECISION_OF = {"none": "highest", "ieee": "highest", "tf32": "high", "bf16": "medium"}
_TF32 = {"highest": "none", "high": "tf32", "medium": "tf32"}


class cuBLASModule:
    """``torch.backends.cuda.matmul``. float32 precision is carried out; reductions are always float32 here."""

    def __init__(self) -> None:
        self.__dict__.update(
            allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True,
            allow_fp16_accumulation=False,
        )  # fmt: skip

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may be computed in TensorFloat32."""
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        if value != self.allow_tf32:
            set_float32_matmul_precision("high" if value else "highest")

    @property
    def fp32_precision(self) -> str:
        """``none``/``ieee`` (float32), ``tf32`` or ``bf16`` for float32 products."""
        return _TF32[get_float32_matmul_precision()]

    @fp32_precision.setter
    def fp32_precision(self, value: str) -> None:
        check_precision(value)
        set_float32_matmul_precision(_PRECISION_OF[value])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("allow_tf32", "fp32_precision") and name not in self.__dict__:
            raise AttributeError(f"Unknown attribute {name}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")


matmul = cuBLASModule()


def is_built() -> bool:
    """Whether PyTorch's own CUDA code is there (never: JAX's GPU support is asked for by ``torch.cuda.is_available``)."""
    return False


# -- attention kernels -------------------------------------------------------------------------------------------------

_kernels = _attention.ENABLED
_half_reduction = {"half_reduction": False}


def _switch(kernel: str, choices: dict[str, bool] = _kernels) -> tuple[Any, Any]:
    def enable(enabled: bool) -> None:
        choices[kernel] = bool(enabled)

    def enabled() -> bool:
        return choices[kernel]

    enable.__doc__ = f"Keep a choice about PyTorch's {kernel} attention; XLA has one implementation."
    enabled.__doc__ = f"The choice kept about PyTorch's {kernel} attention."
    return enable, enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")
allow_fp16_bf16_reduction_math_sdp, fp16_bf16_reduction_math_sdp_allowed = _switch("half_reduction", _half_reduction)


@contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[Any]:
    """Other choices about attention inside the block; use ``torch.nn.attention.sdpa_kernel``."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be removed. Please see "
        "`torch.nn.attention.sdpa_kernel()` for the new context manager, with updated signature.",
        FutureWarning,
        stacklevel=3,
    )
    before = dict(_kernels)
    _kernels.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield {}
    finally:
        _kernels.update(before)


@dataclass
class SDPAParams:
    """The arguments of one call of attention."""

    query: Any
    key: Any
    value: Any
    attn_mask: Any = None
    dropout: float = 0.0
    is_causal: bool = False
    enable_gqa: bool = False


def is_flash_attention_available() -> bool:
    """Whether PyTorch's flash attention is there (never: attention is XLA's)."""
    return False


def is_ck_sdpa_available() -> bool:
    """Whether PyTorch's composable kernels are there (never)."""
    return False


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether PyTorch's flash attention can be used (never)."""
    return False


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether PyTorch's memory-efficient attention can be used (never)."""
    return False


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether cuDNN's attention can be used through PyTorch (never)."""
    return False


# -- libraries ---------------------------------------------------------------------------------------------------------


class _BlasBackend(Enum):
    Default = 0
    Cublas = 1
    Cublaslt = 2
    Ck = 3


class _LinalgBackend(Enum):
    Default = 0
    Cusolver = 1
    Magma = 2


class _ROCmFABackend(Enum):
    Default = 0
    AOTriton = 1
    Ck = 2


_preferred: dict[type[Enum], Any] = {
    _BlasBackend: _BlasBackend.Cublas, _LinalgBackend: _LinalgBackend.Default, _ROCmFABackend: _ROCmFABackend.Default,
}  # fmt: skip


def _prefer(kind: Any, backend: Any) -> Any:
    if isinstance(backend, str):
        names = {b.name.lower(): b for b in kind}
        if backend not in names:
            raise RuntimeError(f"Unknown input value. Choose from: {', '.join(names)}.")
        backend = names[backend]
    if backend is not None:
        if not isinstance(backend, kind):
            raise RuntimeError("Unknown input value type.")
        _preferred[kind] = backend
    return _preferred[kind]


def preferred_blas_library(backend: Any = None) -> Any:
    """Keep, or tell, a choice of PyTorch's library for products; XLA chooses itself."""
    return _prefer(_BlasBackend, backend)


def preferred_linalg_library(backend: Any = None) -> Any:
    """Keep, or tell, a choice of PyTorch's library for decompositions; XLA chooses itself."""
    return _prefer(_LinalgBackend, backend)


def preferred_rocm_fa_library(backend: Any = None) -> Any:
    """Keep, or tell, a choice of PyTorch's library for attention on AMD GPUs; XLA chooses itself."""
    return _prefer(_ROCmFABackend, backend)


def _workspace(name: str) -> int:
    raise NotImplementedError(f"torch.backends.cuda.{name} is not available: XLA allocates its workspaces itself")


def blas_workspace_size(size: int | None = None) -> int:
    """XLA allocates its workspaces itself."""
    return _workspace("blas_workspace_size")


def cublas_workspace_size(size: int | None = None) -> int:
    """XLA allocates its workspaces itself."""
    return _workspace("cublas_workspace_size")


def cublaslt_workspace_size(size: int | None = None) -> int:
    """XLA allocates its workspaces itself."""
    return _workspace("cublaslt_workspace_size")


class cuFFTPlanCache:
    """Plans of cuFFT: XLA keeps its own."""

    def __init__(self, device_index: int = 0) -> None:
        self.device_index = device_index

    def _missing(self, *_: Any) -> Any:
        from ..cuda.devices import init

        init()
        raise NotImplementedError("torch.backends.cuda.cufft_plan_cache is not available: XLA keeps its plans itself")

    size = property(_missing)
    max_size = property(_missing, _missing)
    clear = _missing


class cuFFTPlanCacheManager(cuFFTPlanCache):
    """Plans of cuFFT of each device."""

    def __getitem__(self, device: Any) -> cuFFTPlanCache:
        return cuFFTPlanCache(device)


cufft_plan_cache = cuFFTPlanCacheManager()

__all__ = [
    "SDPAParams", "allow_fp16_bf16_reduction_math_sdp", "blas_workspace_size", "can_use_cudnn_attention",
    "can_use_efficient_attention", "can_use_flash_attention", "cuBLASModule", "cuFFTPlanCache", "cuFFTPlanCacheManager",
    "cublas_workspace_size", "cublaslt_workspace_size", "cudnn_sdp_enabled", "cufft_plan_cache", "enable_cudnn_sdp",
    "enable_flash_sdp", "enable_math_sdp", "enable_mem_efficient_sdp", "flash_sdp_enabled",
    "fp16_bf16_reduction_math_sdp_allowed", "is_built", "is_ck_sdpa_available", "is_flash_attention_available",
    "math_sdp_enabled", "matmul", "mem_efficient_sdp_enabled", "preferred_blas_library", "preferred_linalg_library",
    "preferred_rocm_fa_library", "sdp_kernel",
]  # fmt: skip
