"""Short programs with function transforms, in plain torch. Each takes the torch module and returns what JSON can hold.

``tests/recorders/record_func.py`` runs them with PyTorch; ``tests/func/test_programs.py`` with this package.
"""

from . import custom_functions, forward_mode, gradients, modules, others, products, vmap  # noqa: F401  (each registers its programs)
from ._shared import PROGRAMS

__all__ = ["PROGRAMS"]
