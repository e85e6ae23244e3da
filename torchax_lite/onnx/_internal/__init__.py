"""``torch.onnx._internal``: there is no exporter."""
