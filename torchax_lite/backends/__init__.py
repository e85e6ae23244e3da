"""``torch.backends``: settings of PyTorch's compute libraries, where XLA does the work.

Choices of float32 precision are carried out. Choices between library kernels (cuDNN's ``benchmark``, ``deterministic``,
...) are kept and read back only: XLA selects its algorithms itself.
"""

from . import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
