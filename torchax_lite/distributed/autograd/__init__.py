"""Autograd over processes: names that refuse to be used."""

from .._placeholders import fill

fill(globals(), classes="context", functions="backward get_gradients")
