"""``torch.backends.cusparselt``: cuSPARSELt is not used."""


def is_available() -> bool:
    """Whether PyTorch computes with cuSPARSELt (never)."""
    return False


def version() -> int | None:
    """Its version (there is none)."""
    return None


def get_max_alg_id() -> int | None:
    """Its number of algorithms (there are none)."""
    return None


__all__ = ["get_max_alg_id", "is_available", "version"]
