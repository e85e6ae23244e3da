"""``torch.numa``: binding of worker processes to parts of the machine: not here."""
