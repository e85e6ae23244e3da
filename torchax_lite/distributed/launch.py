"""The old name of ``torch.distributed.run``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from . import run


def main(args: Sequence[str] | None = None) -> None:
    """The command line."""
    warnings.warn(
        "The module torch.distributed.launch is deprecated and will be removed in future. Use torchrun.",
        FutureWarning,
        stacklevel=2,
    )
    run.main(args)


if __name__ == "__main__":
    main()
