"""``torch.special``: special functions, re-exported from the generated wrappers."""

from ._generated.special import *  # noqa: F403
from ._generated.special import __all__  # noqa: F401
