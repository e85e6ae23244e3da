"""``torch.backends.openmp``: OpenMP is not used; XLA's own CPU code is."""


def is_available() -> bool:
    """Whether PyTorch computes with OpenMP (never)."""
    return False


__all__ = ["is_available"]
