"""Gradients of low rank: names that refuse to be used."""

from ..._placeholders import fill

fill(globals(), classes="PowerSGDState", functions="batched_powerSGD_hook powerSGD_hook")
