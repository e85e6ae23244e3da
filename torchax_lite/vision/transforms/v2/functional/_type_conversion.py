"""Between Pillow images, NumPy arrays and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import torchax_lite as torch
from torchax_lite import Tensor

from .... import tv_tensors
from ..._conversion import pil_to_tensor as pil_to_tensor
from ..._conversion import to_pil_image as to_pil_image


def to_image(inpt: Any) -> tv_tensors.Image:
    """A tensor, an array ``(H, W, C)`` or a Pillow image as an `tv_tensors.Image`, values as they are."""
    if isinstance(inpt, np.ndarray):
        made = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(inpt).transpose(2, 0, 1)))
    elif isinstance(inpt, Image.Image):
        made = pil_to_tensor(inpt)
    elif isinstance(inpt, Tensor):
        made = inpt
    else:
        raise TypeError(
            f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead."
        )
    return tv_tensors.Image(made)
