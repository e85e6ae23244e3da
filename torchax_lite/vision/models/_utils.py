"""What the families of models share: outputs of inner layers, builders with weights, older ways of calling them."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Optional, TypeVar

from torchax_lite import Tensor, nn

from ._api import WeightsEnum, register_model

Layer = Callable[..., nn.Module]
M = TypeVar("M", bound=nn.Module)


class IntermediateLayerGetter(nn.ModuleDict):
    """A model's children up to the last one asked for, run one after another; returns chosen outputs by new names.

    Args:
        model: its forward pass must be that of its children in order.
        return_layers: name of a direct child -> name in the result.
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        if not set(return_layers).issubset([name for name, _ in model.named_children()]):
            raise ValueError("return_layers are not present in model")
        missing = {str(k) for k in return_layers}
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for name, module in model.named_children():
            layers[name] = module
            missing.discard(name)
            if not missing:
                break
        super().__init__(layers)
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out: OrderedDict[str, Tensor] = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of ``divisor`` nearest to ``v``, not less than 90% of it, nor than ``min_value``."""
    nearest = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * v else nearest


def _ovewrite_named_param(kwargs: dict[str, Any], param: str, new_value: Any) -> None:
    """Set an argument that weights decide.

    Raises:
        ValueError: it was given, with another value.
    """
    if kwargs.setdefault(param, new_value) != new_value:
        raise ValueError(f"The parameter '{param}' expected value {new_value} but got {kwargs[param]} instead.")


def _ovewrite_value_param(param: str, actual: Any, expected: Any) -> Any:
    """``expected``; an error where something else was given."""
    if actual is not None and actual != expected:
        raise ValueError(f"The parameter '{param}' expected value {expected} but got {actual} instead.")
    return expected


def with_weights(model: M, weights: Any, progress: bool) -> M:
    """The model, with published weights loaded where asked for."""
    if weights is not None:
        model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    return model


def classify(weights: Any, kwargs: dict[str, Any]) -> None:
    """The number of classes follows from the weights."""
    if weights is not None:
        _ovewrite_named_param(kwargs, "num_classes", len(weights.meta["categories"]))


# ---------------------------------------------------------------- older ways of calling a builder
def _listed(names: list[str]) -> str:
    quoted = [f"'{n}'" for n in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def kwonly_to_pos_or_kw(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn``, whose keyword-only arguments may also be given by position, with a warning (torchvision before 0.13).

    Raises:
        TypeError: ``fn`` has no keyword-only argument.
    """
    parameters = inspect.signature(fn).parameters
    names = list(parameters)
    first = next((i for i, p in enumerate(parameters.values()) if p.kind == p.KEYWORD_ONLY), None)
    if first is None:
        raise TypeError(f"Found no keyword-only parameter on function '{fn.__name__}'")

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        late = dict(zip(names[first:], args[first:]))
        if late:
            warnings.warn(
                f"Using {_listed(list(late))} as positional parameter(s) is deprecated since 0.13 and may be removed in "
                "the future. Please use keyword parameter(s) instead.",
                stacklevel=2,
            )
            kwargs.update(late)
        return fn(*args[:first], **kwargs)

    return wrapper


def _modern(name: str, kwargs: dict[str, Any], param: str, old: str, default: Any) -> None:
    """Replace a true or false ``old`` argument (or one given for ``param``) by weights, with warnings."""
    given = kwargs.get(param, "legacy")
    absent = param not in kwargs
    if (absent and old not in kwargs) or isinstance(given, WeightsEnum) or given is None:
        return
    if isinstance(given, str) and given != "legacy":
        return
    wanted = kwargs.pop(old) if absent else kwargs.pop(param)
    chosen = None
    if wanted:
        chosen = default(kwargs) if callable(default) and not isinstance(default, WeightsEnum) else default
        if not isinstance(chosen, WeightsEnum):
            raise ValueError(f"No weights available for model {name}")
    if absent:
        warnings.warn(
            f"The parameter '{old}' is deprecated since 0.13 and may be removed in the future, please use '{param}' "
            "instead.",
            stacklevel=4,
        )
    text = (
        f"Arguments other than a weight enum or `None` for '{param}' are deprecated since 0.13 and may be removed in the "
        f"future. The current behavior is equivalent to passing `{param}={chosen}`."
    )
    if chosen is not None:
        text += f" You can also use `{param}={type(chosen).__name__}.DEFAULT` to get the most up-to-date weights."
    warnings.warn(text, stacklevel=4)
    kwargs[param] = chosen


def handle_legacy_interface(**weights: tuple[str, Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A builder that still understands ``pretrained=True`` and its like.

    Args:
        weights: for each argument that takes weights, the name of the older one and the weights that it meant (or a
            function of the other arguments that tells them).
    """

    def outer_wrapper(builder: Callable[..., Any]) -> Callable[..., Any]:
        @kwonly_to_pos_or_kw
        @functools.wraps(builder)
        def inner_wrapper(*args: Any, **kwargs: Any) -> Any:
            for param, (old, default) in weights.items():
                _modern(builder.__name__, kwargs, param, old, default)
            return builder(*args, **kwargs)

        return inner_wrapper

    return outer_wrapper


def builder(
    name: str, module: str, weights: type[WeightsEnum], build: Callable[..., nn.Module], *,
    legacy: str | None = "IMAGENET1K_V1", summary: str = "",
) -> Callable[..., nn.Module]:  # fmt: skip
    """The public function ``name(*, weights=None, progress=True, **kwargs)`` of a model, entered into the table.

    Args:
        module: where it lives. weights: the class of its published weights.
        build: ``(weights, progress, **kwargs) -> model``.
        legacy: the weights that ``pretrained=True`` meant; None for no such weights.
        summary: first line of its documentation.
    """

    def fn(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> nn.Module:
        return build(enum.verify(weights), progress, **kwargs)

    enum = weights
    fn.__name__ = fn.__qualname__ = name
    fn.__module__ = module
    fn.__doc__ = (summary or f"The model ``{name}``.") + "\n\n    ``weights``: published weights, None for random ones."
    fn.__annotations__ = {"weights": Optional[enum], "progress": bool, "kwargs": Any, "return": nn.Module}  # noqa: UP045
    return register_model()(handle_legacy_interface(weights=("pretrained", enum[legacy] if legacy else None))(fn))


# ---------------------------------------------------------------- models on top of a backbone
def composed(
    weights: type[WeightsEnum], backbone: type[WeightsEnum], legacy: Any, legacy_backbone: Any = None
) -> Callable[[Layer], Layer]:
    """Decorates the public function of a model that has a backbone with weights of its own.

    Args:
        weights, backbone: the classes of their published weights. legacy: what ``pretrained=True`` meant.
        legacy_backbone: what ``pretrained_backbone=True`` meant, if not the first ones of ImageNet.
    """

    def decorate(fn: Layer) -> Layer:
        fn.__annotations__ |= {"weights": Optional[weights], "weights_backbone": Optional[backbone]}  # noqa: UP045
        wrapped = handle_legacy_interface(
            weights=("pretrained", legacy),
            weights_backbone=("pretrained_backbone", legacy_backbone or backbone["IMAGENET1K_V1"]),
        )
        return register_model()(wrapped(fn))

    return decorate


def resolve(
    weights: Any, enum: type[WeightsEnum], weights_backbone: Any, backbone: type[WeightsEnum], num_classes: int | None,
    default: int,
) -> tuple[Any, Any, int]:  # fmt: skip
    """The weights of the whole, those of the backbone (None where the whole has some), and the number of classes."""
    weights, weights_backbone = enum.verify(weights), backbone.verify(weights_backbone)
    if weights is not None:
        return weights, None, _ovewrite_value_param("num_classes", num_classes, len(weights.meta["categories"]))
    return None, weights_backbone, default if num_classes is None else num_classes


def stages(features: Any) -> list[int]:
    """Places of a MobileNet's blocks that halve the size, with the first and the last block."""
    return [0, *(i for i, b in enumerate(features) if getattr(b, "_is_cn", False)), len(features) - 1]
