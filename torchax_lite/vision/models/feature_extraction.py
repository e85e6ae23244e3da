"""Models cut open: outputs of inner nodes, by names that follow the module hierarchy."""

from __future__ import annotations

import copy
import inspect
import math
import re
import warnings
from collections import OrderedDict
from typing import Any

from torchax_lite import fx, nn
from torchax_lite.fx.graph_module import _copy_attribute

from .. import ops

__all__ = ["create_feature_extractor", "get_graph_node_names"]


class LeafModuleAwareTracer(fx.Tracer):
    """A tracer that does not look into modules of the classes ``leaf_modules``."""

    def __init__(self, *args: Any, leaf_modules: Any = (), **kwargs: Any) -> None:
        self.leaf_modules = leaf_modules
        super().__init__(*args, **kwargs)

    def is_leaf_module(self, m: nn.Module, module_qualname: str) -> bool:
        return isinstance(m, tuple(self.leaf_modules)) or super().is_leaf_module(m, module_qualname)


class NodePathTracer(LeafModuleAwareTracer):
    """A tracer that names every node by the module in which it arose, with a number where the name was taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current_module_qualname = ""
        self.node_to_qualname: OrderedDict[Any, str] = OrderedDict()

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        outer = self.current_module_qualname
        try:
            self.current_module_qualname = self.path_of_module(m)
            if not self.is_leaf_module(m, self.current_module_qualname):
                return forward(*args, **kwargs)
            return self.create_proxy("call_module", self.current_module_qualname, args, kwargs)
        finally:
            self.current_module_qualname = outer

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **options: Any) -> Any:
        proxy = super().create_proxy(kind, target, args, kwargs, *rest, **options)
        self.node_to_qualname[proxy.node] = self._get_node_qualname(self.current_module_qualname, proxy.node)
        return proxy

    def _get_node_qualname(self, module_qualname: str, node: Any) -> str:
        name = module_qualname
        if node.op != "call_module":
            name = f"{name}.{node}" if name else str(node)
        if re.match(r".+_[0-9]+$", name) is not None:
            name = name.rsplit("_", 1)[0]
        for taken in reversed(self.node_to_qualname.values()):
            if re.match(rf"{name}(_[0-9]+)?$", taken) is not None:
                number = taken.replace(name, "")
                return f"{name}_{int(number[1:]) + 1 if number else 1}"
        return name


def _is_subseq(x: list[str], y: list[str]) -> bool:
    """Whether all of ``y`` are found in ``x``, in their order."""
    rest = iter(x)
    return all(any(a == b for a in rest) for b in y)


def _warn_graph_differences(train_tracer: NodePathTracer, eval_tracer: NodePathTracer) -> None:
    train, evaluate = (list(t.node_to_qualname.values()) for t in (train_tracer, eval_tracer))
    if train == evaluate:
        return
    if _is_subseq(train, evaluate):
        text = "NOTE: The nodes obtained by tracing the model in eval mode are a subsequence of those obtained in train mode. "
    elif _is_subseq(evaluate, train):
        text = "NOTE: The nodes obtained by tracing the model in train mode are a subsequence of those obtained in eval mode. "
    else:
        text = "The nodes obtained by tracing the model in train mode are different to those obtained in eval mode. "
    warnings.warn(
        text
        + "When choosing nodes for feature extraction, you may need to specify output nodes for train and eval mode "
        "separately.",
        stacklevel=3,
    )


def _tracer_options(given: dict[str, Any] | None) -> dict[str, Any]:
    """The layers of ``torchvision.ops`` are leaves, its functions are recorded."""
    leaves = [cls for _, cls in inspect.getmembers(ops) if inspect.isclass(cls) and issubclass(cls, nn.Module)]
    options = {} if given is None else given
    modules = (math, ops)
    options["autowrap_modules"] = tuple({*options.get("autowrap_modules", ()), *modules})
    options["leaf_modules"] = list({*options.get("leaf_modules", ()), *leaves})
    return options


def _traced(model: nn.Module, training: bool, options: dict[str, Any], concrete_args: Any) -> tuple[Any, Any]:
    tracer = NodePathTracer(**options)
    return tracer, tracer.trace(model.train(training), concrete_args=concrete_args)


def get_graph_node_names(
    model: nn.Module, tracer_kwargs: dict[str, Any] | None = None, suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Names of all nodes in the order of execution, in training and in evaluation."""
    options = _tracer_options(tracer_kwargs)
    training = model.training
    train, _ = _traced(model, True, options, concrete_args)
    evaluate, _ = _traced(model, False, options, concrete_args)
    if not suppress_diff_warning:
        _warn_graph_differences(train, evaluate)
    model.train(training)
    return list(train.node_to_qualname.values()), list(evaluate.node_to_qualname.values())


class DualGraphModule(fx.GraphModule):
    """A module with one graph for training and one for evaluation."""

    def __init__(self, root: nn.Module, train_graph: Any, eval_graph: Any, class_name: str = "GraphModule") -> None:
        nn.Module.__init__(self)
        self.__class__.__name__ = class_name
        for graph in (train_graph, eval_graph):
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    _copy_attribute(root, self, str(node.target))
        self.meta: dict[str, Any] = {}
        self._tracer_cls = None
        self._tracer_extras: dict[str, Any] = {}
        self.graph = eval_graph
        self.eval_graph = self.graph
        self.graph = train_graph
        self.train_graph = self.graph
        self.train()

    def train(self, mode: bool = True) -> Any:
        if mode != self.training:
            self.graph = self.train_graph if mode else self.eval_graph
        return super().train(mode=mode)

    def __deepcopy__(self, memo: dict[int, Any]) -> DualGraphModule:
        root = nn.Module()
        root.__dict__ = copy.deepcopy({k: v for k, v in self.__dict__.items() if "graph" not in k}, memo)
        graphs = (copy.deepcopy(g, memo) for g in (self.train_graph, self.eval_graph))
        made = DualGraphModule(root, *graphs, class_name=self.__class__.__name__)
        made.train(self.training)
        return made


def _as_names(nodes: Any) -> dict[str, str]:
    if isinstance(nodes, list):
        return {str(n): str(n) for n in nodes}
    return {str(k): str(v) for k, v in nodes.items()}


def _wanted_nodes(return_nodes: Any, train_nodes: Any, eval_nodes: Any) -> tuple[dict[str, str], dict[str, str]]:
    if return_nodes is None and train_nodes is None and eval_nodes is None:
        raise ValueError(
            "Either `return_nodes` or `train_return_nodes` and `eval_return_nodes` together, should be specified"
        )
    if (train_nodes is None) != (eval_nodes is None):
        raise ValueError(
            "If any of `train_return_nodes` and `eval_return_nodes` are specified, then both should be specified"
        )
    if (return_nodes is None) == (train_nodes is None):
        raise ValueError("If `train_return_nodes` and `eval_return_nodes` are specified, then both should be specified")
    if train_nodes is None:
        return _as_names(return_nodes), _as_names(return_nodes)
    return _as_names(train_nodes), _as_names(eval_nodes)


def _end_at(tracer: NodePathTracer, graph: Any, wanted: dict[str, str]) -> None:
    """Make the graph return the last node of each wanted name, as a dict."""
    available = list(tracer.node_to_qualname.values())
    if len(set(available)) != len(available):
        raise ValueError("There are duplicate nodes! Please raise an issue https://github.com/pytorch/vision/issues")
    for query in wanted:
        if not any(re.match(rf"^{query}(\.|$)", name) is not None for name in available):
            raise ValueError(
                f"node: '{query}' is not present in model. Hint: use `get_graph_node_names` to make sure the "
                "`return_nodes` you specified are present. It may even be that you need to specify `train_return_nodes` "
                "and `eval_return_nodes` separately."
            )
    for node in [n for n in graph.nodes if n.op == "output"]:
        graph.erase_node(node)
    nodes = list(graph.nodes)
    left = dict(wanted)
    found: list[tuple[str, Any]] = []
    for node in reversed(nodes):
        name = tracer.node_to_qualname.get(node)
        for query in left if name is not None else ():
            if ".".join(str(name).split(".")[: query.count(".") + 1]) == query:
                found.append((left.pop(query), node))
                break
    with graph.inserting_after(nodes[-1]):
        graph.output(OrderedDict(reversed(found)))
    graph.eliminate_dead_code()


def create_feature_extractor(
    model: nn.Module, return_nodes: list[str] | dict[str, str] | None = None,
    train_return_nodes: list[str] | dict[str, str] | None = None,
    eval_return_nodes: list[str] | dict[str, str] | None = None, tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False, concrete_args: dict[str, Any] | None = None,
) -> fx.GraphModule:  # fmt: skip
    """A module that gives the outputs of inner nodes as a dict; what they do not need is left out.

    Args:
        return_nodes: names (see :func:`get_graph_node_names`) of nodes or modules, with the names in the result; of a
            module the last node is meant.
        train_return_nodes, eval_return_nodes: the same for each mode, instead.

    Raises:
        ValueError: unknown names, or a wrong choice of arguments.
    """
    options = _tracer_options(tracer_kwargs)
    training = model.training
    wanted = _wanted_nodes(return_nodes, train_return_nodes, eval_return_nodes)
    tracers, graphs = [], []
    for mode, names in zip((True, False), wanted):
        tracer, graph = _traced(model, mode, options, concrete_args)
        _end_at(tracer, graph, names)
        tracers.append(tracer)
        graphs.append(graph)
    if not suppress_diff_warning:
        _warn_graph_differences(*tracers)
    made = DualGraphModule(model, *graphs, class_name=model.__class__.__name__)
    model.train(training)
    made.train(training)
    return made
