"""Distributions given by probabilities or by logits, whichever is at hand; the other is computed when asked for."""

from __future__ import annotations

from typing import Any

from torchax_lite import Size, Tensor
from torchax_lite.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["ProbsOrLogits", "require_one"]


def require_one(probs: Any, logits: Any) -> None:
    """Raise unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class ProbsOrLogits:
    """Mixin: ``probs`` and ``logits``, of which the constructor sets one."""

    _is_binary = True
    _param: Tensor
    _tensors = {"probs": 0, "logits": 0, "_param": 0}

    def _set_either(self, probs: Any, logits: Any, *others: Any) -> tuple[Tensor, ...]:
        """Set what is given, broadcast with ``others``, which are returned in its dtype."""
        require_one(probs, logits)
        *rest, self._param = broadcast_all(*others, logits if probs is None else probs)
        setattr(self, "logits" if probs is None else "probs", self._param)
        return tuple(t.type_as(self._param) for t in rest)

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds (or log-probabilities) of :attr:`probs`."""
        return probs_to_logits(self.probs, is_binary=self._is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        """Probabilities of :attr:`logits`."""
        return logits_to_probs(self.logits, is_binary=self._is_binary)

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.size()
