"""Files of traced functions and modules: a zip of the exported program, the parameters and a description.

``program.stablehlo`` holds the program for the shapes it was traced with, by ``jax.export``, with its derivative.
``graph.json`` holds it as a list of calls of torch functions, where a symbolic trace finds one: it takes other shapes
too. Nothing in the file is executed while it is read, and the source of the model is not needed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import zipfile
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn

from ._graph_json import decode, encode
from ._script import RecursiveScriptModule, ScriptFunction, ScriptModule

VERSION = 1


def save(m: Any, f: Any, _extra_files: dict[str, Any] | None = None) -> None:
    """Write a traced (or scripted, and called) function or module to a path or file object.

    The program is exported for the shapes of the example inputs and in the present mode (train or eval).

    Raises:
        NotImplementedError: when there are no example inputs.
    """
    data = to_bytes(m, _extra_files)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "wb") as file:
            file.write(data)
    else:
        f.write(data)


def to_bytes(m: Any, _extra_files: dict[str, Any] | None = None) -> bytes:
    """The bytes of the file that :func:`save` writes."""
    if not isinstance(m, (ScriptFunction, ScriptModule)):
        raise AttributeError(f"'{type(m).__name__}' object has no attribute 'save': script or trace it first")
    source = m.__dict__.get("_jit_source")
    if source is not None:
        return _with_tensors(source, m, _extra_files)
    inputs = m._example_inputs if isinstance(m, ScriptFunction) else m.__dict__.get("_jit_example_inputs")
    if inputs is None:
        raise NotImplementedError(
            "torch.jit.save of something that was scripted and never called: its shapes are not known. Use "
            "torch.jit.trace(model, example_inputs), or call it once before saving."
        )
    graph = encode(m, inputs)
    program, meta = _export(m, inputs, needed=graph is None)
    meta["version"] = VERSION
    tensors = dict(m.named_parameters(remove_duplicate=False)) if isinstance(m, nn.Module) else {}
    state = {**tensors, **(dict(m.named_buffers(remove_duplicate=False)) if isinstance(m, nn.Module) else {})}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        z.writestr("torchax_lite_jit/meta.json", json.dumps(meta))
        if program is not None:
            z.writestr("torchax_lite_jit/program.stablehlo", program)
        inner = io.BytesIO()
        constants = {} if graph is None else graph.pop("constants")
        torch.save({"state": {k: v.detach() for k, v in state.items()}, "constants": constants}, inner)
        z.writestr("torchax_lite_jit/tensors.pt", inner.getvalue())
        if graph is not None:
            z.writestr("torchax_lite_jit/graph.json", json.dumps(graph))
        for name, content in (_extra_files or {}).items():
            z.writestr(f"torchax_lite_jit/extra/{name}", content)
    return buffer.getvalue()


def _with_tensors(source: bytes, m: Any, extra: dict[str, Any] | None) -> bytes:
    """The file that something was loaded from, with the parameters and buffers that it has now."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as z:
        for name in old.namelist():
            data = old.read(name)
            if name == "torchax_lite_jit/tensors.pt" and isinstance(m, nn.Module):
                tensors = torch.load(io.BytesIO(data))
                now = {
                    **dict(m.named_parameters(remove_duplicate=False)),
                    **dict(m.named_buffers(remove_duplicate=False)),
                }
                inner = io.BytesIO()
                torch.save({**tensors, "state": {k: v.detach() for k, v in now.items()}}, inner)
                data = inner.getvalue()
            if not name.startswith("torchax_lite_jit/extra/"):
                z.writestr(name, data)
        for name, content in (extra or {}).items():
            z.writestr(f"torchax_lite_jit/extra/{name}", content)
    return buffer.getvalue()


def _export(m: Any, inputs: tuple[Any, ...], needed: bool) -> tuple[bytes | None, dict[str, Any]]:
    """The serialized program and the description of what goes in and comes out.

    Raises:
        ImportError: where the package ``flatbuffers``, which JAX serializes with, is missing and the program is needed.
    """
    import jax
    from jax import export

    from torchax_lite.interop import functionalize, to_jax
    from torchax_lite.interop.arrays import arrays_in, tensors_in

    flat, tree = _flatten(inputs)
    module = m if isinstance(m, nn.Module) else None
    found: dict[str, Any] = {}
    if module is not None:
        apply, params, buffers = functionalize(module)
    else:
        params, buffers = {}, {}

    def run(params: Any, buffers: Any, flat: Any) -> Any:
        it = iter(flat)
        args = _unflatten(tree, it)
        if module is not None:
            outputs, after = apply(params, buffers, *args)
        else:
            outputs, after = arrays_in(m._fn(*tensors_in(args))), {}
        leaves, found["out"] = _flatten(outputs)
        return leaves, after

    with torch.no_grad(), jax.enable_x64(True):
        specs = [jax.ShapeDtypeStruct(tuple(t.shape), to_jax(t).dtype) for t in flat]
        exported = export.export(jax.jit(run))(params, buffers, specs)
        data = _serialized(exported, needed)
    kinds = {}
    if module is not None:
        for path, child in module.named_modules(remove_duplicate=False):
            kinds[path] = [
                child.original_name if isinstance(child, ScriptModule) else type(child).__name__,
                child.training,
            ]
    persistent = list(module.state_dict()) if module is not None else []
    meta = {
        "kind": "module" if module is not None else "function", "name": m.original_name if module is not None else m.name,
        "inputs": tree, "outputs": found["out"], "shapes": [[list(t.shape), str(t.dtype)] for t in flat],
        "modules": kinds, "persistent": persistent,
        "parameters": {n: p.requires_grad for n, p in module.named_parameters(remove_duplicate=False)} if module is not None else {},
        "tied": _tied(module) if module is not None else {},
        "buffers": [n for n, _ in module.named_buffers(remove_duplicate=False)] if module is not None else [],
    }  # fmt: skip
    return data, meta


def _serialized(exported: Any, needed: bool) -> bytes | None:
    """The bytes of a program, with its derivative where it has one."""
    if importlib.util.find_spec("flatbuffers") is None:
        if needed:
            raise ImportError(
                "torch.jit.save needs the package 'flatbuffers' for this model, as no symbolic trace of it is possible: "
                "pip install torchax-lite[export]"
            )
        return None
    try:
        return bytes(exported.serialize(vjp_order=1))
    except Exception:
        return bytes(exported.serialize())


def _tied(module: nn.Module) -> dict[str, str]:
    """Names of parameters and buffers that are the tensor of another name."""
    first: dict[int, str] = {}
    tied = {}
    for table in (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)):
        for name, t in table:
            if id(t) in first:
                tied[name] = first[id(t)]
            else:
                first[id(t)] = name
    return tied


def _flatten(value: Any) -> tuple[list[Any], Any]:
    """Tensors or arrays in a nest of tuples, lists and dicts, and its structure as JSON."""
    leaves: list[Any] = []

    def walk(x: Any) -> Any:
        if isinstance(x, tuple):
            return {"tuple": [walk(y) for y in x]}
        if isinstance(x, list):
            return {"list": [walk(y) for y in x]}
        if isinstance(x, dict):
            return {"dict": [[k, walk(y)] for k, y in x.items()]}
        if isinstance(x, (bool, int, float, str)) or x is None:
            return {"value": x}
        leaves.append(x)
        return {"tensor": len(leaves) - 1}

    return leaves, walk(value)


def _unflatten(tree: Any, leaves: Any) -> Any:
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return next(leaves)
    if kind == "value":
        return content
    if kind == "dict":
        return {k: _unflatten(x, leaves) for k, x in content}
    items = [_unflatten(x, leaves) for x in content]
    return tuple(items) if kind == "tuple" else items


def load(
    f: Any, map_location: Any = None, _extra_files: dict[str, Any] | None = None, _restore_shapes: bool = False
) -> Any:
    """What :func:`save` wrote: a module with its parameters and buffers, or a function.

    Raises:
        ValueError: when there is no such file.
        RuntimeError: when the file is something else; a file of PyTorch's TorchScript says so.
    """
    if isinstance(f, (str, os.PathLike)):
        if not os.path.exists(f):
            raise ValueError(f"The provided filename {f} does not exist")
        if os.path.isdir(f):
            raise ValueError(f"The provided filename {f} is a directory")
        with open(f, "rb") as file:
            data = file.read()
    else:
        data = f.read()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise RuntimeError("PytorchStreamReader failed reading zip archive: failed finding central directory")
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        names = z.namelist()
        if "torchax_lite_jit/meta.json" not in names:
            if any(n.endswith("constants.pkl") for n in names):
                raise RuntimeError(
                    "torch.jit.load: this file holds TorchScript code of PyTorch, which cannot run here. Load the model "
                    "in PyTorch and save its state_dict, or build the model from its Python source."
                )
            raise RuntimeError(
                "PytorchStreamReader failed locating file constants.pkl: file not found (torch.jit.load reads files of "
                "torch.jit.save; use torch.load for this one)"
            )
        meta = json.loads(z.read("torchax_lite_jit/meta.json"))
        if meta["version"] > VERSION:
            raise RuntimeError(f"torch.jit.load: the file has version {meta['version']}, newer than {VERSION}")
        tensors = torch.load(io.BytesIO(z.read("torchax_lite_jit/tensors.pt")), map_location=map_location)
        program = z.read("torchax_lite_jit/program.stablehlo") if "torchax_lite_jit/program.stablehlo" in names else b""
        graph = json.loads(z.read("torchax_lite_jit/graph.json")) if "torchax_lite_jit/graph.json" in names else None
        for name in _extra_files or {}:
            path = f"torchax_lite_jit/extra/{name}"
            if path in names:
                _extra_files[name] = z.read(path)  # type: ignore[index]
    root = _tree(meta, tensors["state"])
    forward = _Forward(root, meta, program, decode(graph, tensors["constants"]) if graph is not None else None)
    if meta["kind"] == "function":
        made = ScriptFunction(forward, None)
        made.name, made.qualified_name = meta["name"], f"__torch__.{meta['name']}"
        made.__dict__["_jit_source"] = data
        return made
    root.__dict__["forward"] = forward
    root.__dict__["_jit_source"] = data
    return root


class LoadedModule(RecursiveScriptModule):
    """A module from a file; its mode at the time of saving is part of the program."""

    def save_to_buffer(self, *args: Any, **kwargs: Any) -> bytes:
        return to_bytes(self, *args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        source = self.__dict__.get("_jit_source")
        if source is None:
            return super().__deepcopy__(memo)
        made = load(io.BytesIO(source))
        made.load_state_dict(self.state_dict())
        made.train(self.training)
        return made


def _tree(meta: dict[str, Any], state: dict[str, Tensor]) -> LoadedModule:
    """Modules without code that hold the parameters and buffers."""
    root = LoadedModule()
    made: dict[str, Any] = {"": root}
    for path, (name, training) in meta["modules"].items():
        if path:
            owner, _, last = path.rpartition(".")
            made[path] = LoadedModule()
            made[owner]._modules[last] = made[path]
        made[path].__dict__["_jit_original_name"] = name
        made[path].training = training
    root.__dict__["_jit_original_name"] = meta["name"]
    held: dict[str, Any] = {}
    for name, t in state.items():
        owner, _, last = name.rpartition(".")
        if name in meta["tied"]:
            t = held[meta["tied"][name]]
        if name in meta["parameters"]:
            held[name] = t if isinstance(t, nn.Parameter) else nn.Parameter(t, meta["parameters"][name])
            made[owner].register_parameter(last, held[name])
        else:
            held[name] = t
            made[owner].register_buffer(last, t, persistent=name in meta["persistent"])
    return root


class _Forward:
    """Runs a loaded program: by its graph, or by the exported program for the shapes that it was exported for."""

    def __init__(self, root: nn.Module, meta: dict[str, Any], program: bytes, graph: Any) -> None:
        self.root, self.meta, self.program, self.graph = root, meta, program, graph
        self.call: Any = None
        self.__name__ = meta["name"]

    def __call__(self, *args: Any) -> Any:
        if self.graph is not None:
            return self.graph(self.root, args)
        flat, tree = _flatten(args)
        got = [[list(t.shape), str(t.dtype)] for t in flat]
        if tree != self.meta["inputs"] or got != self.meta["shapes"]:
            raise RuntimeError(
                f"{self.meta['name']} was saved as a program for inputs of {self.meta['shapes']}, and got {got}: trace "
                "and save it for these shapes (no symbolic trace that takes any shape was possible)"
            )
        if self.call is None:
            from jax import export

            from torchax_lite.interop import wrap_jax

            exported = export.deserialize(bytearray(self.program))
            self.call = wrap_jax(lambda p, b, x: exported.call(p, b, x), name=self.meta["name"])
        params = dict(self.root.named_parameters())
        buffers = dict(self.root.named_buffers())
        leaves, after = self.call(params, {name: b.detach().clone() for name, b in buffers.items()}, list(flat))
        with torch.no_grad():
            for name, value in after.items():
                buffers[name].copy_(value.detach())
        return _unflatten(self.meta["outputs"], iter(leaves))
