"""Averages of models over processes: names that refuse to be used."""

from ..._placeholders import fill

fill(globals(), classes="ModelAverager PeriodicModelAverager")
