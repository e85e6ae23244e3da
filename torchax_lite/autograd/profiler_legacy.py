"""PyTorch's first profiler: not here."""

from .._absent import fill

fill(globals(), "use torch.profiler.profile", classes="profile")
