"""``torch.backends.mkl``: Intel's MKL is not used; XLA's own CPU code is."""


def is_available() -> bool:
    """Whether PyTorch computes with Intel's MKL (never)."""
    return False


__all__ = ["is_available"]
