"""Choosing frames of videos."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor

from .... import tv_tensors
from ...._kernels.geometry import steps
from ._utils import functional, register


@functional
def uniform_temporal_subsample(inpt: Any, num_samples: int) -> Any:
    """``num_samples`` frames at even distances, the first and the last among them."""


@register(uniform_temporal_subsample, Tensor, tv_tensors.Video)
def uniform_temporal_subsample_video(video: Tensor, num_samples: int) -> Tensor:
    """Frames of a video ``(..., T, C, H, W)``."""
    chosen = steps(0, video.shape[-4] - 1, num_samples, "float32").astype("int64")
    return torch.index_select(video, -4, torch.from_numpy(chosen).to(video.device))
