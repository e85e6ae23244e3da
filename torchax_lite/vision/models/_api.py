"""Models and weights by their names."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Any, TypeVar, get_args

from torchax_lite import nn
from torchax_lite.hub import load_state_dict_from_url

__all__ = ["Weights", "WeightsEnum", "get_model", "get_model_builder", "get_model_weights", "get_weight", "list_models"]


@dataclass
class Weights:
    """A published file of weights: its address, the preprocessing that it expects, and facts about it."""

    url: str
    transforms: Callable[..., Any]
    meta: dict[str, Any]

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        if self.url != other.url or self.meta != other.meta:
            return False
        a, b = self.transforms, other.transforms
        if isinstance(a, partial) and isinstance(b, partial):
            return a.func == b.func and a.args == b.args and a.keywords == b.keywords
        return a == b


class WeightsEnum(Enum):
    """The published weights of one model."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """The member that ``obj`` is or names; None for None.

        Raises:
            KeyError: an unknown name. TypeError: something else.
        """
        if obj is not None:
            if type(obj) is str:
                obj = cls[obj.replace(cls.__name__ + ".", "")]
            elif not isinstance(obj, cls):
                raise TypeError(
                    f"Invalid Weight class provided; expected {cls.__name__} but received {obj.__class__.__name__}."
                )
        return obj

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The weights: from the folder of downloads (``torch.hub.get_dir()``), else fetched.

        Raises:
            RuntimeError: the file is not there and cannot be fetched.
        """
        return load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}.{self._name_}"

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


def get_weight(name: str) -> WeightsEnum:
    """The member of a weights class by its full name, such as ``"ResNet50_Weights.IMAGENET1K_V1"``.

    Raises:
        ValueError: no such class. KeyError: it has no such member.
    """
    try:
        enum_name, value_name = name.split(".")
    except ValueError:
        raise ValueError(f"Invalid weight name provided: '{name}'.") from None
    base = importlib.import_module(__name__.rpartition(".")[0])
    packages = [m for _, m in inspect.getmembers(base, inspect.ismodule) if (m.__file__ or "").endswith("__init__.py")]
    for module in (base, *packages):
        found = module.__dict__.get(enum_name)
        if isinstance(found, type) and issubclass(found, WeightsEnum):
            return found[value_name]
    raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be retrieved.")


def get_model_weights(name: Callable[..., Any] | str) -> type[WeightsEnum]:
    """The weights class of a model (its builder or its name).

    Raises:
        ValueError: an unknown model, or a function without weights.
    """
    builder = get_model_builder(name) if isinstance(name, str) else name
    parameters = inspect.signature(builder).parameters
    if "weights" not in parameters:
        raise ValueError("The method is missing the 'weights' argument.")
    annotation = parameters["weights"].annotation
    for t in (annotation, *get_args(annotation)):
        if isinstance(t, type) and issubclass(t, WeightsEnum):
            return t
    raise ValueError(
        "The WeightsEnum class for the specific method couldn't be retrieved. Make sure the typing info is correct."
    )


B = TypeVar("B", bound=Callable[..., Any])

BUILTIN_MODELS: dict[str, Callable[..., nn.Module]] = {}
"""Every builder by the name of its model."""


def register_model(name: str | None = None) -> Callable[[B], B]:
    """Enter the decorated builder into the table of models.

    Raises:
        ValueError: the name is taken.
    """

    def wrapper(fn: B) -> B:
        key = name if name is not None else fn.__name__
        if key in BUILTIN_MODELS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        BUILTIN_MODELS[key] = fn
        return fn

    return wrapper


def list_models(
    module: ModuleType | None = None, include: Iterable[str] | str | None = None,
    exclude: Iterable[str] | str | None = None,
) -> list[str]:  # fmt: skip
    """Names of models in alphabetical order.

    Args:
        module: only those of this package (``torchvision.models`` itself leaves out detection and segmentation).
        include, exclude: shell patterns, one or several.
    """
    names = {
        k for k, v in BUILTIN_MODELS.items() if module is None or v.__module__.rsplit(".", 1)[0] == module.__name__
    }
    if include:
        patterns = [include] if isinstance(include, str) else include
        names = {n for p in patterns for n in fnmatch.filter(names, p)}
    if exclude:
        patterns = [exclude] if isinstance(exclude, str) else exclude
        names -= {n for p in patterns for n in fnmatch.filter(names, p)}
    return sorted(names)


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds a model.

    Raises:
        ValueError: no model has this name.
    """
    try:
        return BUILTIN_MODELS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name.lower()}") from None


def get_model(name: str, **config: Any) -> nn.Module:
    """The model of this name, built with these arguments."""
    return get_model_builder(name)(**config)
