"""``torch.utils.cpp_extension``: there is no C++ API to build extensions against."""

from __future__ import annotations

import os
from typing import Any, NoReturn

__all__ = [
    "BuildExtension", "CUDAExtension", "CppExtension", "SyclExtension", "check_compiler_is_gcc",
    "check_compiler_ok_for_platform", "get_compiler_abi_compatibility_and_version", "get_cxx_compiler",
    "get_default_build_root", "include_paths", "is_ninja_available", "library_paths", "load", "load_inline",
    "remove_extension_h_precompiler_headers", "verify_ninja_availability",
]  # fmt: skip

CUDA_HOME = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
ROCM_HOME = os.environ.get("ROCM_HOME")


def _missing(name: str) -> NoReturn:
    raise NotImplementedError(
        f"torch.utils.cpp_extension.{name} is not available: torchax_lite has no C++ API; write the op in JAX (or as a "
        "JAX FFI call) and use it through torchax_lite.interop"
    )


class BuildExtension:
    """Not available."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _missing("BuildExtension")

    @classmethod
    def with_options(cls, **options: Any) -> NoReturn:
        """Not available."""
        _missing("BuildExtension")


def CppExtension(name: str, sources: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("CppExtension")


def CUDAExtension(name: str, sources: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("CUDAExtension")


def SyclExtension(name: str, sources: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("SyclExtension")


def load(name: str, sources: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("load")


def load_inline(name: str, cpp_sources: Any, **kwargs: Any) -> NoReturn:
    """Not available."""
    _missing("load_inline")


def include_paths(device_type: str = "cpu", torch_include_dirs: bool = True) -> NoReturn:
    """Not available."""
    _missing("include_paths")


def library_paths(
    device_type: str = "cpu", torch_include_dirs: bool = True, cross_target_platform: Any = None
) -> NoReturn:
    """Not available."""
    _missing("library_paths")


def get_cxx_compiler() -> str:
    """The compiler that ``CXX`` names, ``c++`` by default."""
    return os.environ.get("CXX", "c++")


def check_compiler_ok_for_platform(compiler: str) -> bool:
    """Whether a compiler of this name can be run."""
    import shutil

    return shutil.which(compiler) is not None


def check_compiler_is_gcc(compiler: str) -> bool:
    """Whether a compiler says that it is GCC."""
    import subprocess

    try:
        text = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return "gcc" in text.lower() or "g++" in text.lower() or "Free Software Foundation" in text


def get_compiler_abi_compatibility_and_version(compiler: str) -> NoReturn:
    """Not available."""
    _missing("get_compiler_abi_compatibility_and_version")


def get_default_build_root() -> str:
    """Where extensions would be built."""
    import tempfile

    return os.path.join(tempfile.gettempdir(), "torch_extensions")


def is_ninja_available() -> bool:
    """Whether ``ninja`` can be run."""
    import shutil

    return shutil.which("ninja") is not None


def verify_ninja_availability() -> None:
    """RuntimeError where ``ninja`` cannot be run."""
    if not is_ninja_available():
        raise RuntimeError("Ninja is required to load C++ extensions (pip install ninja to get it)")


def remove_extension_h_precompiler_headers() -> None:
    """Nothing: no headers are precompiled."""
