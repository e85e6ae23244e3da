"""``torch.utils._sympy``: ranges of unknown sizes; sizes are always plain ints here."""
