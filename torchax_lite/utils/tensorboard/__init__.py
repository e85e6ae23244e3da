"""``torch.utils.tensorboard``: event files for TensorBoard, written by the package ``tensorboardX`` (an extra)."""

from __future__ import annotations

try:
    import tensorboardX as _tensorboardX  # noqa: F401
except ImportError as error:
    raise ImportError(
        "torch.utils.tensorboard needs the package tensorboardX to write event files: pip install tensorboardX "
        "(or torchax-lite[tensorboard])"
    ) from error

from ._records import RecordWriter
from .writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "RecordWriter", "SummaryWriter"]
