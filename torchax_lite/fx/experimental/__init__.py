"""``torch.fx.experimental``: what programs ask of symbolic sizes; sizes are plain numbers here."""
