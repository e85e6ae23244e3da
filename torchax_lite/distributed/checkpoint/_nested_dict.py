"""State dicts of state dicts, flattened to one level and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torchax_lite import Tensor

Path = tuple[str | int, ...]


def _is_leaf(value: Any) -> bool:
    """Whether a value is kept whole: no mapping, and no list that has tensors or mappings in it."""
    if isinstance(value, Mapping):
        return False
    if not isinstance(value, list):
        return True
    return all(not isinstance(x, Tensor) and (not isinstance(x, (Mapping, list)) or _is_leaf(x)) for x in value)


def _is_leaf_2_3(value: Any) -> bool:
    """The rule of PyTorch 2.3 and before: mappings without tensors and containers are kept whole, too."""
    if not isinstance(value, (Mapping, list)):
        return True
    values = value.values() if isinstance(value, Mapping) else value
    return all(not isinstance(x, Tensor) and (not isinstance(x, (Mapping, list)) or _is_leaf_2_3(x)) for x in values)


def flatten_state_dict(
    state_dict: Mapping[Any, Any], is_leaf: Callable[[Any], bool] = _is_leaf
) -> tuple[dict[str, Any], dict[str, Path]]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``, and the path that each new name stands for.

    Raises:
        ValueError: where two paths have the same name.
    """
    flat: dict[str, Any] = {}
    paths: dict[str, Path] = {}

    def visit(path: Path, value: Any) -> None:
        if isinstance(value, Mapping) and not is_leaf(value):
            for key, part in value.items():
                visit((*path, str(key)), part)
        elif not is_leaf(value):
            for i, part in enumerate(value):
                visit((*path, i), part)
        else:
            name = ".".join(map(str, path))
            if name in flat:
                raise ValueError(f"duplicated flatten key {name}")
            flat[name], paths[name] = value, path

    for key, value in state_dict.items():
        visit((str(key),), value)
    return flat, paths


def set_element(root: Any, path: Path, value: Any) -> None:
    """Put a value at a path of dicts and lists, which are made where they are missing."""
    here = root
    for step, following in zip(path[:-1], path[1:], strict=True):
        empty: Any = {} if type(following) is str else []
        if isinstance(here, Mapping):
            here = here.setdefault(step, empty)  # type: ignore[attr-defined]
        else:
            _lengthen(here, step)
            if here[step] is None:
                here[step] = empty
            here = here[step]
    if type(path[-1]) is int:
        _lengthen(here, path[-1])
    here[path[-1]] = value


_LONGEST = 1 << 24


def _lengthen(items: Any, index: Any) -> None:
    if not isinstance(items, list) or type(index) is not int or not 0 <= index < _LONGEST:
        raise ValueError(f"a checkpoint has an element {index!r} in what is no list")
    items.extend([None] * (index + 1 - len(items)))


def unflatten_state_dict(state_dict: Mapping[str, Any], mapping: Mapping[str, Path]) -> dict[str, Any]:
    """What :func:`flatten_state_dict` flattened."""
    nested: dict[str, Any] = {}
    for name, value in state_dict.items():
        set_element(nested, mapping[name], value)
    return nested
