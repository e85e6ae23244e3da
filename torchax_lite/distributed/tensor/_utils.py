"""Shapes of the parts of distributed tensors: names that refuse to be used."""

from .._placeholders import fill

fill(globals(), functions="compute_global_tensor_info compute_local_shape_and_global_offset")
