"""The base class of all distributions: shapes, argument checks, expansion."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torchax_lite as torch
from torchax_lite import Size, Tensor
from torchax_lite.distributions import _validation, constraints
from torchax_lite.distributions.utils import lazy_property

__all__ = ["Distribution"]

_PACKAGE = __name__.rpartition(".")[0]


class Distribution:
    """A probability distribution: independent ones of shape ``batch_shape``, each over events of ``event_shape``.

    Args:
        batch_shape: the shape over which parameters are batched.
        event_shape: the shape of one sample.
        validate_args: whether parameters and values are checked; None takes the default
            (:meth:`set_default_validate_args`).

    Raises:
        ValueError: for a parameter outside its constraint. Checking reads values, unless they are known already.

    The distributions of this package name their parts once, and are expanded by that: ``_tensors`` (each with its
    number of trailing event dims), ``_nested`` distributions and ``_fixed`` attributes.
    """

    has_rsample: bool = False
    has_enumerate_support: bool = False
    _validate_args: bool = __debug__

    _tensors: ClassVar[dict[str, int]] = {}
    _nested: ClassVar[tuple[str, ...]] = ()
    _fixed: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Switch argument checks on or off for all distributions that do not say themselves."""
        if value not in [True, False]:
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Sequence[int] = Size(),
        event_shape: Sequence[int] = Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            _validation.submit(list(self._parameter_checks()))

    # -- checks ---------------------------------------------------------------------------------------------------

    def _parameter_checks(self) -> Iterator[_validation.Check]:
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
            return
        for name, constraint in arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name), lazy_property):
                continue
            value = getattr(self, name)
            yield _validation.Check(
                _validation.verdict(constraint, value),
                functools.partial(self._parameter_error, name, value, constraint),
            )

    def _parameter_error(self, name: str, value: Any, constraint: Any) -> ValueError:
        return ValueError(
            f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
            f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
        )

    def _validate_sample(self, value: Tensor) -> None:
        """Check a value whose probability is asked for: its shape and the support.

        Raises:
            ValueError: for what is no tensor, a shape that does not broadcast with ``batch_shape + event_shape``, or
                values outside the support.
        """
        if not isinstance(value, torch.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = value.size(), self._event_shape
        if shape[len(shape) - len(event) :] != event:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {event}.")
        expected = self._batch_shape + event  # type: ignore[operator]
        if any(1 not in (i, j) and i != j for i, j in zip(reversed(shape), reversed(expected))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=2,
            )
            return
        if support is None:
            raise AssertionError("support is unexpectedly None")
        error = functools.partial(self._value_error, value, support)
        _validation.submit([_validation.Check(_validation.verdict(support, value), error)])

    def _value_error(self, value: Tensor, support: Any) -> ValueError:
        return ValueError(
            f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support "
            f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
        )

    def _checked(self, value: Any) -> Any:
        """The value itself, checked where checks are on."""
        if self._validate_args:
            self._validate_sample(value)
        return value

    # -- expansion ------------------------------------------------------------------------------------------------

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """A distribution of the same parameters, expanded (without memory) to ``batch_shape``.

        Subclasses with a constructor of their own give their new instance as ``_instance``.
        """
        owner = next(c for c in type(self).__mro__ if getattr(c, "__module__", "").startswith(_PACKAGE))
        if not (owner._tensors or owner._nested):
            raise NotImplementedError
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        self._expand_parts(new, batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        """Give ``new`` the parts of this distribution, expanded."""
        for name, event_dim in self._tensors.items():
            value = self.__dict__.get(name)
            if value is not None:
                new.__dict__[name] = value.expand(batch_shape + value.shape[value.dim() - event_dim :])
        for name in self._nested:
            inner = getattr(self, name)
            setattr(new, name, inner.expand(batch_shape + inner.batch_shape[len(self._batch_shape) :]))
        for name in self._fixed:
            setattr(new, name, getattr(self, name))

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    # -- shapes ---------------------------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters are batched."""
        return self._batch_shape  # type: ignore[return-value]

    @property
    def event_shape(self) -> Size:
        """The shape of one sample."""
        return self._event_shape  # type: ignore[return-value]

    def _extended_shape(self, sample_shape: Sequence[int] = Size()) -> Size:
        """The shape of samples: ``sample_shape + batch_shape + event_shape``."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # -- what a distribution says about itself --------------------------------------------------------------------

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """The constraint of each parameter, by name."""
        raise NotImplementedError

    @property
    def support(self) -> constraints.Constraint | None:
        """The set of possible values."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Samples of shape ``sample_shape + batch_shape + event_shape``, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Samples through which gradients reach the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """``sample((n,))`` (deprecated)."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", category=FutureWarning, stacklevel=2
        )
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or mass at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of :meth:`cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along dim 0; its batch dims have size 1 without ``expand``."""
        raise NotImplementedError

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """``values`` (along dim 0) in front of the batch dims."""
        events = values.shape[1:]
        values = values.reshape((-1, *(1,) * len(self._batch_shape), *events))
        return values.expand((-1, *self._batch_shape, *events)) if expand else values

    def entropy(self) -> Tensor:
        """The entropy, of shape ``batch_shape``."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """``exp(entropy)``, of shape ``batch_shape``."""
        return torch.exp(self.entropy())

    def __repr__(self) -> str:
        held = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        shown = ", ".join(f"{name}: {v if v.numel() == 1 else v.size()}" for name, v in held.items())
        return f"{self.__class__.__name__}({shown})"
