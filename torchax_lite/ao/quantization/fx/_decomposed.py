"""Registers PyTorch's ``quantized_decomposed`` operators when it is imported; there are none here."""
