"""Short autograd programs in plain torch. Each takes the torch module and returns what can be written as JSON.

``tests/recorders/record_autograd.py`` runs them with PyTorch; ``test_programs.py`` runs them with this package and
compares results, or the class and text of the error.
"""

from . import engine, functional, functions, graphs, hooks  # noqa: F401  (each registers its programs)
from ._shared import PROGRAMS, outcome

__all__ = ["PROGRAMS", "outcome"]
