"""``torch.backends.mkldnn``: oneDNN is not used; XLA's own CPU code is."""


def is_available() -> bool:
    """Whether PyTorch computes with oneDNN (never)."""
    return False


__all__ = ["is_available"]
