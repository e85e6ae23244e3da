"""Record what PyTorch's modules do when used rightly and wrongly: writes ``tests/data/nn_semantics.json``.

    python tests/recorders/record_nn_semantics.py      (in an environment with PyTorch 2.13)

``CASES`` maps a name to a function of the ``torch`` module. Recorded is its result as text, or its error's class and
text, and the classes of its warnings; the tests run the same functions with ours.
"""

import copy
import json
import pathlib
import pickle
import warnings
from collections import OrderedDict

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "nn_semantics.json"

CASES = {}


def cases(title, *functions, **named):
    """Name the functions ``title.0``, ``title.1`` … and ``title.key``."""
    for key, function in [*enumerate(functions), *named.items()]:
        CASES[f"{title}.{key}"] = function


def observe(torch, function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.manual_seed(0)
        try:
            result = repr(function(torch))
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    kinds = sorted({warning.category.__name__ for warning in caught if "TypedStorage" not in str(warning.message)})
    return [result.replace("torchax_lite.", "torch."), *kinds]


def after(obj, action):
    """What ``action`` returned and what ``obj`` has become."""
    result = action(obj)
    return (None if result is obj else result), obj


# Registration --------------------------------------------------------------------------------------------------------


def bare(t):
    """A module that forgot ``super().__init__()``."""

    class Bare(t.nn.Module):
        def __init__(self):
            pass

    return Bare()


def mixed(t):
    module = t.nn.Module()
    module.register_buffer("b", t.ones(1))
    module.register_parameter("p", t.nn.Parameter(t.ones(1)))
    module.add_module("c", t.nn.Linear(1, 1))
    module.foo = 3
    return module


def set_attribute(t, module, name, value):
    setattr(module, name, value)
    return [list(module._parameters), list(module._buffers), list(module._modules), name in module.__dict__]


cases(
    "before_init",
    lambda t: setattr(bare(t), "x", t.nn.Parameter(t.ones(1))),
    lambda t: setattr(bare(t), "x", t.nn.Linear(1, 1)),
    lambda t: setattr(bare(t), "x", t.nn.Buffer(t.ones(1))),
    lambda t: bare(t).register_buffer("x", t.ones(1)),
    lambda t: bare(t).register_parameter("x", None),
    lambda t: bare(t).foo,
    lambda t: list(bare(t).parameters()),
    lambda t: bare(t)(1),
)
for bad in ("", "a.b", "foo", "b", "p", "c", 3, "forward"):
    cases(
        f"name_{bad}",
        lambda t, bad=bad: mixed(t).register_buffer(bad, t.ones(1)),
        lambda t, bad=bad: mixed(t).register_parameter(bad, t.nn.Parameter(t.ones(1))),
        lambda t, bad=bad: mixed(t).add_module(bad, t.nn.Linear(1, 1)),
    )
cases(
    "wrong_kind",
    lambda t: mixed(t).register_buffer("z", 3),
    lambda t: mixed(t).register_buffer("z", t.nn.Linear(1, 1)),
    lambda t: mixed(t).register_parameter("z", t.ones(1)),
    lambda t: mixed(t).register_parameter("z", 3),
    lambda t: mixed(t).register_parameter("z", t.nn.Parameter(t.ones(1)) * 2),
    lambda t: mixed(t).add_module("z", 3),
    lambda t: mixed(t).add_module("z", t.nn.Linear),
    lambda t: mixed(t).add_module("z", None),
)
VALUES = {
    "int": lambda t: 3,
    "tensor": lambda t: t.ones(1),
    "none": lambda t: None,
    "parameter": lambda t: t.nn.Parameter(t.zeros(1)),
    "module": lambda t: t.nn.Linear(1, 1),
    "buffer": lambda t: t.nn.Buffer(t.zeros(1)),
}
for target in ("p", "b", "c", "foo", "new"):
    for kind, make in VALUES.items():
        cases(f"set_{target}", **{kind: lambda t, n=target, make=make: set_attribute(t, mixed(t), n, make(t))})


def delete(t, name):
    module = mixed(t)
    delattr(module, name)
    return list(module._parameters), list(module._buffers), list(module._modules), list(module.state_dict())


for target in ("p", "b", "c", "foo", "missing"):
    cases("delete", **{target: lambda t, n=target: delete(t, n)})


def nested(t):
    module = t.nn.Sequential(t.nn.Linear(1, 1), t.nn.Sequential(t.nn.ReLU()))
    module.register_buffer("bb", t.ones(2))
    module[1].at = 3
    return module


def set_submodule(t, path, strict):
    module = nested(t)
    module.set_submodule(path, t.nn.Tanh(), strict=strict)
    return module


for path in ("", "1.0", "1.1", "5", "1.at", "1.at.b", "bb", "0.bias", "9.new"):
    cases(
        f"path_{path}",
        lambda t, path=path: nested(t).get_submodule(path),
        lambda t, path=path: nested(t).get_parameter(path).shape,
        lambda t, path=path: nested(t).get_buffer(path),
        lambda t, path=path: set_submodule(t, path, False),
        lambda t, path=path: set_submodule(t, path, True),
    )
cases("path", lambda t: nested(t).set_submodule("1.0", 3))
cases(
    "module",
    lambda t: t.nn.Module()(1, 2),
    lambda t: t.nn.Module(1),
    lambda t: t.nn.Module(a=1),
    lambda t: t.nn.Module().zz,
    lambda t: t.nn.Linear(1, 1).train("x"),
    lambda t: t.nn.Linear(1, 1).train(1),
    lambda t: [m.training for m in nested(t).eval().modules()],
    lambda t: [name for name in dir(nested(t)) if name[0].isdigit()],
    lambda t: [p.requires_grad for p in nested(t).requires_grad_(False).parameters()],
    lambda t: after(nested(t), lambda m: m.apply(lambda child: child.__dict__.setdefault("seen", 1)) and m.seen),
)


# Conversion ----------------------------------------------------------------------------------------------------------


def dtypes(module):
    return [str(value.dtype) for value in module.state_dict().values()]


def norm(t):
    return t.nn.Sequential(t.nn.Linear(1, 2), t.nn.BatchNorm1d(2))


def kept_objects(t):
    module = t.nn.Linear(1, 1)
    weight = module.weight
    weight.grad = t.ones(1, 1)
    grad = weight.grad
    module.double()
    return module.weight is weight, module.weight.grad is grad, str(grad.dtype), weight.is_leaf


cases(
    "to",
    lambda t: t.nn.Linear(1, 1).to(t.int32),
    lambda t: t.nn.Linear(1, 1).to(copy=True),
    lambda t: dtypes(norm(t).to(t.float64)),
    lambda t: dtypes(norm(t).to("cpu", t.float64, True)),
    lambda t: dtypes(norm(t).to(t.ones(1, dtype=t.float64))),
    lambda t: dtypes(norm(t).to(device="cpu", dtype=t.bfloat16)),
    lambda t: dtypes(norm(t).half()),
    lambda t: dtypes(norm(t).double().float()),
    lambda t: dtypes(norm(t).type(t.float64)),
    lambda t: dtypes(norm(t).type("torch.DoubleTensor")),
    lambda t: t.nn.Conv2d(2, 4, 3).to(memory_format=t.channels_last).weight.stride(),
    lambda t: t.nn.Linear(1, 1, device="meta").to("cpu"),
    lambda t: t.nn.Linear(1, 1, device="meta").to_empty(device="cpu").weight.shape,
    lambda t: t.nn.Linear(1, 1).to_empty("cpu"),
    lambda t: str(t.nn.Linear(1, 1).to("meta").weight.device),
    kept=kept_objects,
)


# State dictionaries --------------------------------------------------------------------------------------------------


def load(t, change, **options):
    module = norm(t)
    state = module.state_dict()
    change(state)
    return module.load_state_dict(state, **options)


def with_extra_state(t):
    class Extra(t.nn.Module):
        def get_extra_state(self):
            return {"a": 1}

        def set_extra_state(self, state):
            self.got = state

    return Extra()


def hooked(t, register, hook, act):
    module = norm(t)
    getattr(module, register)(hook)
    return act(module)


def assigned(t):
    module = t.nn.Linear(2, 1)
    state = {"weight": t.ones(1, 2, dtype=t.float64), "bias": t.nn.Parameter(t.zeros(1), requires_grad=False)}
    module.load_state_dict(state, assign=True)
    return module.weight, module.bias is state["bias"], module.bias.requires_grad


def prefixed(state):
    for key in list(state):
        state["module." + key] = state.pop(key)


cases(
    "state",
    lambda t: [(k, tuple(v.shape)) for k, v in norm(t).state_dict().items()],
    lambda t: norm(t).state_dict()._metadata,
    lambda t: list(norm(t).state_dict(prefix="q.")),
    lambda t: list(norm(t).state_dict(OrderedDict(), "p.")),
    lambda t: [type(v).__name__ for v in norm(t).state_dict(keep_vars=True).values()],
    lambda t: [v.requires_grad for v in norm(t).state_dict().values()],
    lambda t: with_extra_state(t).state_dict(),
    lambda t: t.nn.Sequential(with_extra_state(t)).state_dict(),
    lambda t: after(with_extra_state(t), lambda m: m.load_state_dict({"_extra_state": 5}) and None)[1].got,
    lambda t: load(t, lambda s: None),
    lambda t: load(t, lambda s: s.clear()),
    lambda t: load(t, lambda s: s.update(foo=1, **{"0.x": 2})),
    lambda t: load(t, lambda s: s.update(zz=1, **{"0.weight": t.ones(3, 3)})),
    lambda t: load(t, lambda s: s.update(**{"0.weight": 3})),
    lambda t: load(t, lambda s: s.clear(), strict=False),
    lambda t: load(t, lambda s: s.update(foo=1), strict=False),
    lambda t: load(t, lambda s: s.update(**{"0.weight": t.ones(3, 3)}), strict=False),
    lambda t: load(t, prefixed),
    lambda t: load(t, lambda s: s.update(**{"1.num_batches_tracked": t.ones(1)})),
    lambda t: norm(t).load_state_dict(3),
    lambda t: with_extra_state(t).load_state_dict({}),
    lambda t: t.nn.Module().load_state_dict({"_extra_state": 1}),
    lambda t: t.nn.Linear(1, 1, device="meta").load_state_dict(t.nn.Linear(1, 1).state_dict()),
    lambda t: t.nn.BatchNorm1d(1).load_state_dict(
        {k: t.ones(1) for k in ("weight", "bias", "running_mean", "running_var")}
    ),
    lambda t: t.nn.InstanceNorm2d(3).load_state_dict({"running_mean": t.ones(3)}),
    lambda t: hooked(t, "register_state_dict_post_hook", lambda *a: 3, lambda m: m.state_dict()),
    lambda t: hooked(t, "_register_state_dict_hook", lambda *a: {"x": 1}, lambda m: m.state_dict()),
    lambda t: hooked(t, "register_state_dict_post_hook", lambda m, s, *a: s.clear(), lambda m: list(m.state_dict())),
    lambda t: hooked(
        t, "register_load_state_dict_post_hook", lambda m, k: 3, lambda m: m.load_state_dict(m.state_dict())
    ),
    lambda t: hooked(
        t, "register_load_state_dict_post_hook", lambda m, k: k.missing_keys.clear(), lambda m: m.load_state_dict({})
    ),
    lambda t: hooked(
        t,
        "register_load_state_dict_pre_hook",
        lambda m, s, *a: s.pop("foo"),
        lambda m: m.load_state_dict({**m.state_dict(), "foo": 1}),
    ),
    assigned=assigned,
)


def non_persistent(t):
    module = t.nn.Module()
    module.register_buffer("kept", t.ones(1))
    module.register_buffer("dropped", t.ones(1), persistent=False)
    module.plain = t.nn.Buffer(t.ones(1), persistent=False)
    before = list(module.state_dict()), [name for name, _ in module.named_buffers()]
    module.dropped = t.zeros(2)
    return before, list(module.state_dict()), module.dropped


def shared(t):
    layer = t.nn.Linear(1, 1)
    module = t.nn.Sequential(layer, t.nn.Sequential(layer, t.nn.ReLU()))
    return (
        [name for name, _ in module.named_parameters()],
        [name for name, _ in module.named_parameters(remove_duplicate=False)],
        [name for name, _ in module.named_parameters(prefix="x", recurse=True)],
        [name for name, _ in module.named_modules()],
        [name for name, _ in module.named_modules(remove_duplicate=False, prefix="y")],
        [name for name, _ in t.nn.Sequential(layer, layer).named_children()],
        len(list(module.parameters())),
        list(module.state_dict()),
    )


def copies(t):
    module = norm(t)
    module.register_forward_hook(print_nothing)
    twin = copy.deepcopy(module)
    again = pickle.loads(pickle.dumps(module))
    twin[0].weight.data.fill_(5)
    return (
        module[0].weight[0, 0].item() != 5,
        bool((again[0].weight == module[0].weight).all()),
        list(again.state_dict()) == list(module.state_dict()),
        len(twin._forward_hooks),
        len(again._forward_hooks),
        type(twin[0].weight).__name__,
        twin[0].weight.requires_grad,
    )


def print_nothing(module, args, output):
    return None


def zero_grad(t):
    module = t.nn.Linear(2, 1)
    module(t.ones(1, 2)).sum().backward()
    module.zero_grad(set_to_none=False)
    zeroed = module.weight.grad.tolist()
    module.zero_grad()
    return zeroed, module.weight.grad


cases("members", non_persistent, shared, copies, zero_grad)


# Hooks around calls --------------------------------------------------------------------------------------------------


def trace(t, setup, run=None, cls=None):
    """Events of the hooks that ``setup(module, log)`` registers on a doubling module, and the result."""

    class Double(t.nn.Module):
        def forward(self, x, factor=2.0):
            log.append(f"forward {x.tolist()} {factor}")
            return x * factor

    log = []
    module = (cls or Double)()
    setup(module, log)
    result = run(module) if run else module(t.ones(2))
    return log, result


def forward_order(module, log):
    module.register_forward_pre_hook(lambda m, a: log.append("pre1"))
    module.register_forward_pre_hook(lambda m, a: log.append("pre0"), prepend=True)
    module.register_forward_hook(lambda m, a, o: log.append(f"post1 {o.tolist()}"))
    module.register_forward_hook(lambda m, a, o: log.append("post0"), prepend=True)


def forward_replace(module, log):
    module.register_forward_pre_hook(lambda m, a: a[0] + 1)
    module.register_forward_pre_hook(lambda m, a, k: (a, {"factor": 3.0}), with_kwargs=True)
    module.register_forward_hook(lambda m, a, k, o: o + k["factor"], with_kwargs=True)


def forward_removed(module, log):
    handle = module.register_forward_hook(lambda m, a, o: o + 100)
    with module.register_forward_hook(lambda m, a, o: o + 1000):
        pass
    handle.remove()
    handle.remove()


def failing(t, setup):
    class Failing(t.nn.Module):
        def forward(self, x):
            raise ValueError("no")

    def run(module):
        try:
            module(t.ones(1))
        except ValueError as error:
            return str(error)

    return trace(t, setup, run, Failing)


def always(module, log):
    module.register_forward_hook(lambda m, a, o: log.append("never"))
    module.register_forward_hook(lambda m, a, o: log.append(f"always {o}"), always_call=True)
    module.register_forward_hook(lambda m, a, o: 1 / 0, always_call=True)


cases(
    "forward_hooks",
    lambda t: trace(t, forward_order),
    lambda t: trace(t, forward_replace),
    lambda t: trace(t, forward_removed),
    lambda t: failing(t, always),
    lambda t: trace(t, lambda m, log: m.register_forward_pre_hook(lambda *a: 3, with_kwargs=True)),
)


def global_hooks(t):
    hooks = t.nn.modules.module
    log = []
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, a: log.append(f"pre {type(m).__name__}")),
        hooks.register_module_forward_hook(lambda m, a, o: log.append(f"post {type(m).__name__}")),
        hooks.register_module_full_backward_hook(lambda m, gi, go: log.append(f"back {type(m).__name__} {len(gi)}")),
        hooks.register_module_full_backward_pre_hook(lambda m, go: log.append(f"backpre {type(m).__name__}")),
        hooks.register_module_parameter_registration_hook(lambda m, n, p: log.append(f"param {n}")),
        hooks.register_module_module_registration_hook(lambda m, n, c: log.append(f"child {n}")),
        hooks.register_module_buffer_registration_hook(lambda m, n, b: log.append(f"buffer {n}")),
    ]
    try:
        module = norm(t)
        module(t.tensor([[1.0], [2.0]], requires_grad=True)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    module(t.ones(2, 1))
    return log


def backward(t, setup, forward=None, inputs=None, use=None):
    class Custom(t.nn.Module):
        def forward(self, *args):
            return forward(*args) if forward else args[0] * 3

    module = Custom()
    log = []
    setup(module, log)
    args = inputs(t) if inputs else (t.tensor([1.0, 2.0], requires_grad=True),)
    out = module(*args)
    (use(out) if use else out.sum()).backward()
    return log, [arg.grad for arg in args if isinstance(arg, t.Tensor) and arg.is_leaf]


def log_both(module, log):
    module.register_full_backward_hook(lambda m, gi, go: log.append(("hook", gi, go)))
    module.register_full_backward_pre_hook(lambda m, go: log.append(("pre", go)))


def scale_both(module, log):
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
    module.register_full_backward_hook(lambda m, gi, go: (gi[0] + go[0],))


def mixed_inputs(t):
    return t.tensor([1.0], requires_grad=True), 5, t.tensor([2.0], requires_grad=True)


cases(
    "backward_hooks",
    lambda t: backward(t, log_both),
    lambda t: backward(t, scale_both),
    lambda t: backward(t, log_both, lambda a, k, b: (a * 2, k, b * 3), mixed_inputs, lambda o: (o[0] + o[2]).sum()),
    lambda t: backward(t, log_both, lambda a, k, b: (a * 2, k, b * 3), mixed_inputs, lambda o: o[0].sum()),
    lambda t: backward(t, lambda m, log: m.register_full_backward_hook(lambda *a: (1, 2))),
    lambda t: backward(t, lambda m, log: m.register_full_backward_pre_hook(lambda *a: (1, 2))),
    lambda t: backward(t, log_both, lambda a: {"x": a}, None, lambda o: o["x"].sum()),
    lambda t: (
        m := t.nn.Linear(1, 1),
        m.register_full_backward_hook(lambda *a: None),
        m.register_backward_hook(lambda *a: None),
    ),
    lambda t: (
        m := t.nn.Linear(1, 1),
        m.register_backward_hook(lambda *a: None),
        m.register_full_backward_hook(lambda *a: None),
    ),
    globally=global_hooks,
)


def backward_without_input_gradient(t):
    module = t.nn.Linear(1, 1, bias=False)
    log = []
    module.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    module(t.ones(1, 1)).sum().backward()
    return log, module.weight.grad


def hooks_without_grad(t):
    module = t.nn.Linear(1, 1)
    log = []
    log_both(module, log)
    with t.no_grad():
        out = module(t.ones(1, 1))
    return log, out.requires_grad


cases("backward_hooks_edge", backward_without_input_gradient, hooks_without_grad)


# Containers ----------------------------------------------------------------------------------------------------------


def linears(t, count=3):
    return [t.nn.Linear(index + 1, index + 2) for index in range(count)]


def seq(t, count=3):
    return t.nn.Sequential(*linears(t, count))


def named(t):
    return t.nn.Sequential(OrderedDict(a=t.nn.Linear(1, 1), b=t.nn.ReLU()))


cases(
    "sequential",
    lambda t: t.nn.Sequential(3),
    lambda t: t.nn.Sequential([t.nn.ReLU()]),
    named,
    lambda t: seq(t)[5],
    lambda t: seq(t)[-1],
    lambda t: seq(t)["0"],
    lambda t: seq(t)[0:2],
    lambda t: seq(t)[::-1],
    lambda t: named(t)[:1],
    lambda t: after(seq(t), lambda m: m.__delitem__(0)),
    lambda t: after(seq(t), lambda m: m.__delitem__(slice(0, 2))),
    lambda t: after(named(t), lambda m: m.__delitem__(0)),
    lambda t: after(seq(t), lambda m: m.__setitem__(-1, t.nn.ReLU())),
    lambda t: seq(t).__setitem__(7, t.nn.ReLU()),
    lambda t: seq(t).__setitem__(0, 3),
    lambda t: seq(t) + named(t),
    lambda t: seq(t) + [1],
    lambda t: seq(t, 1) * 2,
    lambda t: 2 * seq(t, 1),
    lambda t: seq(t) * 0,
    lambda t: seq(t) * "a",
    lambda t: after(seq(t, 1), lambda m: m.__imul__(3)),
    lambda t: after(seq(t, 1), lambda m: m.__iadd__(seq(t, 2))),
    lambda t: after(seq(t), lambda m: m.pop(0)),
    lambda t: after(seq(t), lambda m: m.pop(slice(0, 2))),
    lambda t: after(seq(t), lambda m: m.insert(-1, t.nn.ReLU())),
    lambda t: seq(t).insert(9, t.nn.ReLU()),
    lambda t: seq(t).insert(0, 3),
    lambda t: after(named(t), lambda m: m.append(t.nn.Tanh())),
    lambda t: after(seq(t, 1), lambda m: m.extend([t.nn.ReLU()])),
    lambda t: (len(seq(t)), bool(t.nn.Sequential()), t.nn.Sequential()(3), [type(m).__name__ for m in named(t)]),
)


def mlist(t, count=3):
    return t.nn.ModuleList(linears(t, count))


cases(
    "modulelist",
    mlist,
    lambda t: mlist(t)[5],
    lambda t: mlist(t)[:2],
    lambda t: mlist(t)["0"],
    lambda t: after(mlist(t), lambda m: m.__delitem__(0)),
    lambda t: after(mlist(t), lambda m: m.__delitem__(slice(0, 2))),
    lambda t: after(mlist(t), lambda m: m.__setitem__(-1, t.nn.ReLU())),
    lambda t: after(mlist(t), lambda m: m.insert(1, t.nn.ReLU())),
    lambda t: after(mlist(t), lambda m: m.pop(1)),
    lambda t: after(mlist(t), lambda m: m.pop(slice(0, 2))),
    lambda t: mlist(t) + [t.nn.ReLU()],
    lambda t: mlist(t).extend(3),
    lambda t: mlist(t).append(3),
    lambda t: mlist(t)(3),
    lambda t: t.nn.ModuleList([t.nn.Linear(1, 1) for _ in range(4)] + [t.nn.ReLU()] + [seq(t, 1), seq(t, 1)]),
    lambda t: t.nn.ModuleList(),
)


def mdict(t):
    return t.nn.ModuleDict({"a": t.nn.Linear(1, 1), "b": t.nn.ReLU()})


cases(
    "moduledict",
    mdict,
    lambda t: mdict(t)["z"],
    lambda t: (list(mdict(t)), mdict(t).keys(), list(mdict(t).values()), list(mdict(t).items()), "a" in mdict(t)),
    lambda t: after(mdict(t), lambda m: m.pop("a")),
    lambda t: mdict(t).pop("zz"),
    lambda t: after(mdict(t), lambda m: m.clear()),
    lambda t: after(mdict(t), lambda m: m.update({"b": t.nn.Tanh(), "c": t.nn.Linear(1, 1)})),
    lambda t: after(mdict(t), lambda m: m.update([("b", t.nn.Tanh())])),
    lambda t: mdict(t).update(3),
    lambda t: mdict(t).update([3]),
    lambda t: mdict(t).update([(1, 2, 3)]),
    lambda t: mdict(t).__setitem__("q", 3),
    lambda t: mdict(t).__setitem__("keys", t.nn.Linear(1, 1)),
)


def plist(t):
    return t.nn.ParameterList([t.nn.Parameter(t.ones(2)), t.ones(3)])


def pdict(t):
    return t.nn.ParameterDict({"b": t.nn.Parameter(t.ones(2)), "a": t.ones(3)})


cases(
    "parameterlist",
    plist,
    lambda t: t.nn.ParameterList([3, "x", t.nn.Linear(1, 1)]),
    lambda t: plist(t)[5],
    lambda t: plist(t)[:1],
    lambda t: after(plist(t), lambda m: m.append(t.ones(1))),
    lambda t: after(plist(t), lambda m: m.__setitem__(0, t.ones(9))),
    lambda t: plist(t).extend(t.ones(1)),
    lambda t: plist(t).extend(3),
    lambda t: plist(t)(3),
    lambda t: (list(plist(t).state_dict()), len(plist(t)), plist(t)[-1], list(plist(t))),
)
cases(
    "parameterdict",
    pdict,
    lambda t: pdict(t)["z"],
    lambda t: after(pdict(t), lambda m: m.pop("a")),
    lambda t: after(pdict(t), lambda m: m.popitem()),
    lambda t: after(pdict(t), lambda m: m.get("zz", 5)),
    lambda t: after(pdict(t), lambda m: m.setdefault("zz", t.ones(1))),
    lambda t: pdict(t) | t.nn.ParameterDict({"c": t.ones(1)}),
    lambda t: {"x": 1} | pdict(t),
    lambda t: pdict(t).fromkeys(["q"], 3),
    lambda t: list(reversed(pdict(t))),
    lambda t: after(pdict(t), lambda m: m.update({"z": t.ones(1), "c": t.ones(1)})),
    lambda t: after(pdict(t), lambda m: m.update([("z", t.ones(1))])),
    lambda t: pdict(t).update(3),
    lambda t: pdict(t).update([(1, 2, 3)]),
    lambda t: pdict(t).__setitem__(3, t.ones(1)),
    lambda t: t.nn.ParameterDict({"a.b": t.ones(1)}),
    lambda t: after(pdict(t), lambda m: m.clear()),
    lambda t: (list(pdict(t).keys()), list(pdict(t).values()), pdict(t).copy(), "a" in pdict(t)),
)


# Parameters and initial laws -----------------------------------------------------------------------------------------


def attributes_survive(t):
    parameter = t.nn.Parameter(t.ones(2))
    parameter.foo = 3
    return pickle.loads(pickle.dumps(parameter)).foo, copy.copy(parameter).foo, hasattr(copy.deepcopy(parameter), "foo")


cases(
    "parameter",
    lambda t: t.nn.Parameter(3),
    lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64)),
    lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64), requires_grad=False),
    lambda t: t.nn.Parameter(),
    lambda t: t.nn.Parameter(t.ones(2, requires_grad=True) * 2).grad_fn,
    lambda t: [type(t.nn.Parameter(t.ones(2)) + 1).__name__, type(t.nn.Parameter(t.ones(2)).detach()).__name__],
    lambda t: pickle.loads(pickle.dumps(t.nn.Parameter(t.ones(2)))),
    lambda t: copy.deepcopy(t.nn.Parameter(t.ones(2))),
    lambda t: isinstance(t.nn.Buffer(t.ones(1)), t.nn.Buffer) and not isinstance(t.ones(1), t.nn.Buffer),
    lambda t: type(t.nn.Buffer(t.ones(1))).__name__,
    lambda t: t.nn.UninitializedParameter(),
    lambda t: t.nn.UninitializedParameter().shape,
    lambda t: t.nn.UninitializedParameter().share_memory_(),
    lambda t: after(t.nn.UninitializedParameter(), lambda p: p.materialize((2, 3)))[1].shape,
    lambda t: pickle.loads(pickle.dumps(t.nn.UninitializedParameter())),
    attributes_survive,
)
for law in ("eye_", "dirac_", "xavier_uniform_", "kaiming_uniform_", "orthogonal_"):
    for shape in ((3,), (0, 3), (2, 3), (4, 2, 3)):
        cases(
            f"init_{law}",
            **{str(shape): lambda t, law=law, shape=shape: getattr(t.nn.init, law)(t.empty(*shape)).shape},
        )
for name in "linear conv1d conv_transpose3d sigmoid tanh relu leaky_relu selu foo".split():
    cases("gain", **{name: lambda t, name=name: t.nn.init.calculate_gain(name)})
for slope in (0.2, True, "x", None, 2):
    cases("slope", **{str(slope): lambda t, slope=slope: t.nn.init.calculate_gain("leaky_relu", slope)})


def law(t, name, *args, dtype="float32", shape=(5, 4), **kwargs):
    """Bit for bit: the values, and where the stream stands."""
    return getattr(t.nn.init, name)(t.empty(*shape, dtype=getattr(t, dtype)), *args, **kwargs).tolist(), t.randint(
        1 << 20, (2,)
    ).tolist()


for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_normal_"):
    cases(f"law_{name}", lambda t, name=name: law(t, name), lambda t, name=name: law(t, name, dtype="float64"))
for bounds in ((0, 1, 5, 7), (10, 1, -2, 2), (0, -1, -2, 2), (0, 1, 0.5, 0.9), (0, 0.02, -0.1, 0.1), (0, 1, 1, 1)):
    cases("law_trunc_normal", **{str(bounds): lambda t, bounds=bounds: law(t, "trunc_normal_", *bounds)})
cases(
    "law",
    lambda t: law(t, "kaiming_uniform_", a=0.1, mode="fan_out", nonlinearity="leaky_relu"),
    lambda t: law(t, "kaiming_uniform_", mode="foo"),
    lambda t: law(t, "kaiming_uniform_", nonlinearity="foo"),
    lambda t: law(t, "constant_", 3.5),
    lambda t: law(t, "eye_"),
    lambda t: law(t, "dirac_", 2, shape=(4, 2, 3)),
    lambda t: law(t, "dirac_", 2, shape=(5, 2, 3)),
    lambda t: law(t, "sparse_", 0.3),
    lambda t: law(t, "sparse_", 0.3, shape=(3,)),
    lambda t: law(t, "trunc_normal_", 0, 1, 2, -2),
    lambda t: law(t, "uniform_", -1.0, 1.0, generator=t.Generator().manual_seed(5)),
    lambda t: t.nn.init.xavier_uniform(t.empty(2, 3)).shape,
)


# Arguments of layers -------------------------------------------------------------------------------------------------


def wrong(cls, *args, **kwargs):
    return lambda t: getattr(t.nn, cls)(*args, **kwargs)


cases(
    "arguments",
    wrong("Conv2d", 3, 4, 3, groups=0),
    wrong("Conv2d", 3, 4, 3, groups=2),
    wrong("Conv2d", 4, 3, 3, groups=2),
    wrong("Conv2d", 3, 4, 3, padding="same", stride=2),
    wrong("ConvTranspose2d", 3, 4, 3, padding_mode="reflect"),
    lambda t: t.nn.ConvTranspose2d(3, 4, 3, stride=2)(t.ones(1, 3, 5, 5), output_size=(3, 3)),
    lambda t: t.nn.ConvTranspose2d(3, 4, 3, stride=2)(t.ones(1, 3, 5, 5), output_size=(3, 3, 3)),
    lambda t: t.nn.ConvTranspose2d(3, 4, 3, stride=2)(t.ones(1, 3, 5, 5), output_size=(1, 3, 12, 12)).shape,
    wrong("Bilinear", 0, 2, 3),
    wrong("Linear", 0, 3),
    wrong("Dropout", -1),
    wrong("Dropout", 2),
    wrong("Hardtanh", 1, -1),
    wrong("Hardtanh", min_value=-2, max_value=3),
    wrong("Embedding", 3, 2, padding_idx=5),
    lambda t: t.nn.Embedding(3, 2, padding_idx=-1).padding_idx,
    lambda t: t.nn.Embedding(3, 2, _weight=t.ones(2, 2)),
    lambda t: t.nn.Embedding.from_pretrained(t.ones(3)),
    lambda t: t.nn.Embedding.from_pretrained(t.ones(3, 2)).weight,
    lambda t: t.nn.EmbeddingBag.from_pretrained(t.ones(3, 2), freeze=False).weight.requires_grad,
    wrong("EmbeddingBag", 3, 2, padding_idx=7),
    lambda t: t.nn.BatchNorm1d(2)(t.ones(2)),
    lambda t: t.nn.BatchNorm2d(2)(t.ones(2, 2)),
    lambda t: t.nn.BatchNorm3d(2)(t.ones(2, 2)),
    lambda t: t.nn.InstanceNorm2d(2)(t.ones(2, 2)),
    lambda t: t.nn.InstanceNorm2d(3, affine=True)(t.ones(1, 4, 2, 2)),
    lambda t: t.nn.InstanceNorm2d(3)(t.ones(1, 4, 2, 2)).shape,
    wrong("GroupNorm", 2, 3),
    wrong("Unflatten", 1, 2),
    wrong("Unflatten", 1, (2, 2.5)),
    wrong("MultiheadAttention", 5, 2),
    wrong("MultiheadAttention", 0, 2),
    wrong("FractionalMaxPool2d", 2),
    wrong("FractionalMaxPool2d", 2, output_size=1, output_ratio=0.5),
    wrong("FractionalMaxPool3d", 2, output_ratio=1.5),
    wrong("TripletMarginLoss", margin=-1),
    wrong("MultiMarginLoss", p=3),
    wrong("L1Loss", size_average=False),
    wrong("NLLLoss2d"),
    lambda t: t.nn.L1Loss(reduction="foo")(t.ones(1), t.ones(1)),
    lambda t: t.nn.CrossEntropyLoss(weight=t.ones(2)).state_dict(),
    wrong("AdaptiveLogSoftmaxWithLoss", 8, 10, [5, 2]),
    wrong("AdaptiveLogSoftmaxWithLoss", 8, 10, []),
    lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 5])(t.ones(2, 16), t.tensor([11, 1])),
    lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 5])(t.ones(2, 16), t.tensor([1])),
    lambda t: t.nn.Softmax2d()(t.ones(2)),
    lambda t: t.nn.CircularPad2d(1)(t.ones(2, 2)),
    lambda t: t.nn.SyncBatchNorm.convert_sync_batchnorm(t.nn.Sequential(t.nn.BatchNorm1d(2))),
)
for cls in ("RNN", "LSTM", "GRU"):
    cases(
        f"arguments_{cls}",
        wrong(cls, 3, 4, dropout=0.5),
        wrong(cls, 3, 4, dropout=2),
        wrong(cls, 3, 4, dropout=True),
        wrong(cls, 3, 4, num_layers=0),
        wrong(cls, 3, 0),
        wrong(cls, 3, 4.5),
        wrong(cls, 0, 4),
        wrong(cls, 3, 4, proj_size=4),
        wrong(cls, 3, 4, proj_size=-1),
        wrong(cls, 3, 4, nonlinearity="foo"),
        wrong(cls, 3, 4, foo=1),
        wrong(cls, 3),
        lambda t, cls=cls: getattr(t.nn, cls)(3, 4)(t.ones(3)),
        lambda t, cls=cls: getattr(t.nn, cls)(3, 4)(t.ones(2, 2, 4)),
        lambda t, cls=cls: getattr(t.nn, cls)(3, 4)(t.ones(2, 2, 3).double()),
        lambda t, cls=cls: [tuple(w.shape) for w in getattr(t.nn, cls)(3, 4).all_weights[0]],
    )
    for shape in [(1, 4), (1, 3, 4), (2, 2, 4)]:
        cases(
            f"state_{cls}",
            **{
                str(shape): lambda t, cls=cls, shape=shape: getattr(t.nn, cls)(3, 4)(
                    t.ones(2, 2, 3), (t.ones(shape),) * 2 if cls == "LSTM" else t.ones(shape)
                ),
                f"unbatched {shape}": lambda t, cls=cls, shape=shape: (
                    getattr(t.nn, cls)(3, 4)(t.ones(2, 3), (t.ones(shape),) * 2 if cls == "LSTM" else t.ones(shape))[
                        0
                    ].shape
                ),
            },
        )
    cell = cls + "Cell"
    for shape, state in [((2, 2, 3), None), ((2, 4), None), ((2, 3), (2, 5)), ((2, 3), (3, 4)), ((2, 3), (2, 2, 4))]:
        cases(
            cell,
            **{
                f"{shape} {state}": lambda t, cell=cell, shape=shape, state=state: getattr(t.nn, cell)(3, 4)(
                    t.ones(shape),
                    None if state is None else (t.ones(state),) * 2 if cell == "LSTMCell" else t.ones(state),
                )
            },
        )


# Attention's and transformers' use -----------------------------------------------------------------------------------


def encoder(t, **options):
    return t.nn.TransformerEncoder(t.nn.TransformerEncoderLayer(4, 2, 8, **options), 2).use_nested_tensor


cases(
    "transformer",
    encoder,
    lambda t: encoder(t, batch_first=True),
    lambda t: encoder(t, batch_first=True, norm_first=True),
    lambda t: encoder(t, batch_first=True, bias=False),
    lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="foo"),
    lambda t: t.nn.Transformer(4, 2, 1, 1, 8)(t.ones(2, 3, 4), t.ones(2, 2, 4)),
    lambda t: t.nn.Transformer(4, 2, 1, 1, 8)(t.ones(2, 2, 5), t.ones(2, 2, 4)),
    lambda t: t.nn.Transformer.generate_square_subsequent_mask(3),
)


# nn.utils ------------------------------------------------------------------------------------------------------------


def with_grads(t, *grads):
    parameters = []
    for grad in grads:
        parameters.append(t.nn.Parameter(t.zeros(2)))
        parameters[-1].grad = None if grad is None else t.tensor(grad)
    return parameters


def clip(t, function, grads, *args, **kwargs):
    parameters = with_grads(t, *grads)
    result = getattr(t.nn.utils, function)(parameters, *args, **kwargs)
    return result, [parameter.grad for parameter in parameters]


THREE = ([3.0, 4.0], [1.0, 2.0], None)
for p in (2.0, 1, float("inf"), 0.5, 0, "inf"):
    cases("clip_norm", **{str(p): lambda t, p=p: clip(t, "clip_grad_norm_", THREE, 1.0, p)})


def fused(t):
    conv, bn = t.nn.Conv2d(2, 3, 3).eval(), t.nn.BatchNorm2d(3).eval()
    bn.running_mean.copy_(t.tensor([0.1, 0.2, 0.3]))
    bn.running_var.copy_(t.tensor([1.0, 2.0, 3.0]))
    both = t.nn.utils.fuse_conv_bn_eval(conv, bn)
    image = t.ones(1, 2, 4, 4)
    return type(both).__name__, bool((both(image) - bn(conv(image))).abs().max() < 1e-5)


cases(
    "utils",
    lambda t: clip(t, "clip_grad_norm_", THREE, 100.0),
    lambda t: clip(t, "clip_grad_norm_", ([3.0, float("nan")],), 1.0, error_if_nonfinite=True),
    lambda t: t.nn.utils.clip_grad_norm_([], 1.0),
    lambda t: t.nn.utils.clip_grad_norm_(with_grads(t, [3.0, 4.0])[0], 1.0),
    lambda t: clip(t, "clip_grad_norm_", THREE, 1.0, foreach=True),
    lambda t: clip(t, "clip_grad_norm", THREE, 1.0),
    lambda t: clip(t, "clip_grad_value_", ([3.0, -4.0], None), 1.5),
    lambda t: clip(t, "clip_grads_with_norm_", THREE, 1.0, t.tensor(10.0)),
    lambda t: t.nn.utils.get_total_norm([t.ones(2), t.ones(3)]),
    lambda t: t.nn.utils.parameters_to_vector(with_grads(t, None, None)).shape,
    lambda t: after(with_grads(t, None, None), lambda p: t.nn.utils.vector_to_parameters(t.arange(4.0), p)),
    lambda t: t.nn.utils.vector_to_parameters([1.0], []),
    lambda t: t.nn.utils.skip_init(t.nn.Linear, 2, 3).weight.shape,
    lambda t: t.nn.utils.skip_init(t.nn.ReLU),
    lambda t: t.nn.utils.skip_init(int),
    fused,
)


def packed(t, lengths=(2, 3), **options):
    return t.nn.utils.rnn.pack_padded_sequence(
        t.arange(6.0).view(3, 2, 1), list(lengths), **{"enforce_sorted": False, **options}
    )


cases(
    "packed",
    packed,
    lambda t: packed(t, enforce_sorted=True),
    lambda t: packed(t, (3, 2), enforce_sorted=True),
    lambda t: packed(t, (2, 0)),
    lambda t: packed(t, (2,)),
    lambda t: packed(t, (3, 1, 2)[:3], batch_first=True),
    lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t)),
    lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t), batch_first=True, padding_value=-1, total_length=5),
    lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t), total_length=1),
    lambda t: packed(t).to(t.float64).data.dtype,
    lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)]),
    lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)], True, -1, "left"),
    lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)], True, -1, "foo"),
    lambda t: t.nn.utils.rnn.pad_sequence([]),
    lambda t: t.nn.utils.rnn.pad_sequence(3),
    lambda t: t.nn.utils.rnn.unpad_sequence(t.ones(3, 2), t.tensor([3, 1])),
    lambda t: t.nn.utils.rnn.pack_sequence([t.ones(3), t.ones(2)]),
    lambda t: t.nn.utils.rnn.pack_sequence([t.ones(2), t.ones(3)]),
    lambda t: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])),
)


def main():
    import torch
    import torch.nn.utils.rnn

    record = {name: observe(torch, function) for name, function in CASES.items()}
    OUT.write_text(json.dumps(record, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
