"""``torch.__future__``: how ``Module.to`` replaces parameters."""

from __future__ import annotations

_overwrite = False
_swap = False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Whether conversions make new parameters. They change the data of the old ones here.

    Raises:
        NotImplementedError: for True.
    """
    if value:
        raise NotImplementedError(
            "set_overwrite_module_params_on_conversion(True): conversions keep the parameter objects"
        )


def get_overwrite_module_params_on_conversion() -> bool:
    """Whether conversions make new parameters."""
    return _overwrite


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Whether conversions and ``load_state_dict`` use ``torch.utils.swap_tensors``.

    Raises:
        NotImplementedError: for True.
    """
    if value:
        raise NotImplementedError("set_swap_module_params_on_conversion(True): conversions keep the parameter objects")


def get_swap_module_params_on_conversion() -> bool:
    """Whether conversions use ``torch.utils.swap_tensors``."""
    return _swap
