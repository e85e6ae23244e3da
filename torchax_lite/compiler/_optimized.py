"""What ``torch.compile`` makes of a module."""

from __future__ import annotations

from typing import Any

from torchax_lite import nn


class OptimizedModule(nn.Module):
    """A module around another one, ``_orig_mod``, that it stands for: calls and attributes are that module's."""

    _orig_mod: nn.Module
    _own = ("_orig_mod", "dynamo_ctx", "forward", "training", "_torchdynamo_orig_callable")

    def __init__(self, mod: nn.Module, dynamo_ctx: Any) -> None:
        super().__init__()
        self._orig_mod = mod
        self.dynamo_ctx = dynamo_ctx
        self.forward = dynamo_ctx(mod)
        self.training = mod.training

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def __len__(self) -> int:
        return len(self._orig_mod)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own or name.startswith("_") and name in self.__dict__:
            super().__setattr__(name, value)
            if name == "training" and "_modules" in self.__dict__ and "_orig_mod" in self._modules:
                self._orig_mod.training = value
        elif "_modules" in self.__dict__ and "_orig_mod" in self._modules:
            setattr(self._orig_mod, name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._own:
            super().__delattr__(name)
        else:
            delattr(self._orig_mod, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.__dict__, *dir(self._orig_mod)})

    def __getstate__(self) -> Any:
        return {"_orig_mod": self._orig_mod, "dynamo_ctx": self.dynamo_ctx}

    def __setstate__(self, state: Any) -> None:
        self.__init__(state["_orig_mod"], state["dynamo_ctx"])  # type: ignore[misc]
