"""Modules whose ``forward`` is generated from a graph."""

from __future__ import annotations

import copy
import itertools
import linecache
import os
from pathlib import Path
from typing import Any

import torchax_lite as torch
from torchax_lite import nn

from .graph import Graph, PythonCode

_counter = itertools.count()


def compile_forward(code: PythonCode) -> Any:
    """The function that generated source defines; tracebacks show its lines."""
    name = f"<eval_with_key>.{next(_counter)}"
    globals_ = {"torch": torch, "device": torch.device, "inf": float("inf"), "nan": float("nan"), **code.globals}
    from ._symbolic_trace import wrap

    globals_.setdefault("wrap", wrap)
    source = "\n".join(line for line in code.src.split("\n") if not line.startswith("wrap('"))
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), globals_)
    return globals_["forward"]


class GraphModule(nn.Module):
    """A module that does what a graph says, with the submodules and parameters that the graph names.

    Args:
        root: the module (or a dict from names to modules and tensors) that they are taken from.
        graph: the graph; ``recompile()`` after changing it, or assign it anew.
        class_name: name of the class, for printing.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        for base in cls.__mro__:
            if base.__qualname__.endswith("GraphModuleImpl"):
                return super().__new__(base)
        own = type("GraphModuleImpl", (cls,), {"__qualname__": "GraphModule.__new__.<locals>.GraphModuleImpl"})
        own.__module__ = "torch.fx.graph_module"
        return super().__new__(own)

    def __init__(self, root: Any, graph: Graph, class_name: str = "GraphModule") -> None:
        super().__init__()
        self.__class__.__name__ = class_name
        if isinstance(root, nn.Module):
            self.training = root.training
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    _copy_attribute(root, self, str(node.target))
        elif isinstance(root, dict):
            wanted = [str(n.target) for n in graph.nodes if n.op in ("get_attr", "call_module")]
            for target in wanted:
                if target not in root:
                    raise RuntimeError(f"Node referenced target {target} but that target was not provided in `root`!")
            for target in sorted(wanted, key=lambda t: t.count(".")):
                _assign(root[target], self, target)
        else:
            raise RuntimeError(f"Unsupported type {root} passed for root!")
        self.meta: dict[str, Any] = dict(getattr(root, "meta", {})) if isinstance(root, nn.Module) else {}
        self.graph = graph
        self._tracer_cls = graph._tracer_cls
        self._tracer_extras = graph._tracer_extras or {}

    __jit_unused_properties__ = ["graph"]

    @property
    def graph(self) -> Graph:
        """The graph; assigning one generates ``forward`` anew."""
        return self._graph

    @graph.setter
    def graph(self, g: Graph) -> None:
        if not isinstance(g, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(g)}")
        if g.owning_module is not None and g.owning_module is not self:
            g = copy.deepcopy(g)
        self.__dict__["_graph"] = g
        g.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The generated source."""
        if "_code" not in self.__dict__:
            raise RuntimeError("Code has not been generated! Please report a bug to PyTorch")
        return self.__dict__["_code"]  # type: ignore[no-any-return]

    def recompile(self) -> PythonCode:
        """Generate ``forward`` from the graph as it is now."""
        code = self._graph.python_code(root_module="self")
        self.__dict__["_code"] = code.src
        type(self).forward = compile_forward(code)
        return code

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)

    def add_submodule(self, target: str, m: nn.Module) -> bool:
        """Put a module at a dotted name, with empty modules in between; False where something else is in the way."""
        *path, last = target.split(".")
        current: Any = self
        for part in path:
            found = getattr(current, part, None)
            if found is None:
                found = nn.Module()
                setattr(current, part, found)
            if not isinstance(found, nn.Module):
                return False
            current = found
        current.add_module(last, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Remove the module at a dotted name; whether there was one."""
        *path, last = target.split(".")
        current: Any = self
        for part in path:
            current = getattr(current, part, None)
            if not isinstance(current, nn.Module):
                return False
        if not isinstance(getattr(current, last, None), nn.Module):
            return False
        delattr(current, last)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Remove the modules that no node uses."""
        used: set[str] = set()
        for node in self.graph.nodes:
            if node.op in ("call_module", "get_attr"):
                parts = str(node.target).split(".")
                used.update(".".join(parts[:i]) for i in range(1, len(parts) + 1))
                if node.op == "call_module":
                    inside = self.get_submodule(str(node.target))
                    used.update(f"{node.target}.{name}" for name, _ in inside.named_modules() if name)
        for name, _ in list(self.named_modules()):
            if name and name not in used:
                self.delete_submodule(name)

    def print_readable(
        self, print_output: bool = True, include_stride: bool = False, include_device: bool = False,
        colored: bool = False, **kwargs: Any,
    ) -> str:  # fmt: skip
        """The generated code of this module and its graph submodules as the source of a class."""
        name = self.__class__.__name__
        code = self._graph.python_code(
            "self", verbose=True, include_stride=include_stride, include_device=include_device, colored=colored
        ).src
        body = "\n".join("    " + line if line.strip() else "" for line in code.strip("\n ").split("\n"))
        text = f"class {name}(torch.nn.Module):\n{body}\n"
        for child in self.children():
            if isinstance(child, GraphModule):
                inner = child.print_readable(False, include_stride, include_device)
                text += "\n" + "\n".join("    " + line if line else line for line in inner.split("\n"))
        if print_output:
            print(text)
        return text

    def to_folder(self, folder: str | os.PathLike[str], module_name: str = "FxModule") -> None:
        """Write the module as a Python package: code, and parameters in a ``state_dict.pt``."""
        path = Path(folder)
        path.mkdir(exist_ok=True)
        torch.save(self.state_dict(), path / "state_dict.pt")
        lines = ["import torch", "from torch import device, inf, nan", "from torch.nn import *", "", f"class {module_name}(torch.nn.Module):",
                 "    def __init__(self):", "        super().__init__()"]  # fmt: skip
        for name, child in self.named_children():
            torch.save(child, path / f"{name}.pt")
            lines.append(f"        setattr(self, '{name}', torch.load(r'{path / name}.pt', weights_only=False))")
        for name, buffer in self._buffers.items():
            if buffer is not None:
                lines.append(
                    f"        self.register_buffer('{name}', torch.empty({list(buffer.shape)}, dtype={buffer.dtype}))"
                )
        for name, p in self._parameters.items():
            if p is not None:
                lines.append(
                    f"        setattr(self, '{name}', torch.nn.Parameter(torch.empty({list(p.shape)}, dtype={p.dtype})))"
                )
        lines.append(f"        self.load_state_dict(torch.load(r'{path / 'state_dict.pt'}'))")
        code = "\n".join("    " + line for line in self.code.split("\n"))
        (path / "module.py").write_text("\n".join(lines) + "\n" + code + "\n")
        (path / "__init__.py").write_text("from .module import *\n")

    def __str__(self) -> str:
        return "\n".join(
            [super().__str__(), self.code, "# To see more debug info, please use `graph_module.print_readable()`"]
        )

    def _get_name(self) -> str:
        return type(self).__name__

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        holder = nn.Module()
        memo[id(self)] = holder
        state = {
            k: v
            for k, v in self.__dict__.items()
            if k not in ("_graph", "_code", "_tracer_cls", "_tracer_extras", "meta")
        }
        holder.__dict__.update(copy.deepcopy(state, memo))
        made = GraphModule(holder, copy.deepcopy(self._graph), class_name=self.__class__.__name__)
        for key in ("_parameters", "_buffers", "_modules"):
            made.__dict__[key] = holder.__dict__[key]
        for key, value in holder.__dict__.items():
            made.__dict__.setdefault(key, value)
        made.training = self.training
        made.meta = dict(self.meta)
        return made

    def __copy__(self) -> GraphModule:
        return GraphModule(self, self.graph, class_name=self.__class__.__name__)

    def __reduce__(self) -> Any:
        state = {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_tracer_cls")}
        code = self._graph.python_code(root_module="self")
        named = {k: v for k, v in code.globals.items() if k not in ("torch", "device", "inf", "nan")}
        return _rebuild, (state, code.src, named, self.__class__.__name__)


def _rebuild(state: dict[str, Any], source: str, names: dict[str, Any], class_name: str) -> GraphModule:
    """The module of a pickle: its generated code is traced again."""
    from ._symbolic_trace import Tracer

    class _Holder(nn.Module):
        pass

    holder = _Holder()
    holder.__dict__.update({k: v for k, v in state.items() if k != "_code"})
    _Holder.forward = compile_forward(PythonCode(source, names))  # type: ignore[method-assign]

    class _KeepModules(Tracer):
        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return True

    made = GraphModule(holder, _KeepModules().trace(holder), class_name=class_name)
    for key, value in holder.__dict__.items():
        if key in ("_parameters", "_buffers", "_modules") or key not in made.__dict__:
            made.__dict__[key] = value
    made.training = holder.training
    return made


def _copy_attribute(source: Any, target: Any, name: str) -> None:
    """Give ``target`` the attribute of a dotted name, with empty modules in between."""
    *path, last = name.split(".")
    for part in path:
        following = getattr(source, part, None)
        if following is source:
            return
        held = getattr(target, part, None)
        if held is None:
            held = nn.Module()
            setattr(target, part, held)
        source, target = following, held
    value = getattr(source, last, None)
    if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
        if last not in target._buffers:
            target.register_buffer(
                last, value, persistent=last not in getattr(source, "_non_persistent_buffers_set", ())
            )
    else:
        setattr(target, last, value)


def _assign(value: Any, target: Any, name: str) -> None:
    *path, last = name.split(".")
    for part in path:
        held = getattr(target, part, None)
        if held is None:
            held = nn.Module()
            setattr(target, part, held)
        target = held
    if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
        target.register_buffer(last, value)
    else:
        setattr(target, last, value)
