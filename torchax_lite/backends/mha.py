"""``torch.backends.mha``: PyTorch's fast path of attention in evaluation, a setting that is kept and read back."""

_fastpath = True


def get_fastpath_enabled() -> bool:
    """The setting."""
    return _fastpath


def set_fastpath_enabled(value: bool) -> None:
    """Keep the setting."""
    global _fastpath
    _fastpath = value


__all__ = ["get_fastpath_enabled", "set_fastpath_enabled"]
