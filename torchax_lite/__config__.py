"""``torch.__config__``: how the package was built."""

from __future__ import annotations


def show() -> str:
    """The versions of what computes, as text."""
    import jax
    import jaxlib
    import numpy

    from .version import __version__

    return (
        f"torchax_lite built with:\n  - version {__version__}\n  - jax {jax.__version__}\n  - jaxlib {jaxlib.__version__}\n"
        f"  - numpy {numpy.__version__}\n  - compiler: XLA\n"
    )


def parallel_info() -> str:
    """Numbers of threads, as text."""
    import os

    from torchax_lite import get_num_threads

    return f"torch.get_num_threads() : {get_num_threads()}\nstd::thread::hardware_concurrency() : {os.cpu_count()}\n"
