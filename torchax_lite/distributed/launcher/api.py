"""Starts of several processes: names that refuse to be used."""

from .._placeholders import fill

fill(globals(), classes="LaunchConfig elastic_launch", functions="launch_agent")
