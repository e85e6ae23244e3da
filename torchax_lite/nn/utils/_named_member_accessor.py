"""Members of a module, and of the modules in it, by dotted names: read, set, deleted, exchanged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor

__all__ = ["NamedMemberAccessor"]

_MISSING: Any = object()


def _check_name(name: str, what: str = "tensor") -> None:
    if "." in name:
        raise KeyError(f'{what} name can\'t contain "."')
    if not name:
        raise KeyError(f'{what} name can\'t be empty string ""')


def _check_module(module: Any) -> None:
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"{module} is not an instance of torch.nn.Module")


def _held(module: torch.nn.Module, name: str) -> tuple[Any, dict[str, Any] | None]:
    """(member, table of the module that holds it or None for a plain attribute)."""
    for table in (module._parameters, module._buffers):
        if name in table:
            return table[name], table
    try:
        return getattr(module, name), None
    except AttributeError:
        return _MISSING, None


def set_tensor(module: torch.nn.Module, name: str, tensor: Tensor) -> None:
    """Put a tensor in the place of a parameter or buffer, of whatever kind it is; a new name is an attribute.

    Raises:
        KeyError: the name is empty or has a dot.
    """
    _check_module(module)
    if not isinstance(tensor, Tensor) and tensor is not None:
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    _check_name(name)
    tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
    for table in tables:
        if name in table:
            table[name] = tensor
            return
    setattr(module, name, tensor)


def swap_tensor(module: torch.nn.Module, name: str, tensor: Tensor, allow_missing: bool = False) -> Tensor:
    """Put a tensor in the place of a member and return the member.

    Args:
        allow_missing: return a marker where there is no such member; given back later, it deletes the member again.

    Raises:
        AttributeError: there is no such member. TypeError: it is no tensor. KeyError: the name has a dot.
    """
    _check_module(module)
    if tensor is not _MISSING and tensor is not None and not isinstance(tensor, Tensor):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    _check_name(name)
    found, table = _held(module, name)
    if found is _MISSING and not allow_missing:
        raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
    if table is None and found is not _MISSING and found is not None and not isinstance(found, Tensor):
        raise TypeError(f"attribute `{name}`: {found} is not an instance of torch.Tensor")
    if tensor is _MISSING:
        if table is not None:
            del table[name]
        elif found is not _MISSING:
            delattr(module, name)
    elif table is not None:
        table[name] = tensor
    else:
        setattr(module, name, tensor)
    return found  # type: ignore[no-any-return]


def swap_submodule(module: torch.nn.Module, name: str, submodule: torch.nn.Module) -> torch.nn.Module:
    """Put a module in the place of a child and return the child.

    Raises:
        KeyError: there is no such child, or the name has a dot. TypeError: it is no module.
    """
    _check_module(module)
    _check_module(submodule)
    _check_name(name, "submodule")
    if name not in module._modules:
        raise KeyError(f"submodule {name} does not exist")
    found = module._modules[name]
    _check_module(found)
    module._modules[name] = submodule
    return found  # type: ignore[return-value]


class NamedMemberAccessor:
    """Members of a module by dotted names.

    Args:
        module: the root of the names.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.memo: dict[str, torch.nn.Module] = {}

    # -- modules ---------------------------------------------------------------------------------------------------------

    def get_submodule(self, name: str) -> torch.nn.Module:
        """The module of a name; the root for an empty one."""
        if not name:
            return self.module
        if name not in self.memo:
            prefix, _, last = name.rpartition(".")
            holder = self.get_submodule(prefix)
            try:
                found = getattr(holder, last)
            except AttributeError:
                raise AttributeError(f"{type(holder).__name__} has no attribute `{last}`") from None
            if not isinstance(found, torch.nn.Module):
                raise TypeError(f"submodule `{name}`: {found} is not an instance of torch.nn.Module")
            self.memo[name] = found
        return self.memo[name]

    def swap_submodule(self, path: str, value: torch.nn.Module) -> torch.nn.Module:
        """Put a module in the place of another and return that."""
        prefix, _, last = path.rpartition(".")
        found = swap_submodule(self.get_submodule(prefix), last, value)
        self.memo = {name: m for name, m in self.memo.items() if name != path and not name.startswith(path + ".")}
        return found

    # -- tensors ---------------------------------------------------------------------------------------------------------

    def _place(self, name: str) -> tuple[torch.nn.Module, str]:
        prefix, _, last = name.rpartition(".")
        return self.get_submodule(prefix), last

    def get_tensor(self, name: str) -> Tensor:
        """The tensor of a name.

        Raises:
            AttributeError: there is none. TypeError: it is no tensor.
        """
        module, last = self._place(name)
        found, _ = _held(module, last)
        if found is _MISSING:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if found is not None and not isinstance(found, Tensor):
            raise TypeError(f"{name}: {found} is not an instance of torch.Tensor")
        return found  # type: ignore[return-value]

    def set_tensor(self, name: str, value: Tensor) -> None:
        """Put a tensor in the place of a member, or add it."""
        module, last = self._place(name)
        set_tensor(module, last, value)

    def del_tensor(self, name: str) -> None:
        """Delete a member."""
        self.get_tensor(name)
        module, last = self._place(name)
        delattr(module, last)

    def swap_tensor(self, name: str, value: Tensor, allow_missing: bool = False) -> Tensor:
        """As the function :func:`swap_tensor`."""
        module, last = self._place(name)
        return swap_tensor(module, last, value, allow_missing)

    # -- several at once -------------------------------------------------------------------------------------------------

    def get_tensors(self, names: Iterable[str]) -> list[Tensor]:
        """The tensors of these names."""
        return [self.get_tensor(name) for name in names]

    def set_tensors(self, names: Iterable[str], values: Iterable[Tensor]) -> None:
        """:meth:`set_tensor` for each pair."""
        for name, value in zip(names, values, strict=True):
            self.set_tensor(name, value)

    def set_tensors_dict(self, named_tensors: dict[str, Tensor]) -> None:
        """:meth:`set_tensor` for each item."""
        self.set_tensors(named_tensors, named_tensors.values())

    def del_tensors(self, names: Iterable[str]) -> None:
        """:meth:`del_tensor` for each name."""
        for name in names:
            self.del_tensor(name)

    def swap_tensors(self, names: Iterable[str], values: Iterable[Tensor], allow_missing: bool = False) -> list[Tensor]:
        """:meth:`swap_tensor` for each pair; the members that were there."""
        return [self.swap_tensor(name, value, allow_missing) for name, value in zip(names, values, strict=True)]

    def swap_tensors_dict(
        self, named_tensors: dict[str, Tensor], allow_missing: bool = False
    ) -> tuple[dict[str, Tensor], list[str]]:
        """(members that were there by name, names that were not): all are exchanged, or none.

        Raises:
            RuntimeError: a name has no member, and none may be missing.
        """
        before: dict[str, Tensor] = {}
        missing: list[str] = []
        try:
            for name, value in named_tensors.items():
                before[name] = self.swap_tensor(name, value, allow_missing=True)
                if before[name] is _MISSING:
                    missing.append(name)
            if missing and not allow_missing:
                raise RuntimeError(f"Missing key(s): {', '.join(map(repr, missing))}.")
        except Exception:
            for name, value in before.items():
                self.swap_tensor(name, value, allow_missing=True)
            raise
        return before, missing

    # -- names -----------------------------------------------------------------------------------------------------------

    def check_keys(self, keys: Iterable[str]) -> tuple[list[str], list[str]]:
        """(names of parameters and buffers that are not among ``keys``, keys that are no such names)."""
        given = set(keys)
        have = {name for name, _ in self.named_tensors(remove_duplicate=False)}
        return sorted(have - given), sorted(given - have)

    def named_parameters(self, remove_duplicate: bool = True) -> Iterable[tuple[str, Tensor]]:
        """The root's parameters."""
        yield from self.module.named_parameters(remove_duplicate=remove_duplicate)

    def named_buffers(self, remove_duplicate: bool = True) -> Iterable[tuple[str, Tensor]]:
        """The root's buffers."""
        yield from self.module.named_buffers(remove_duplicate=remove_duplicate)

    def named_tensors(self, remove_duplicate: bool = True) -> Iterable[tuple[str, Tensor]]:
        """The root's parameters, then its buffers."""
        yield from self.named_parameters(remove_duplicate)
        yield from self.named_buffers(remove_duplicate)

    def named_modules(self, remove_duplicate: bool = True) -> Iterable[tuple[str, torch.nn.Module]]:
        """The root and the modules in it."""
        yield from self.module.named_modules(remove_duplicate=remove_duplicate)
