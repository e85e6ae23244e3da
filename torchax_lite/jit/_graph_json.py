"""Graphs of torch functions as JSON: what a symbolic trace through all modules gives, with constants beside it."""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any, cast

import torchax_lite as torch
from torchax_lite import Tensor, nn


class _Unwritable(Exception):
    """Something that JSON cannot hold."""


def encode(m: Any, inputs: tuple[Any, ...]) -> dict[str, Any] | None:
    """The graph of a function or module, checked on the inputs; None where there is none.

    A symbolic trace goes through all modules down to functions. It fails for control flow that depends on inputs.
    """
    tracer = example_tracer(inputs)
    before = set(m.__dict__) if isinstance(m, nn.Module) else set()
    try:
        graph = tracer.trace(m if isinstance(m, nn.Module) else m._fn)
        encoded = _encode_graph(graph, tracer)
        if encoded is None or not _agrees(m, encoded, inputs):
            return None
        return encoded
    except Exception:
        return None
    finally:
        if isinstance(m, nn.Module):
            for name in set(m.__dict__) - before:
                del m.__dict__[name]


def example_tracer(inputs: tuple[Any, ...]) -> Any:
    """A tracer through all modules whose proxies know their values for these inputs.

    Ranks, dtypes and decisions about sizes are then those of the inputs, as in PyTorch's traces; a decision about the
    values of a tensor is refused.
    """
    from torchax_lite import fx
    from torchax_lite.fx.node import map_arg

    given = list(inputs)

    class Known(fx.Proxy):
        def dim(self) -> Any:
            return self.node.meta["value"].dim()

        @property
        def ndim(self) -> Any:
            return self.node.meta["value"].ndim

        @property
        def dtype(self) -> Any:
            return self.node.meta["value"].dtype

        @property
        def device(self) -> Any:
            return self.node.meta["value"].device

        @property
        def requires_grad(self) -> Any:
            return self.node.meta["value"].requires_grad

        def is_floating_point(self) -> Any:
            return self.node.meta["value"].is_floating_point()

        def is_complex(self) -> Any:
            return self.node.meta["value"].is_complex()

        def __bool__(self) -> bool:
            value = self.node.meta["value"]
            return super().__bool__() if isinstance(value, Tensor) else bool(value)

        def __iter__(self) -> Any:
            value, proxy = self.node.meta["value"], cast("Any", self)
            return (proxy[i] for i in range(len(value))) if isinstance(value, (tuple, list)) else super().__iter__()

    class AllModules(fx.Tracer):
        proxy_buffer_attributes = True

        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return False

        def proxy(self, node: Any) -> Any:
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                node.meta["value"] = self.evaluate(node)
            return Known(node, self)

        def evaluate(self, n: Any) -> Any:
            def value(x: Any) -> Any:
                return x.meta["value"] if "value" in x.meta else self.evaluate(x)

            args, kwargs = map_arg(n.args, value), map_arg(n.kwargs, value)
            if n.op == "placeholder":
                return given.pop(0) if given else args[0]
            if n.op == "get_attr":
                return _attribute(self.root, n.target)
            if n.op == "call_function":
                return n.target(*args, **kwargs)
            return getattr(args[0], n.target)(*args[1:], **kwargs)

    return AllModules()


def _attribute(module: Any, target: str) -> Any:
    """A parameter, buffer or plain attribute, read from the tables of the modules (a trace replaces ``getattr``)."""
    *path, last = target.split(".")
    for part in path:
        module = module._modules[part]
    for table in (module._parameters, module._buffers, module._modules, module.__dict__):
        if last in table:
            return table[last]
    raise AttributeError(target)


def _encode_graph(graph: Any, tracer: Any) -> dict[str, Any] | None:
    constants: dict[str, Tensor] = {}
    nodes = []
    try:
        for n in graph.nodes:
            target = n.target
            if n.op == "call_function":
                target = _function_name(target)
            elif n.op == "call_module":
                return None
            elif n.op == "get_attr" and str(target).startswith("_tensor_constant"):
                constants[str(target)] = getattr(tracer.root, str(target))
            nodes.append([n.op, n.name, target, _encode(n.args), _encode(n.kwargs)])
    except _Unwritable:
        return None
    return {"nodes": nodes, "constants": constants}


def _agrees(m: Any, encoded: dict[str, Any], inputs: tuple[Any, ...]) -> bool:
    """Whether the graph gives what the function gives, and gives the same twice (no random numbers)."""
    from ._trace import _tensors

    run = decode(encoded, encoded["constants"])
    state = torch.get_rng_state()
    buffers = {n: b.clone() for n, b in m.named_buffers()} if isinstance(m, nn.Module) else {}
    try:
        with torch.no_grad():
            want = _tensors(m(*inputs) if isinstance(m, nn.Module) else m._fn(*inputs))
            torch.set_rng_state(state)
            for n, b in m.named_buffers() if isinstance(m, nn.Module) else ():
                b.copy_(buffers[n])
            got = _tensors(run(m if isinstance(m, nn.Module) else nn.Module(), inputs))
            return len(want) == len(got) and all(
                a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
                for a, b in zip(want, got, strict=True)
            )
    finally:
        torch.set_rng_state(state)
        with torch.no_grad():
            for n, b in m.named_buffers() if isinstance(m, nn.Module) else ():
                b.copy_(buffers[n])


def _function_name(f: Any) -> str:
    from torchax_lite.fx.node import qualified_name

    name = qualified_name(f)
    if _find(name) is not f:
        raise _Unwritable
    return name


def _find(name: str) -> Any:
    """The function of a name in ``torch``, ``operator`` or among the builtins that read; None for any other."""
    if name == "getattr":
        return builtins.getattr
    root, _, rest = name.partition(".")
    if root == "operator":
        return getattr(operator, rest, None)
    if (
        root != "torch"
        or "._" in name
        or rest in ("load", "save", "compile")
        or rest.split(".")[0] not in _NAMESPACES(rest)
    ):
        return None
    found: Any = torch
    for part in rest.split("."):
        found = getattr(found, part, None)
    return found


def _NAMESPACES(rest: str) -> set[str]:
    return {"nn", "linalg", "special", "fft"} if "." in rest else {rest}


def _encode(a: Any) -> Any:
    from torchax_lite.fx import Node

    if isinstance(a, Node):
        return {"node": a.name}
    if isinstance(a, torch.Size):
        return {"size": list(a)}
    if isinstance(a, tuple):
        return {"tuple": [_encode(x) for x in a]}
    if isinstance(a, list):
        return {"list": [_encode(x) for x in a]}
    if isinstance(a, dict):
        return {"dict": [[k, _encode(v)] for k, v in a.items()]}
    if isinstance(a, slice):
        return {"slice": [_encode(a.start), _encode(a.stop), _encode(a.step)]}
    if isinstance(a, torch.dtype):
        return {"dtype": str(a).removeprefix("torch.")}
    if isinstance(a, torch.device):
        return {"device": str(a)}
    if isinstance(a, (torch.memory_format, torch.layout)):
        return {"torch": str(a).removeprefix("torch.")}
    if a is ...:
        return {"ellipsis": 0}
    if isinstance(a, complex):
        return {"complex": [a.real, a.imag]}
    if isinstance(a, float) and not math.isfinite(a):
        return {"float": repr(a)}
    if a is None or isinstance(a, (bool, int, float, str)):
        return a
    raise _Unwritable


def _decode(a: Any, env: dict[str, Any]) -> Any:
    if not isinstance(a, dict):
        return a
    ((kind, x),) = a.items()
    if kind == "node":
        return env[x]
    if kind == "size":
        return torch.Size(x)
    if kind == "tuple":
        return tuple(_decode(y, env) for y in x)
    if kind == "list":
        return [_decode(y, env) for y in x]
    if kind == "dict":
        return {k: _decode(y, env) for k, y in x}
    if kind == "slice":
        return slice(*(_decode(y, env) for y in x))
    if kind in ("dtype", "torch"):
        return getattr(torch, x)
    if kind == "device":
        return torch.device(x)
    if kind == "complex":
        return complex(*x)
    if kind == "float":
        return float(x)
    return ...


def decode(graph: dict[str, Any], constants: dict[str, Tensor]) -> Any:
    """A function of ``(module, inputs)`` that runs the graph."""
    functions = {t: _find(t) for op, _, t, _, _ in graph["nodes"] if op == "call_function"}
    missing = [t for t, f in functions.items() if f is None]
    if missing:
        raise RuntimeError(f"torch.jit.load: the file calls functions that do not exist here: {missing}")

    def run(module: Any, inputs: tuple[Any, ...]) -> Any:
        env: dict[str, Any] = {}
        given = iter(inputs)
        for op, name, target, args, kwargs in graph["nodes"]:
            if op == "placeholder":
                default = _decode(args, env)
                if str(target).startswith("*"):
                    env[name] = {} if target.startswith("**") else tuple(given)
                elif default:
                    env[name] = next(given, default[0])
                else:
                    try:
                        env[name] = next(given)
                    except StopIteration:
                        raise RuntimeError(f"forward() is missing value for argument '{target}'.") from None
            elif op == "get_attr":
                found: Any = constants.get(target)
                if found is None:
                    found = module
                    for part in target.split("."):
                        found = getattr(found, part)
                env[name] = found
            elif op == "output":
                return _decode(args, env)[0]
            else:
                a, k = _decode(args, env), _decode(kwargs, env)
                env[name] = functions[target](*a, **k) if op == "call_function" else getattr(a[0], target)(*a[1:], **k)
        return None

    return run
