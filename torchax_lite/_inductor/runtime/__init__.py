"""``torch._inductor.runtime``: where compiled programs are kept."""
