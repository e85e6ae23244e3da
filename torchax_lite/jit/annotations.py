"""``torch.jit.annotations``: names of types that old scripts import from here."""

from typing import Dict, List, Optional, Tuple, Union  # noqa: UP035

__all__ = ["Dict", "List", "Optional", "Tuple", "Union"]
