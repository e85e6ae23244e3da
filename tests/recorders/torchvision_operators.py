"""Loads torchvision's compiled operators beside a torch without CUDA.

torchvision's wheel on PyPI is built with CUDA, but against PyTorch's stable interface, so that its CPU kernels run with
any torch; only the CUDA libraries that it names are missing. Empty libraries of these names, with the few symbols that
it looks for, are compiled (``cc``) and loaded first; then everything but CUDA works.

Use: ``import torchvision_operators`` before ``import torchvision``. Install torchvision with ``pip install --no-deps``.
"""

import ctypes
import pathlib
import subprocess
import tempfile

_SYMBOLS = {
    "libc10_cuda.so": "aoti_torch_get_current_cuda_stream torch_c10_cuda_check_msg torch_c10_cuda_free_error_msg",
    "libtorch_cuda.so": "torch_cuda_is_absent",
    "libcudart.so.13": "__cudaGetKernel __cudaInitModule __cudaLaunchKernel __cudaPopCallConfiguration "
    "__cudaPushCallConfiguration __cudaRegisterFatBinary __cudaRegisterFatBinaryEnd __cudaRegisterFunction "
    "__cudaRegisterVar __cudaUnregisterFatBinary cudaDeviceGetAttribute cudaDeviceSynchronize cudaGetDevice "
    "cudaGetLastError",
}

_folder = tempfile.TemporaryDirectory()
for _name, _symbols in _SYMBOLS.items():
    _source = pathlib.Path(_folder.name, "source.c")
    _source.write_text("".join(f"void *{symbol}(void) {{ return 0; }}\n" for symbol in _symbols.split()))
    _versions = pathlib.Path(_folder.name, "versions")
    _versions.write_text(f"{_name} {{ *; }};\n" if "cudart" in _name else "{ *; };\n")
    _library = str(pathlib.Path(_folder.name, _name))
    _options = ["-shared", "-fPIC", f"-Wl,-soname,{_name}", f"-Wl,--version-script={_versions}", "-o", _library]
    subprocess.run(["cc", *_options, str(_source)], check=True)
    ctypes.CDLL(_library, mode=ctypes.RTLD_GLOBAL)
