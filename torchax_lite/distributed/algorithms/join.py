"""Uneven inputs over processes: names that refuse to be used."""

from .._placeholders import fill

fill(globals(), classes="Join JoinHook Joinable")
