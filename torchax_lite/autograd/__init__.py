"""Automatic differentiation: ``backward``, ``grad``, modes, custom functions, hooks and the graph."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from ..tensor import dispatch
from ..tensor.creation import ones_of
from ..tensor.tensor import Tensor
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .engine import edge_of, run_backward
from .grad_mode import (
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .variable import Variable


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, Tensor) or not isinstance(x, Iterable) else tuple(x)


def _edges_or_tensors(x: Any) -> tuple[Any, ...]:
    from .graph import GradientEdge

    return (x,) if isinstance(x, GradientEdge) else _as_tuple(x)


def _seeds(outputs: Sequence[Any], grads: Sequence[Any]) -> list[Tensor]:
    """One gradient for each output (a tensor or an edge): the given one, checked, or 1 for a scalar."""
    from .graph import GradientEdge

    made = []
    for i, (out, grad) in enumerate(zip(outputs, grads, strict=False)):
        is_edge = isinstance(out, GradientEdge)
        a = out.node._out_avals[out.output_nr] if is_edge else out._aval
        shape, dtype = a.ext.size, a.ext.dtype
        if grad is None:
            if is_edge or out.requires_grad:
                if a.size != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                if not dtype.is_floating_point:
                    raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dtype}")
            made.append(ones_of(a))
            continue
        if not isinstance(grad, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
        if grad.shape != shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {grad.shape} and output[{i}] has a shape of {shape}."
            )
        if grad.is_complex() != dtype.is_complex:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                f"grad_output[{i}] has a dtype of {grad.dtype} and output[{i}] has a dtype of {dtype}."
            )
        made.append(grad if grad.dtype is dtype else grad.to(dtype))
    return made


def _roots(outputs: Sequence[Any]) -> list[Any]:
    from .graph import GradientEdge

    edges = []
    for i, out in enumerate(outputs):
        if isinstance(out, GradientEdge):
            edges.append((out.node, out.output_nr))
            continue
        edge = edge_of(out)
        if edge is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        edges.append(edge)
    return edges


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Any = None, inputs: Any = None,
) -> None:  # fmt: skip
    """Accumulate the gradients of ``tensors`` into the ``grad`` of the leaves (or of ``inputs``).

    Raises:
        RuntimeError: a tensor without graph, a non-scalar without gradient, a graph already freed.
    """
    if grad_variables is not None and grad_tensors is None:
        grad_tensors = grad_variables
    outs = _edges_or_tensors(tensors)
    grads = _as_tuple(grad_tensors) if grad_tensors is not None else (None,) * len(outs)
    if len(grads) != len(outs):
        raise RuntimeError(f"got {len(outs)} tensors and {len(grads)} gradients")
    edges = _roots(outs)
    seeds = _seeds(outs, grads)
    keep = create_graph if retain_graph is None else retain_graph
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
            "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
            "have to use this function, make sure to reset the .grad fields of your parameters",
            UserWarning,
            stacklevel=3,
        )
    if inputs is None:
        run_backward(edges, seeds, keep, create_graph)
        return
    wanted = _edges_or_tensors(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for t in wanted:
        if isinstance(t, Tensor):
            t.retain_grad()
    targets = _input_edges(wanted)
    run_backward(edges, seeds, keep, create_graph, targets, accumulate=True)


def _input_edges(inputs: Sequence[Any]) -> list[Any]:
    from .graph import GradientEdge

    edges = []
    for t in inputs:
        if isinstance(t, GradientEdge):
            edges.append((t.node, t.output_nr))
            continue
        edge = edge_of(t)
        if edge is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        edges.append(edge)
    return edges


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Gradients of the outputs' sum (weighted by ``grad_outputs``) with respect to the inputs.

    Raises:
        RuntimeError: an input that does not require grad, or that the outputs do not depend on (unless
            ``allow_unused`` or ``materialize_grads``).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    if not only_inputs:
        raise NotImplementedError("only_inputs=False is deprecated and not supported; use backward()")
    outs, wanted = _edges_or_tensors(outputs), _edges_or_tensors(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    grads = _as_tuple(grad_outputs) if grad_outputs is not None else (None,) * len(outs)
    if is_grads_batched:
        return _batched(outs, wanted, grads, retain_graph, create_graph, allow_unused, materialize_grads)
    edges = _roots(outs)
    seeds = _seeds(outs, grads)
    targets = _input_edges(wanted)
    keep = create_graph if retain_graph is None else retain_graph
    results = run_backward(edges, seeds, keep, create_graph, targets, accumulate=False)
    if not allow_unused:
        for i, r in enumerate(results):
            if r is None:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior."
                )
    if materialize_grads:
        from ..tensor.creation import zeros_like

        results = [zeros_like(t, requires_grad=False) if r is None else r for r, t in zip(results, wanted, strict=True)]
    fresh: list[Any] = []
    for r in results:
        fresh.append(r if r is None or create_graph else r.detach() if r._own_layout else dispatch.wrap(r._sync()))
    return tuple(fresh)


def _batched(
    outs: Sequence[Any], wanted: Sequence[Any], grads: Sequence[Any], retain_graph: bool | None, create_graph: bool,
    allow_unused: bool, materialize_grads: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """One backward for the whole batch of gradients, whose first dim the results have too."""
    from ..func.batching import batched, unbatched
    from ..tensor.transforms import BATCH, Level, common_size
    from .graph import GradientEdge

    if any(isinstance(x, GradientEdge) for x in (*outs, *wanted)):
        raise RuntimeError("Batched grads are not supported with GradientEdge")
    sizes = []
    for i, (out, g) in enumerate(zip(outs, grads, strict=True)):
        if g is None:
            continue
        if g.ndim == 0:
            raise ValueError("vmap: Expected gradients with a first dim to map over, got a 0-dim tensor")
        if g.shape[1:] != out.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The "
                "sizes of the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was "
                f"detected: grad_output[{i}] has a shape of {g.shape[2:]} and output[{i}] has a shape of {out.shape}. If you only "
                "want some tensors in `grad_output` to be considered batched, consider using vmap."
            )
        sizes.append(g.shape[0])
    with Level(BATCH, common_size(sizes)) as level:
        rows = [None if g is None else batched(g, 0, level) for g in grads]
        found = grad(
            outs,
            wanted,
            rows,
            retain_graph,
            create_graph,
            allow_unused=allow_unused,
            materialize_grads=materialize_grads,
        )
        return tuple(None if g is None else unbatched(g, level, 0) for g in found)


def _profiler_enabled() -> bool:
    """Whether a profiler is recording."""
    from . import profiler

    return profiler.current is not None


def _disable_profiler() -> Any:
    """End the recording, if there is one; it is returned."""
    from . import profiler

    recording = profiler.current
    profiler.end()
    return recording


def __getattr__(name: str) -> Any:
    import importlib

    lazy = {
        "Function": "function", "FunctionCtx": "function", "NestedIOFunction": "function", "function": "function",
        "gradcheck": "gradcheck", "gradgradcheck": "gradcheck", "graph": "graph", "functional": "functional",
        "forward_ad": "forward_ad", "profiler": "profiler", "drawing": "drawing",
        "profiler_legacy": "profiler_legacy",
    }  # fmt: skip
    if name in lazy:
        module = importlib.import_module(f".{lazy[name]}", __name__)
        if name == lazy[name] and name != "gradcheck":
            return module
        if lazy[name] == "gradcheck":  # the import has put the module where the function belongs
            globals()["gradcheck"] = module.gradcheck
        found = getattr(module, name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'torchax_lite.autograd' has no attribute '{name}'")


def variable(*args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[no-redef]
    """The spelling of ``torch.tensor`` in PyTorch's first versions: raises."""
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")


__all__ = [
    "Variable", "backward", "detect_anomaly", "enable_grad", "enforce_grad_layout_policy", "grad", "inference_mode", "is_grad_enabled",
    "is_inference_mode_enabled", "no_grad", "set_detect_anomaly", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip
