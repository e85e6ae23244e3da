"""Gradients averaged within a node first: names that refuse to be used."""

from ..._placeholders import fill

fill(globals(), classes="PostLocalSGDState", functions="post_localSGD_hook")
