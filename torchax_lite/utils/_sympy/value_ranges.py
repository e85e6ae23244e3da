"""Ranges of unknown sizes."""

from ..._absent import fill

fill(globals(), "sizes are always plain ints here", classes="ValueRanges ValueRangeError", functions="bound_sympy")
