"""``torch.utils.backcompat``: warnings about behaviour of PyTorch 0.1; nothing here behaves so, so none come."""

from __future__ import annotations


class Warning:
    """A switch that has no effect.

    Attributes:
        enabled: what was set.
    """

    def __init__(self) -> None:
        self.enabled = False


broadcast_warning = Warning()
keepdim_warning = Warning()
