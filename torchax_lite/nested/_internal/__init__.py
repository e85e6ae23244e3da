"""``torch.nested._internal``: nested tensors are not here."""
