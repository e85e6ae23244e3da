"""``torch.export``: a module as a program of its own, without its Python source.

An exported program is what ``torch.jit.save`` writes: a graph of torch functions where a symbolic trace finds one (it
takes any shapes), and the program as StableHLO for the shapes of the example inputs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor, nn
from torchax_lite.compiler._absent import functions

__all__ = [
    "Dim", "ExportGraphSignature", "ExportedProgram", "dims", "draft_export", "export", "load", "register_dataclass", "save",
    "unflatten",
]  # fmt: skip


_DYNAMIC = "name the sizes that may change by dynamic_shapes={...: Dim(...)}"
_PROGRAM = (
    "an exported program is a StableHLO module and, where the source can be traced, a torch.fx graph: module().graph"
)
__getattr__ = functions(
    "torch.export",
    {
        **dict.fromkeys(("AdditionalInputs", "Constraint", "ShapesCollection"), _DYNAMIC),
        **dict.fromkeys(
            ("CustomDecompTable", "ExportBackwardSignature", "FlatArgsAdapter", "ModuleCallEntry", "ModuleCallSignature",
             "UnflattenedModule", "default_decompositions", "passes"), _PROGRAM,
        ),
    },
)  # fmt: skip


class _DimHint:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Dim.{self.name}"


class Dim:
    """The name of a size that may change, with its bounds."""

    AUTO = _DimHint("AUTO")
    DYNAMIC = _DimHint("DYNAMIC")
    STATIC = _DimHint("STATIC")

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None) -> None:
        if not name.isidentifier():
            raise AssertionError(f"Dim name must be a valid identifier, got {name}")
        if min is not None and max is not None and not min < max:
            raise AssertionError(f"Cannot create Dim with inconsistent min={min}, max={max}")
        self.__name__ = name
        self.min, self.max = 0 if min is None else min, max

    def __repr__(self) -> str:
        return f"Dim('{self.__name__}', min={self.min}, max={self.max})"


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Dim, ...]:
    """Several :class:`Dim` with the same bounds."""
    return tuple(Dim(name, min=min, max=max) for name in names)


class ExportGraphSignature:
    """Names of what goes into an exported program."""

    def __init__(self, parameters: list[str], buffers: list[str], user_inputs: list[str]) -> None:
        self.parameters, self.buffers, self.user_inputs = tuple(parameters), tuple(buffers), tuple(user_inputs)

    def __repr__(self) -> str:
        return f"ExportGraphSignature(parameters={self.parameters}, buffers={self.buffers}, user_inputs={self.user_inputs})"


class ExportedProgram:
    """A program with its parameters; :meth:`module` gives what runs it."""

    def __init__(
        self, data: bytes, example_inputs: Any = None, dynamic_shapes: Any = None, graph_module: Any = None
    ) -> None:
        self._data = data
        self._example_inputs = example_inputs
        self._dynamic_shapes = dynamic_shapes
        self._graph_module = graph_module
        self._module = torch.jit.load(io.BytesIO(data))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Unable to call ExportedProgram directly. You should use `exported_program.module()` instead."
        )

    def module(self, check_guards: bool = True) -> Any:
        """A module that runs the program, on a copy of the parameters and buffers."""
        made = torch.jit.load(io.BytesIO(self._data))
        made.load_state_dict(self._module.state_dict(), strict=False)
        made.__dict__["train"] = made.__dict__["eval"] = _no_mode
        return made

    @property
    def graph_module(self) -> Any:
        """The program as a graph of torch functions.

        Raises:
            NotImplementedError: where no symbolic trace was possible.
        """
        if self._graph_module is None:
            raise NotImplementedError(
                "ExportedProgram.graph_module: no symbolic trace of this model was possible, or it was loaded from a file"
            )
        return self._graph_module

    @property
    def graph(self) -> Any:
        """The graph of :attr:`graph_module`."""
        return self.graph_module.graph

    @property
    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        return dict(self._module.state_dict())

    @property
    def example_inputs(self) -> Any:
        """Arguments of the export, by position and by name."""
        return self._example_inputs

    @property
    def graph_signature(self) -> ExportGraphSignature:
        """Names of parameters, buffers and inputs."""
        inputs = [f"arg{i}" for i in range(len(self._example_inputs[0]))] if self._example_inputs else []
        return ExportGraphSignature(
            [n for n, _ in self.named_parameters()], [n for n, _ in self.named_buffers()], inputs
        )

    def parameters(self) -> Iterator[nn.Parameter]:
        """The parameters."""
        yield from self._module.parameters()

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters and their names."""
        yield from self._module.named_parameters()

    def buffers(self) -> Iterator[Tensor]:
        """The buffers."""
        yield from self._module.buffers()

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers and their names."""
        yield from self._module.named_buffers()

    def run_decompositions(
        self, decomp_table: Any = None, decompose_custom_triton_ops: bool = False
    ) -> ExportedProgram:
        """The program itself: XLA lowers what is to be lowered."""
        return self

    def __str__(self) -> str:
        body = self._graph_module.code.strip() if self._graph_module is not None else "(StableHLO)"
        return f"ExportedProgram:\n    {body}\nGraph signature: {self.graph_signature}"


def _no_mode(mode: bool = True) -> Any:
    raise NotImplementedError(
        "Calling train() or eval() is not supported for exported modules: the mode is part of the program"
    )


def export(
    mod: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, *, dynamic_shapes: Any = None, strict: bool = False,
    preserve_module_call_signature: tuple[str, ...] = (), prefer_deferred_runtime_asserts_over_guards: bool = False,
) -> ExportedProgram:  # fmt: skip
    """A module's forward as a program, for inputs like these.

    Args:
        args, kwargs: example inputs.
        dynamic_shapes: which sizes may change. A program that was traced symbolically takes all sizes.
        strict, preserve_module_call_signature, prefer_deferred_runtime_asserts_over_guards: about PyTorch's tracers.

    Raises:
        NotImplementedError: for ``dynamic_shapes`` of a model whose control flow depends on its inputs.
    """
    import inspect

    from torchax_lite.compiler._compile import state
    from torchax_lite.jit._graph_json import encode

    if not isinstance(mod, nn.Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if not isinstance(args, tuple):
        raise RuntimeError(f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}")
    inputs = inspect.signature(mod.forward).bind(*args, **(kwargs or {})).args
    state.exporting += 1
    try:
        traced = torch.jit.trace(mod, inputs, check_trace=False, strict=False)
        if _has_dynamic(dynamic_shapes) and encode(traced, inputs) is None:
            raise NotImplementedError(
                "torch.export.export(dynamic_shapes=...): this model has control flow that depends on its inputs, so that only "
                "a program for fixed shapes can be made"
            )
        data = torch.jit._serialize.to_bytes(traced)
        graph_module = _graph_module(mod, inputs)
    finally:
        state.exporting -= 1
    return ExportedProgram(data, (args, kwargs or {}), dynamic_shapes, graph_module)


def _has_dynamic(spec: Any) -> bool:
    if isinstance(spec, dict):
        return any(map(_has_dynamic, spec.values()))
    if isinstance(spec, (list, tuple)):
        return any(map(_has_dynamic, spec))
    return isinstance(spec, Dim) or spec in (Dim.AUTO, Dim.DYNAMIC)


def _graph_module(mod: nn.Module, inputs: tuple[Any, ...]) -> Any:
    from torchax_lite import fx
    from torchax_lite.jit._graph_json import example_tracer

    before = set(mod.__dict__)
    try:
        tracer = example_tracer(inputs)
        graph = tracer.trace(mod)
        return fx.GraphModule(tracer.root, graph, type(mod).__name__)
    except Exception:
        return None
    finally:
        for name in set(mod.__dict__) - before:
            del mod.__dict__[name]


def draft_export(*args: Any, **kwargs: Any) -> Any:
    """Not supported."""
    raise NotImplementedError("torch.export.draft_export: use torch.export.export")


def save(
    ep: ExportedProgram,
    f: Any,
    *,
    extra_files: dict[str, Any] | None = None,
    opset_version: Any = None,
    pickle_protocol: int = 2,
) -> None:
    """Write an exported program to a path or file object; nothing in it is pickled."""
    if opset_version is not None:
        raise NotImplementedError("torch.export.save(opset_version=...)")
    if not isinstance(ep, ExportedProgram):
        raise TypeError(
            f"The 'ep' parameter must be an instance of 'ExportedProgram', got '{type(ep).__name__}' instead."
        )
    data = ep._data
    if extra_files:
        import zipfile

        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as z:
            for name, content in extra_files.items():
                z.writestr(f"torchax_lite_jit/extra/{name}", content)
        data = buffer.getvalue()
    if hasattr(f, "write"):
        f.write(data)
    else:
        with open(f, "wb") as file:
            file.write(data)


def load(f: Any, *, extra_files: dict[str, Any] | None = None, expected_opset_version: Any = None) -> ExportedProgram:
    """What :func:`save` wrote."""
    if expected_opset_version is not None:
        raise NotImplementedError("torch.export.load(expected_opset_version=...)")
    if hasattr(f, "read"):
        data = f.read()
    else:
        with open(f, "rb") as file:
            data = file.read()
    if extra_files:
        torch.jit.load(io.BytesIO(data), _extra_files=extra_files)
    return ExportedProgram(data)


def unflatten(module: ExportedProgram, flat_args_adapter: Any = None) -> Any:
    """The program's module, whose parameters are held by submodules of the original names."""
    if flat_args_adapter is not None:
        raise NotImplementedError("torch.export.unflatten(flat_args_adapter=...)")
    return module.module()


def register_dataclass(cls: type, *, serialized_type_name: str | None = None) -> None:
    """Not supported."""
    raise NotImplementedError("torch.export.register_dataclass: give the fields as a tuple or dict")
