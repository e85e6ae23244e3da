"""Autograd over processes: not available, ``is_available()`` says so; the names refuse to be used."""

from .._placeholders import fill


def is_available() -> bool:
    """False."""
    return False


fill(globals(), classes="DistAutogradContext context", functions="backward get_gradients")
