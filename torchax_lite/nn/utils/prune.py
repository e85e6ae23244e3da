"""Pruning: parameters with a mask, ``name = name_orig * name_mask``, that some of their elements are left out by."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.utils.convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


class BasePruningMethod(ABC):
    """What makes masks, and the hook that applies them before each forward pass.

    A subclass defines ``compute_mask`` and ``PRUNING_TYPE``: ``"unstructured"`` looks at single elements,
    ``"structured"`` at slices along its ``dim``, ``"global"`` at the whole tensor.
    """

    _tensor_name: str
    PRUNING_TYPE: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of ``t``, a change of ``default_mask`` (of the same shape); 0 leaves an element out."""

    def apply_mask(self, module: Module) -> Tensor:
        """The original times the mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter and register the hook; on a pruned one, prune what is left of it.

        Args:
            module: the module.
            name: the parameter.
            args, kwargs: for the method's constructor.
            importance_scores: what the mask is computed from instead of the parameter.
        """
        method, pruned_before = _combined(cls(*args, **kwargs), module, name)
        original = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {importance_scores.shape} vs {original.shape}"
            )
        if pruned_before:
            default_mask = getattr(module, name + "_mask").detach().clone(memory_format=torch.contiguous_format)
        else:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            default_mask = torch.ones_like(original)
        try:
            scores = original if importance_scores is None else importance_scores
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=default_mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if not pruned_before:
                module.register_parameter(name, getattr(module, name + "_orig"))
                del module._parameters[name + "_orig"]
            raise
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """``t`` times its mask.

        Args:
            t: any tensor.
            default_mask: an earlier mask; ones by default.
            importance_scores: what the mask is computed from instead of ``t``.
        """
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        scores = t if importance_scores is None else importance_scores
        default_mask = torch.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default_mask)

    def remove(self, module: Module) -> None:
        """Make the masked values the parameter's own; the hook is left to the caller."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters[name + "_orig"]
        assert original is not None
        original.data = weight.data
        del module._parameters[name + "_orig"]
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _hooks_of(module: Module, name: str) -> list[int]:
    """Ids of the pre-hooks that prune this parameter."""
    return [
        key
        for key, hook in module._forward_pre_hooks.items()
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
    ]


def _combined(method: BasePruningMethod, module: Module, name: str) -> tuple[BasePruningMethod, bool]:
    """The method together with those that prune the parameter already, whose hook is taken off; whether there were."""
    method._tensor_name = name
    found = _hooks_of(module, name)
    if len(found) > 1:
        raise AssertionError(
            f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer."
        )
    if not found:
        return method, False
    before = module._forward_pre_hooks.pop(found[0])
    container = before if isinstance(before, PruningContainer) else PruningContainer(before)
    container.add_pruning_method(method)
    return container, True


class PruningContainer(BasePruningMethod):
    """Several methods on one parameter, each pruning what the ones before have left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1 and not isinstance(args[0], Iterable):
            self._tensor_name = args[0]._tensor_name
            self.add_pruning_method(args[0])
            return
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method that acts on the same parameter.

        Raises:
            TypeError: it is no pruning method.
            ValueError: it acts on another parameter.
        """
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` with what the method added last leaves out of it."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        rest = _rest(method, mask)
        new_mask = mask.clone()
        new_mask[rest] = method.compute_mask(t[rest], default_mask=mask[rest]).to(dtype=mask.dtype)
        return new_mask


def _rest(method: Any, mask: Tensor) -> Any:
    """The index of what ``mask`` has left for ``method`` to look at."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * mask.dim()
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
    rank = mask.dim()
    dim = method.dim + rank if method.dim < 0 else method.dim
    if not 0 <= dim < rank:
        raise IndexError(f"Index is out of bounds for tensor with dimensions {rank}")
    left = mask.sum(dim=[d for d in range(rank) if d != dim]) != 0
    return (*(slice(None),) * dim, left, *(slice(None),) * (rank - dim - 1))


# -- methods -----------------------------------------------------------------------------------------------------------


class Identity(BasePruningMethod):
    """Prunes nothing."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` itself."""
        return default_mask

    @classmethod
    def apply(cls, module: Module, name: str) -> BasePruningMethod:  # type: ignore[override]
        """Register a mask of ones."""
        return super().apply(module, name)


class _Unstructured(BasePruningMethod):
    """Leaves out single elements.

    Args:
        amount: how many (an int), or which part of them (a float).
    """

    PRUNING_TYPE = "unstructured"
    largest: bool

    def __init__(self, amount: float) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def _order(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` without that many more elements."""
        count = _compute_nparams_toprune(self.amount, t.nelement())
        _validate_pruning_amount(count, t.nelement())
        mask = default_mask.clone(memory_format=torch.contiguous_format)
        if count:
            found = torch.topk(self._order(t).view(-1), k=count, largest=self.largest)
            mask.view(-1)[found.indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Leaves out single elements at random.

    Args:
        amount: how many (an int), or which part of them (a float).
    """

    largest = True

    def _order(self, t: Tensor) -> Tensor:
        return torch.rand_like(t)

    @classmethod
    def apply(cls, module: Module, name: str, amount: float) -> BasePruningMethod:  # type: ignore[override]
        """Prune a parameter and register the hook."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Unstructured):
    """Leaves out the elements of smallest absolute value.

    Args:
        amount: how many (an int), or which part of them (a float).
    """

    largest = False

    def _order(self, t: Tensor) -> Tensor:
        return torch.abs(t)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: float, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        """Prune a parameter and register the hook."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Leaves out slices at random.

    Args:
        amount: how many (an int), or which part of them (a float).
        dim: the dim whose slices they are.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` without that many more slices."""
        count = _slices_to_prune(t, self.dim, self.amount)
        if count == 0:
            return default_mask
        draws = torch.rand(t.shape[self.dim])
        left = draws > torch.kthvalue(draws, k=count).values
        return default_mask * _along(t, self.dim, left).to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Module, name: str, amount: float, dim: int = -1) -> BasePruningMethod:  # type: ignore[override]
        """Prune a parameter and register the hook."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(BasePruningMethod):
    """Leaves out the slices of smallest norm.

    Args:
        amount: how many (an int), or which part of them (a float).
        n: the norm, as ``torch.norm`` takes it.
        dim: the dim whose slices they are.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` without that many more slices."""
        count = _slices_to_prune(t, self.dim, self.amount)
        if count == 0:
            return default_mask
        norms = torch.norm(t, p=self.n, dim=[d for d in range(t.dim()) if d != self.dim % t.dim()])
        found = torch.topk(norms, k=t.shape[self.dim] - count, largest=True)
        left = torch.zeros_like(norms, dtype=torch.bool)
        left[found.indices] = True
        return default_mask * _along(t, self.dim, left).to(dtype=default_mask.dtype)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        """Prune a parameter and register the hook."""
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Leaves out what a given mask leaves out."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks multiplied."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Module, name: str, mask: Tensor) -> BasePruningMethod:  # type: ignore[override]
        """Prune a parameter and register the hook."""
        return super().apply(module, name, mask=mask)


# -- functions ---------------------------------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Register a mask of ones for a parameter; return the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Leave out elements of a parameter at random; return the module.

    Args:
        module: the module.
        name: the parameter.
        amount: how many (an int), or which part of them (a float).
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Leave out the elements of smallest absolute value (or importance); return the module.

    Args:
        module: the module.
        name: the parameter.
        amount: how many (an int), or which part of them (a float).
        importance_scores: looked at instead of the parameter.
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Leave out slices of a parameter at random; return the module.

    Args:
        module: the module.
        name: the parameter.
        amount: how many (an int), or which part of them (a float).
        dim: the dim whose slices they are.
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Leave out the slices of smallest norm (of the parameter or its importance); return the module.

    Args:
        module: the module.
        name: the parameter.
        amount: how many (an int), or which part of them (a float).
        n: the norm, as ``torch.norm`` takes it.
        dim: the dim whose slices they are.
        importance_scores: looked at instead of the parameter.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: dict[Any, Tensor] | None = None, **kwargs: Any
) -> None:
    """Leave out elements of several parameters, compared with each other as one long vector.

    Args:
        parameters: ``(module, name)`` pairs.
        pruning_method: a class of single elements, such as :class:`L1Unstructured`.
        importance_scores: looked at instead of the parameter, by pair.
        kwargs: for the method's constructor, such as ``amount``.

    Raises:
        TypeError: an argument is of another kind.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    importance_scores = {} if importance_scores is None else importance_scores
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs: list[Any] = list(parameters)
    scores = parameters_to_vector([importance_scores.get((m, name), getattr(m, name)) for m, name in pairs])
    masks = parameters_to_vector([getattr(m, name + "_mask", torch.ones_like(getattr(m, name))) for m, name in pairs])
    method = pruning_method(**kwargs)
    container = PruningContainer()
    container._tensor_name = method._tensor_name = "temp"  # one method acts on all of them
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for '
            f"the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    final = container.compute_mask(scores, masks)
    start = 0
    for module, name in pairs:
        param = getattr(module, name)
        custom_from_mask(module, name, mask=final[start : start + param.numel()].view_as(param))
        start += param.numel()


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Leave out what ``mask`` leaves out of a parameter; return the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Make the masked values the parameter's own, without mask and hook; return the module.

    Raises:
        ValueError: the parameter is not pruned.
    """
    for key in _hooks_of(module, name):
        module._forward_pre_hooks[key].remove(module)  # type: ignore[attr-defined]
        del module._forward_pre_hooks[key]
        return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module or of a descendant is pruned."""
    return any(isinstance(hook, BasePruningMethod) for m in module.modules() for hook in m._forward_pre_hooks.values())


# -- checks ------------------------------------------------------------------------------------------------------------


def _validate_pruning_amount_init(amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (not isinstance(amount, numbers.Integral) and amount > 1):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _validate_pruning_amount(amount: Any, tensor_size: int) -> None:
    if isinstance(amount, numbers.Integral) and amount > tensor_size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={tensor_size}")


def _compute_nparams_toprune(amount: Any, tensor_size: int) -> int:
    """The number that an amount stands for."""
    return amount if isinstance(amount, numbers.Integral) else round(amount * tensor_size)  # type: ignore[return-value]


def _slices_to_prune(t: Tensor, dim: int, amount: float) -> int:
    """How many slices along ``dim`` an amount stands for."""
    if t.dim() <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. "
            f"Found tensor of shape {t.shape} with {t.dim()} dims"
        )
    if dim >= t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    count = _compute_nparams_toprune(amount, t.shape[dim])
    _validate_pruning_amount(count, t.shape[dim])
    return count


def _along(t: Tensor, dim: int, left: Tensor) -> Tensor:
    """A vector over the slices along ``dim``, shaped as ``t``."""
    return left.view([-1 if d == dim % t.dim() else 1 for d in range(t.dim())]).expand_as(t)
