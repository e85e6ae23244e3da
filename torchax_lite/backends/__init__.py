"""``torch.backends``: settings of PyTorch's compute libraries, where XLA does the work.

Choices of float32 precision are carried out. Choices between library kernels (cuDNN's ``benchmark``, ``deterministic``,
...) are kept and read back only: XLA selects its algorithms itself.
"""

from . import (
    cpu,
    cuda,
    cudnn,
    cusparselt,
    kleidiai,
    mha,
    miopen,
    mkl,
    mkldnn,
    mps,
    nnpack,
    openmp,
    opt_einsum,
    quantized,
)

__all__ = [
    "cpu", "cuda", "cudnn", "cusparselt", "kleidiai", "mha", "miopen", "mkl", "mkldnn", "mps", "nnpack", "openmp",
    "opt_einsum", "quantized",
]  # fmt: skip
