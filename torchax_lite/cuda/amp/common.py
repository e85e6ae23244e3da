"""Whether mixed precision on CUDA is out of question."""


def amp_definitely_not_available() -> bool:
    """Whether JAX has no GPU."""
    from .. import is_available

    return not is_available()


__all__ = ["amp_definitely_not_available"]
