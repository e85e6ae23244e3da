"""``torch.backends.kleidiai``: Arm's KleidiAI is not used."""


def is_available() -> bool:
    """Whether PyTorch computes with KleidiAI (never)."""
    return False


__all__ = ["is_available"]
