"""What ``torch.library`` and ``torch.ops`` are made of: schemas, operators, namespaces."""
