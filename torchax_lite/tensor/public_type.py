"""Classes that show PyTorch's name of them: ``<class 'torch.Tensor'>``."""

from __future__ import annotations

_PACKAGE = __package__.partition(".")[0]
_HOME = {"tensor.tensor", "tensor.layouts", "tensor.dtypes", "tensor.device", "tensor.size", "tensor.generator"}
"""Modules whose classes PyTorch has in ``torch`` itself."""


class PublicType(type):
    """The type of such classes. A class of the program's own shows its own name."""

    def __repr__(cls) -> str:
        package, _, rest = cls.__module__.partition(".")
        if package != _PACKAGE:
            return super().__repr__()
        home = "torch" if rest in _HOME else f"torch.{rest}"
        return f"<class '{home}.{cls.__qualname__}'>"
