"""Tensors that say what they hold, so that ``transforms.v2`` treats each accordingly.

Operations on them give plain tensors; ``clone``, ``to``, ``detach``, ``requires_grad_`` and ``pin_memory`` keep the
class, as do the transforms. `set_return_type` changes that.
"""

from __future__ import annotations

from typing import Any

from torchax_lite import Tensor

from ._bounding_boxes import BoundingBoxes, BoundingBoxFormat, is_rotated_bounding_format
from ._image import Image
from ._keypoints import KeyPoints
from ._mask import Mask
from ._torch_function_helpers import set_return_type
from ._tv_tensor import TVTensor
from ._video import Video


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """A tensor as an instance of ``like``'s class with ``like``'s metadata, single fields replaced by keywords."""
    method = getattr(type(like), "wrap", None)
    return wrappee.as_subclass(type(like)) if method is None else method(wrappee, like, **kwargs)
