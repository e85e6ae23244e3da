"""``python -m torch.utils.collect_env``: the versions and devices that a bug report should name."""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import shutil
import subprocess
import sys
from collections import namedtuple

__all__ = ["SystemEnv", "get_env_info", "get_pretty_env_info", "main", "pretty_str", "run"]

SystemEnv = namedtuple(
    "SystemEnv",
    [
        "torch_version", "is_debug_build", "cuda_compiled_version", "gcc_version", "clang_version", "cmake_version", "os",
        "libc_version", "python_version", "python_platform", "is_cuda_available", "cuda_runtime_version",
        "cuda_module_loading", "nvidia_driver_version", "nvidia_gpu_models", "cudnn_version", "is_xpu_available",
        "pip_version", "pip_packages", "conda_packages", "hip_compiled_version", "hip_runtime_version",
        "miopen_runtime_version", "caching_allocator_config", "is_xnnpack_available", "cpu_info",
    ],
)  # fmt: skip

PIP_PATTERNS = {
    "torchax", "torch", "numpy", "scipy", "jax", "jaxlib", "jax-cuda", "ml_dtypes", "optax", "orbax", "flax", "nvidia",
    "mypy",
}  # fmt: skip
_NOT_FOUND = "Could not collect"


def run(command: list[str] | str) -> tuple[int, str, str]:
    """(return code, output, errors) of a command."""
    shell = isinstance(command, str)
    try:
        done = subprocess.run(command, capture_output=True, shell=shell, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return 127, "", str(error)
    coding = locale.getpreferredencoding()
    return done.returncode, done.stdout.decode(coding, "replace").strip(), done.stderr.decode(coding, "replace").strip()


def _first_line(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    code, out, _ = run(list(command))
    return out.splitlines()[0] if code == 0 and out else None


def _gpus() -> str | None:
    import torchax_lite as torch

    if not torch.cuda.is_available():
        return None
    return "\n".join(f"GPU {i}: {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count()))


def _packages() -> str:
    found = set()
    for d in importlib.metadata.distributions():
        name = d.metadata["Name"]
        if name and any(name.lower().startswith(p) for p in PIP_PATTERNS):
            found.add(f"{name}=={d.version}")
    return "\n".join(sorted(found, key=str.lower))


def _cpu() -> str:
    code, out, _ = run(["lscpu"]) if shutil.which("lscpu") else (1, "", "")
    return out if code == 0 else platform.processor() or platform.machine()


def get_env_info() -> SystemEnv:
    """Everything, as a named tuple."""
    import torchax_lite as torch

    cuda = torch.cuda.is_available()
    return SystemEnv(
        torch_version=f"{torch.__version__} (torchax_lite {torch.version.torchax_lite})", is_debug_build="False",
        cuda_compiled_version="N/A", gcc_version=_first_line("gcc", "--version"),
        clang_version=_first_line("clang", "--version"), cmake_version=_first_line("cmake", "--version"),
        os=platform.platform(), libc_version="-".join(platform.libc_ver()),
        python_version=f"{sys.version.replace(chr(10), ' ')} ({sys.maxsize.bit_length() + 1}-bit runtime)",
        python_platform=platform.platform(), is_cuda_available=str(cuda),
        cuda_runtime_version=_first_line("nvcc", "--version"),
        cuda_module_loading=os.environ.get("CUDA_MODULE_LOADING", "LAZY") if cuda else "N/A",
        nvidia_driver_version=_first_line("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        nvidia_gpu_models=_gpus(), cudnn_version=None, is_xpu_available="False",
        pip_version="pip" + str(sys.version_info.major), pip_packages=_packages(),
        conda_packages=None, hip_compiled_version="N/A", hip_runtime_version="N/A", miopen_runtime_version="N/A",
        caching_allocator_config=os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "N/A"), is_xnnpack_available="False",
        cpu_info=_cpu(),
    )  # fmt: skip


_FORMAT = """
PyTorch version: {torch_version}
Is debug build: {is_debug_build}
CUDA used to build PyTorch: {cuda_compiled_version}
ROCM used to build PyTorch: {hip_compiled_version}

OS: {os}
GCC version: {gcc_version}
Clang version: {clang_version}
CMake version: {cmake_version}
Libc version: {libc_version}

Python version: {python_version}
Python platform: {python_platform}
Is CUDA available: {is_cuda_available}
CUDA runtime version: {cuda_runtime_version}
CUDA_MODULE_LOADING set to: {cuda_module_loading}
GPU models and configuration: {nvidia_gpu_models}
Nvidia driver version: {nvidia_driver_version}
cuDNN version: {cudnn_version}
Is XPU available: {is_xpu_available}
HIP runtime version: {hip_runtime_version}
MIOpen runtime version: {miopen_runtime_version}
Is XNNPACK available: {is_xnnpack_available}
Caching allocator config: {caching_allocator_config}

CPU:
{cpu_info}

Versions of relevant libraries:
{pip_packages}
{conda_packages}
""".strip()


def pretty_str(envinfo: SystemEnv) -> str:
    """Everything as text."""
    values = {k: _NOT_FOUND if v is None else v for k, v in envinfo._asdict().items()}
    values["pip_packages"] = "\n".join(
        f"[{envinfo.pip_version}] {line}" for line in str(envinfo.pip_packages).split("\n")
    )
    values["conda_packages"] = (
        "[conda] " + _NOT_FOUND if envinfo.conda_packages is None else str(envinfo.conda_packages)
    )
    return _FORMAT.format(**values)


def get_pretty_env_info() -> str:
    """:func:`pretty_str` of this environment."""
    return pretty_str(get_env_info())


def main() -> None:
    """The command line."""
    print("Collecting environment information...")
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
