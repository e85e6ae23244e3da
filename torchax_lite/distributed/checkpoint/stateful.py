"""Objects with a state of their own: modules, optimizers, schedulers."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["Stateful", "StatefulT"]


@runtime_checkable
class Stateful(Protocol):
    """Whatever has ``state_dict()`` and ``load_state_dict(state)``: ``save`` and ``load`` call them."""

    def state_dict(self) -> dict[str, Any]:
        """The state to be written."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that was read."""
        ...


StatefulT = TypeVar("StatefulT", bound=Stateful)
