"""Attention over sequences that are spread over processes: names that refuse to be used."""

from ..._placeholders import fill

fill(globals(), functions="context_parallel context_parallel_unshard set_rotate_method")
