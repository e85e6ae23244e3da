"""Small helpers for arguments that are a number or a tuple of numbers."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that makes an iterable a tuple, and repeats anything else ``n`` times."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: Sequence[int], n: int) -> tuple[int, ...]:
    """``t`` from its end, each element ``n`` times: ``F.pad``'s order, which begins with the last dimension."""
    return tuple(itertools.chain.from_iterable((x,) * n for x in reversed(t)))


def _list_with_default(out_size: list[int | None], defaults: list[int]) -> list[int]:
    """``out_size`` with each ``None`` replaced by the matching one of the last ``defaults``."""
    if isinstance(out_size, (int, type(None))):
        return out_size  # type: ignore[return-value]
    if len(defaults) <= len(out_size):
        raise ValueError(f"Input dimension should be at least {len(out_size) + 1}")
    return [given if given is not None else default for given, default in zip(out_size, defaults[-len(out_size) :])]


def _autocast_enabled() -> bool:
    """Whether automatic mixed precision is on in this thread, for whatever device."""
    mixed = sys.modules.get("torchax_lite.amp._state")
    return mixed is not None and bool(mixed.state.enabled)


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take ``prefix`` off the keys that have it, in place, in the metadata too.

    Args:
        state_dict: of a model that was wrapped when it was saved, such as by ``DataParallel``.
        prefix: such as ``"module."``.
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    for key in list(metadata or ()):
        # The wrapper's own entry, "module", is that of the model itself: "".
        if metadata is not None and key and (key == prefix.rstrip(".") or key.startswith(prefix)):
            metadata[key[len(prefix) :]] = metadata.pop(key)
