"""MobileNet v2 and v3."""

from .mobilenetv2 import *
from .mobilenetv2 import __all__ as _v2
from .mobilenetv3 import *
from .mobilenetv3 import __all__ as _v3

__all__ = _v2 + _v3
