"""Device types of other packages: JAX's platforms are used instead."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["generate_methods_for_privateuse1_backend", "rename_privateuse1_backend"]


def _missing(name: str) -> NoReturn:
    raise NotImplementedError(
        f"torch.utils.{name} is not available: other devices come to torchax_lite as JAX plugins, under device type 'xla'"
    )


def rename_privateuse1_backend(backend_name: str) -> None:
    """Not available."""
    _missing("rename_privateuse1_backend")


def generate_methods_for_privateuse1_backend(
    for_tensor: bool = True, for_module: bool = True, for_packed_sequence: bool = True, for_storage: bool = False,
    unsupported_dtype: Any = None,
) -> None:  # fmt: skip
    """Not available."""
    _missing("generate_methods_for_privateuse1_backend")
