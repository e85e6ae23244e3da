"""The integer infinity of ranges of sizes."""

from ..._absent import fill

fill(globals(), "sizes are always plain ints here; use math.inf", classes="IntInfinity NegativeIntInfinity")
