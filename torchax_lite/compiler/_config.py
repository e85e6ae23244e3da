"""Modules of settings: known names with plain values, patchable for a while; unknown names are errors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any


class ConfigModule(ModuleType):
    """A module whose attributes are settings."""

    _defaults: dict[str, Any]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
            return
        if name not in self._defaults:
            raise AttributeError(f"{_torch_name(self)}.{name} does not exist")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{_torch_name(self)}.{name} does not exist")

    def to_dict(self) -> dict[str, Any]:
        """All settings by their dotted names."""
        return {key: self._read(key) for key in self._flat}

    get_config_copy = shallow_copy_dict = to_dict

    def load_config(self, config: Mapping[str, Any]) -> None:
        """Set what :meth:`to_dict` gave."""
        for key, value in config.items():
            self._write(key, value)

    @contextlib.contextmanager
    def patch(self, arg1: Any = None, arg2: Any = None, **kwargs: Any) -> Iterator[None]:
        """Settings for a ``with`` block or a decorated function: a dict, a name and a value, or keywords."""
        changes = {arg1: arg2} if isinstance(arg1, str) else {**(arg1 or {}), **kwargs}
        before = {key: self._read(key) for key in changes}
        self.load_config(changes)
        try:
            yield
        finally:
            self.load_config(before)

    def _read(self, key: str) -> Any:
        found: Any = self
        for part in key.split("."):
            found = getattr(found, part)
        return found

    def _write(self, key: str, value: Any) -> None:
        owner, _, name = key.rpartition(".")
        target = self._read(owner) if owner else self
        if not hasattr(target, name):
            raise AttributeError(f"{_torch_name(self)}.{key} does not exist")
        setattr(target, name, value)


def _torch_name(module: ModuleType) -> str:
    return "torch" + module.__name__.removeprefix("torchax_lite")


def install(name: str, settings: Mapping[str, Any]) -> None:
    """Make the module ``name`` a :class:`ConfigModule` with these settings (dotted names make groups)."""
    module = sys.modules[name]
    known: dict[str, Any] = {}
    for key, value in settings.items():
        group, _, last = key.partition(".")
        if not last:
            known[key] = value
        else:
            target = known.setdefault(group, SimpleNamespace())
            *inner, final = last.split(".")
            for part in inner:
                if not hasattr(target, part):
                    setattr(target, part, SimpleNamespace())
                target = getattr(target, part)
            setattr(target, final, value)
    module.__dict__["_defaults"] = known
    module.__dict__["_flat"] = dict(settings)
    module.__class__ = ConfigModule
    module.__dict__.update(known)
