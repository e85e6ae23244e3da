"""Results of transforms as arrays, and what kind of object each was."""

from __future__ import annotations

import numpy as np
from PIL import Image


def flatten(result):
    """The arrays in a (nested) result, and its structure with all else as JSON has it."""
    leaves = []

    def walk(x):
        if isinstance(x, Image.Image):
            leaves.append(np.array(x))
            return ["pillow", x.mode]
        if hasattr(x, "detach"):
            plain = x.detach()
            leaves.append(np.array(plain.numpy()))
            kind = type(x).__name__
            if hasattr(x, "canvas_size"):
                extra = [x.format.name, x.clamping_mode] if hasattr(x, "format") else []
                return [kind, list(x.canvas_size), *extra]
            return [kind]
        if isinstance(x, dict):
            return {k: walk(v) for k, v in x.items()}
        if isinstance(x, (tuple, list)):
            return ["sequence", *map(walk, x)]
        if isinstance(x, float):
            leaves.append(np.float64(x))
            return ["float"]
        assert x is None or isinstance(x, (int, str, bool)), type(x)
        return x

    facts = walk(result)
    return leaves, facts
