"""``torch.ao.quantization.fx``: quantization of traced graphs, which is not supported."""
