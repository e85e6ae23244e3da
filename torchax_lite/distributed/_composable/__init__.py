"""The earlier place of ``fully_shard``."""
