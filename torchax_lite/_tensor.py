"""``torch._tensor``: where programs find ``Tensor`` and the rebuilding of its subclasses from pickles."""

from ._utils import _rebuild_from_type, _rebuild_from_type_v2, _rebuild_wrapper_subclass  # noqa: F401
from .tensor.tensor import Tensor

__all__ = ["Tensor"]
