"""``torch.fx.passes.infra``: passes over graphs."""
