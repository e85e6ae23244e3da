"""What torchvision's scripts ask of its compiled part: here operators are JAX programs, and always there."""


def _has_ops() -> bool:
    return True


def _assert_has_ops() -> None:
    """Raise nothing: there is no compiled part that could be missing."""
