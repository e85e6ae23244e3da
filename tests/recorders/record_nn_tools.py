"""Record PyTorch's lazy modules, parametrizations, pruning, attention tools: writes ``tests/data/nn_tools.json``.

    python tests/recorders/record_nn_tools.py      (in an environment with PyTorch 2.13)

``CASES`` maps a name to a function of the ``torch`` module that returns nested plain values and tensors, or raises.
Recorded is the result, or the error's class and the start of its text; the tests run the same functions with ours.
"""

import copy
import importlib
import json
import pathlib
import pickle
import warnings

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "nn_tools.json"

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def cases(title, *functions, **named):
    for key, function in [*enumerate(functions), *named.items()]:
        CASES[f"{title}.{key}"] = function


def part(t, path):
    """A submodule that has to be imported."""
    return importlib.import_module(f"{t.__name__}.{path}")


def plain(t, value):
    """The result as what JSON holds: tensors as shape and numbers."""
    if isinstance(value, t.nn.parameter.UninitializedTensorMixin):
        return repr(value)
    if isinstance(value, t.Tensor):
        return ["tensor", list(value.shape), value.detach().to(t.float64).flatten().tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(t, item) for item in value]
    if isinstance(value, dict):
        return {key: plain(t, item) for key, item in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def observe(t, function):
    t.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return json.loads(json.dumps(plain(t, function(t))).replace("torchax_lite.", "torch."))
        except Exception as error:
            return ["error", type(error).__name__, str(error).replace("torchax_lite.", "torch.")[:45]]


def trained(t, net, x, y, steps=6, lr=0.05):
    """Losses of a few steps, and the state at the end."""
    optimizer = t.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = t.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, dict(net.state_dict())


# Lazy modules ---------------------------------------------------------------------------------------------------------


def lazy_net(t):
    nn = t.nn
    return nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConvTranspose2d(2, 2), nn.LazyInstanceNorm2d(),
        nn.Flatten(), nn.LazyLinear(3, bias=False),
    )  # fmt: skip


def image(t):
    return t.arange(2 * 3 * 6 * 6.0).reshape(2, 3, 6, 6).sin()


@case
def lazy_net_trains(t):
    net = lazy_net(t)
    before = repr(net), net[0].has_uninitialized_params(), [type(p).__name__ for p in net.parameters()]
    t.manual_seed(1)
    out = net(image(t))
    return before, repr(net), out, trained(t, net, image(t), t.ones(2, 3))


@case
def lazy_net_loads_a_state(t):
    net, other = lazy_net(t), lazy_net(t)
    net(image(t))
    result = repr(other.load_state_dict(net.state_dict()))
    return result, repr(other), dict(other.state_dict()), other[0](image(t)), type(other[0]).__name__


def lazy(t):
    return t.nn.LazyLinear(2)


def called(t):
    module = lazy(t)
    module(t.ones(1, 3))
    return module


cases(
    "lazy",
    lambda t: (repr(lazy(t)), list(lazy(t).state_dict().items())),
    lambda t: lazy(t).weight.shape,
    lambda t: lazy(t).weight + 1,
    lambda t: lazy(t).weight.numel(),
    lambda t: t.nn.init.ones_(lazy(t).weight),
    lambda t: copy.deepcopy(lazy(t)),
    lambda t: pickle.loads(pickle.dumps(lazy(t)))(t.ones(1, 2)).shape,
    lambda t: lazy(t).double()(t.ones(1, 3, dtype=t.float64)),
    lambda t: (lazy(t).load_state_dict(lazy(t).state_dict()), 1),
    lambda t: t.nn.Linear(2, 2).load_state_dict(lazy(t).state_dict()),
    lambda t: t.nn.LazyConv1d(2, 3)(t.ones(2)),
    lambda t: t.nn.LazyConv1d(2, 3, groups=2)(t.ones(2, 3, 6)),
    lambda t: t.nn.LazyBatchNorm1d()(t.ones(2, 3, 4, 5)),
    lambda t: lazy(t).share_memory(),
    lambda t: (type(called(t)).__name__, len(called(t)._forward_pre_hooks), len(called(t)._load_state_dict_pre_hooks)),
    lambda t: called(t).weight,
    lambda t: [isinstance(t.nn.LazyBatchNorm1d(), t.nn.BatchNorm1d), isinstance(t.nn.LazyConv1d(1, 1), t.nn.Conv1d)],
    lambda t: t.nn.utils.weight_norm(lazy(t)),
    lambda t: t.nn.UninitializedParameter(dtype=t.float64).dtype,
    lambda t: t.nn.UninitializedBuffer().clone(),
    lambda t: t.optim.SGD(lazy(t).parameters(), lr=0.1).param_groups[0]["lr"],
)


# Parametrizations -----------------------------------------------------------------------------------------------------


def parametrizations(t):
    """Classes of parametrizations by name."""
    module = t.nn.Module

    class Symmetric(module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x):
            return x.triu()

    class Double(module):
        def forward(self, x):
            return x * 2

    class Roots(module):
        def forward(self, a, b):
            return a * b

        def right_inverse(self, x):
            return x.abs().sqrt(), x.sign() * x.abs().sqrt()

    def of(forward, inverse=None):
        members = {"forward": lambda self, x: forward(x)}
        if inverse is not None:
            members["right_inverse"] = lambda self, x: inverse(x)
        return type("Made", (module,), members)

    return {
        "symmetric": Symmetric, "double": Double, "roots": Roots, "row": of(lambda x: x[:1]),
        "dtype": of(lambda x: x.double()), "number": of(lambda x: 3), "inverse_dtype": of(lambda x: x, lambda x: x.double()),
        "inverse_number": of(lambda x: x, lambda x: 3), "inverse_list": of(lambda x: x, lambda x: [x, 3]),
        "inverse_row": of(lambda x: x, lambda x: x[:1]),
    }  # fmt: skip


def parametrized(t, *names, module=None, unsafe=False):
    module = t.nn.Linear(3, 3) if module is None else module
    for name in names:
        made = parametrizations(t)[name]()
        t.nn.utils.parametrize.register_parametrization(module, "weight", made, unsafe=unsafe)
    return module


@case
def parametrized_weight_is_computed_when_read(t):
    module = t.nn.Linear(3, 3)
    before = module.weight
    parametrized(t, "symmetric", module=module)
    seen = [
        repr(module),
        type(module).__name__,
        list(module.state_dict()),
        module.parametrizations.weight.original is before,
    ]
    values = [module.weight]
    module.weight = t.arange(9.0).reshape(3, 3)
    values.append(module.weight)
    parametrized(t, "double", module=module)
    values.append(module.weight)
    module(t.ones(2, 3)).sum().backward()
    values.append(before.grad)
    copied = copy.deepcopy(module)
    values.append(copied.weight)
    t.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return seen, values, repr(module), type(module) is t.nn.Linear, module.weight is before, module.weight


@case
def cached_parametrizations_are_computed_once(t):
    calls = []
    module = parametrized(t, "symmetric")
    module.parametrizations.weight[0].register_forward_hook(lambda *_: calls.append(1))
    with t.nn.utils.parametrize.cached():
        same = module.weight is module.weight
        with t.nn.utils.parametrize.cached():
            module(t.ones(1, 3))
        module(t.ones(1, 3))
    return same, len(calls), module.weight is module.weight, len(calls)


@case
def several_originals(t):
    module, other = parametrized(t, "roots"), t.nn.Linear(3, 3)
    seen = [repr(module), list(module.state_dict()), module.weight]
    module.weight = t.full((3, 3), 4.0)
    t.nn.utils.parametrize.transfer_parametrizations_and_params(module, other)
    seen += [module.parametrizations.weight.original0, other.weight, repr(other)]
    t.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return seen, module.weight, type(module.weight).__name__


cases(
    "parametrize",
    lambda t: pickle.dumps(parametrized(t, "double")),
    lambda t: setattr(parametrized(t, "double"), "weight", t.ones(3, 3)),
    lambda t: t.nn.utils.parametrize.register_parametrization(t.nn.Linear(1, 1), "foo", t.nn.Identity()),
    lambda t: t.nn.utils.parametrize.remove_parametrizations(t.nn.Linear(1, 1), "weight"),
    lambda t: t.nn.utils.parametrize.remove_parametrizations(parametrized(t, "roots"), "weight", False),
    lambda t: t.nn.utils.parametrize.remove_parametrizations(parametrized(t, "double"), "weight", False).weight,
    lambda t: t.nn.utils.parametrize.type_before_parametrizations(parametrized(t, "double")).__name__,
    lambda t: [t.nn.utils.parametrize.is_parametrized(parametrized(t, "double"), n) for n in (None, "weight", "bias")],
    lambda t: parametrized(t, "row", unsafe=True).weight,
)
for bad in ("row", "dtype", "number", "inverse_dtype", "inverse_number", "inverse_list", "inverse_row"):
    cases(
        f"parametrize_{bad}",
        lambda t, bad=bad: parametrized(t, bad).weight,
        lambda t, bad=bad: parametrized(t, "symmetric", bad).weight,
    )


def orthogonal(t, name, sizes, trivial, values=None):
    module = t.nn.Linear(*sizes)
    t.nn.utils.parametrizations.orthogonal(module, "weight", name, use_trivialization=trivial)
    if values is not None:
        module.weight = values
    weight = module.weight
    module(t.linspace(-1, 1, sizes[0]).repeat(2, 1)).pow(2).sum().backward()
    return weight, module.parametrizations.weight.original.grad, list(module.state_dict()), repr(module), t.rand(1)


for name in (None, "matrix_exp", "cayley", "householder"):
    for sizes in ((3, 3), (2, 4), (4, 2)):
        cases(
            f"orthogonal_{name}_{sizes}",
            lambda t, name=name, sizes=sizes: orthogonal(t, name, sizes, True),
            lambda t, name=name, sizes=sizes: orthogonal(t, name, sizes, False),
            lambda t, name=name, sizes=sizes: orthogonal(t, name, sizes, True, t.randn(sizes[1], sizes[0])),
            lambda t, name=name, sizes=sizes: orthogonal(t, name, sizes, False, t.randn(sizes[1], sizes[0])),
        )
cases(
    "orthogonal",
    lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 3), "bias"),
    lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 3), "foo"),
    lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 3), "weight", "foo"),
    lambda t: setattr(t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 3)), "weight", t.ones(2)),
)


def normed(t, module, kind="weight_norm", **options):
    return getattr(t.nn.utils.parametrizations, kind)(module, **options)


@case
def weight_norm_loads_the_older_state(t):
    module = normed(t, t.nn.Conv2d(2, 3, 2), dim=1)
    older = t.nn.utils.weight_norm(t.nn.Conv2d(2, 3, 2), dim=1)
    names = list(module.state_dict()), list(older.state_dict())
    return names, repr(module), repr(module.load_state_dict(older.state_dict())), module.weight - older.weight


@case
def spectral_norm_iterates_in_training(t):
    module = normed(t, t.nn.ConvTranspose2d(2, 3, 2), "spectral_norm", n_power_iterations=2)
    seen = [repr(module), dict(module.state_dict()), module.weight, module.weight]
    module.eval()
    return seen, module.weight, module.weight


cases(
    "parametrizations",
    lambda t: normed(t, t.nn.Linear(2, 3), dim=None).parametrizations.weight.original0,
    lambda t: normed(t, t.nn.BatchNorm1d(3), "spectral_norm").weight,
    lambda t: normed(t, t.nn.Linear(2, 3), "spectral_norm", dim=4),
    lambda t: normed(t, t.nn.Linear(2, 3), "spectral_norm", n_power_iterations=0),
    lambda t: normed(t, t.nn.Linear(2, 3), "spectral_norm", name="x"),
    lambda t: normed(t, t.nn.LSTM(2, 3), "orthogonal", name="weight_hh_l0")(t.ones(4, 1, 2))[0],
)


@case
def parametrized_net_trains(t):
    net = t.nn.Sequential(
        t.nn.LazyLinear(6), t.nn.Tanh(), normed(t, t.nn.Linear(6, 6), "orthogonal"), t.nn.Tanh(),
        normed(t, t.nn.Linear(6, 4), "spectral_norm"), normed(t, t.nn.Linear(4, 1)),
    )  # fmt: skip
    x, y = t.randn(8, 3), t.randn(8, 1)
    net(x)
    return trained(t, net, x, y)


# Pruning --------------------------------------------------------------------------------------------------------------


def prune(t):
    return part(t, "nn.utils.prune")


METHODS = {
    "random": lambda p, m, amount: p.random_unstructured(m, "weight", amount),
    "l1": lambda p, m, amount: p.l1_unstructured(m, "weight", amount),
    "rows": lambda p, m, amount: p.random_structured(m, "weight", amount, 0),
    "columns": lambda p, m, amount: p.random_structured(m, "weight", amount, -1),
    "l2_rows": lambda p, m, amount: p.ln_structured(m, "weight", amount, 2, 0),
    "inf_columns": lambda p, m, amount: p.ln_structured(m, "weight", amount, float("inf"), 1),
}


def pruned(t, *steps):
    module = t.nn.Linear(4, 3)
    for name, amount in steps:
        METHODS[name](prune(t), module, amount)
    return module


def prunings(t, *steps):
    module = pruned(t, *steps)
    module(t.ones(2, 4)).sum().backward()
    hooks = [type(hook).__name__ for hook in module._forward_pre_hooks.values()]
    return dict(module.state_dict()), module.weight, module.weight_orig.grad, hooks, t.rand(1)


for name in METHODS:
    for amount in (0, 1, 3, 13, 0.3, 1.0, -1, 1.5, "a"):
        CASES[f"prune_{name}_{amount}"] = lambda t, name=name, amount=amount: prunings(t, (name, amount))
cases(
    "prune_again",
    lambda t: prunings(t, ("l1", 0.5), ("random", 0.5), ("l2_rows", 1), ("columns", 1)),
    lambda t: prunings(t, ("rows", 1), ("l1", 2)),
    lambda t: prunings(t, ("l2_rows", 1), ("inf_columns", 2), ("l2_rows", 1)),
)


@case
def prune_remove(t):
    module = pruned(t, ("l1", 5))
    same = module.weight_orig
    prune(t).remove(module, "weight")
    seen = [list(module.state_dict()), module.weight, module.weight is same, len(module._forward_pre_hooks)]
    return seen, [prune(t).is_pruned(m) for m in (module, t.nn.Sequential(pruned(t, ("l1", 1))))]


def everywhere(t, method, again=False, **options):
    p = prune(t)
    net = t.nn.Sequential(t.nn.Linear(4, 3), t.nn.ReLU(), t.nn.Linear(3, 2))
    pairs = [(net[0], "weight"), (net[2], "weight"), (net[0], "bias")]
    for _ in range(1 + again):
        p.global_unstructured(pairs, getattr(p, method), **options)
    return dict(net.named_buffers())


cases(
    "prune_global",
    lambda t: everywhere(t, "L1Unstructured", amount=0.4),
    lambda t: everywhere(t, "L1Unstructured", again=True, amount=0.3),
    lambda t: everywhere(t, "RandomUnstructured", amount=7),
    lambda t: everywhere(t, "Identity"),
    lambda t: everywhere(t, "LnStructured", amount=1, n=2),
    lambda t: everywhere(t, "L1Unstructured", amount=1, importance_scores=3),
    lambda t: prune(t).global_unstructured(3, prune(t).L1Unstructured, amount=5),
)


class _Every:
    """Leaves out every second element."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def custom(t, **members):
    return type("Every", (_Every, prune(t).BasePruningMethod), {"compute_mask": _Every.compute_mask, **members})


def custom_twice(t, **members):
    module = t.nn.Linear(4, 3)
    for _ in range(2):
        custom(t, **members).apply(module, "weight")
    return module.weight_mask


def scores(t, function):
    module = t.nn.Linear(4, 3)
    function(prune(t), module, t.arange(12.0).reshape(3, 4))
    return module.weight_mask


cases(
    "prune_other",
    custom_twice,
    lambda t: custom_twice(t, PRUNING_TYPE="structured"),
    lambda t: custom_twice(t, PRUNING_TYPE="structured", dim=1),
    lambda t: custom_twice(t, PRUNING_TYPE="foo"),
    lambda t: scores(t, lambda p, m, s: p.l1_unstructured(m, "weight", 3, importance_scores=s)),
    lambda t: scores(t, lambda p, m, s: p.ln_structured(m, "weight", 1, 2, 0, importance_scores=s)),
    lambda t: scores(t, lambda p, m, s: p.l1_unstructured(m, "weight", 3, importance_scores=s[0])),
    lambda t: scores(t, lambda p, m, s: p.custom_from_mask(m, "weight", s % 3 == 0)),
    lambda t: scores(t, lambda p, m, s: p.custom_from_mask(m, "weight", s[0])),
    lambda t: scores(t, lambda p, m, s: p.identity(m, "weight")),
    lambda t: prune(t).L1Unstructured(0.5).prune(t.tensor([1.0, -3, 2, 0])),
    lambda t: prune(t).L1Unstructured(1).prune(t.tensor([1.0, -3, 2, 0]), default_mask=t.tensor([0.0, 1, 1, 1])),
    lambda t: prune(t).random_structured(t.nn.Linear(2, 2), "bias", 1, 0),
    lambda t: prune(t).random_structured(t.nn.Linear(2, 2), "weight", 1, 3),
    lambda t: prune(t).remove(t.nn.Linear(2, 2), "weight"),
    lambda t: prune(t).PruningContainer(3),
    lambda t: pickle.loads(pickle.dumps(pruned(t, ("l1", 3)))).weight_mask,
)


@case
def pruned_net_trains(t):
    net = t.nn.Sequential(t.nn.Linear(3, 8), t.nn.Tanh(), t.nn.Linear(8, 1))
    p = prune(t)
    p.global_unstructured([(net[0], "weight"), (net[2], "weight")], p.L1Unstructured, amount=0.4)
    x, y = t.randn(8, 3), t.randn(8, 1)
    first = trained(t, net, x, y)
    p.random_unstructured(net[0], "weight", amount=3)
    return first, trained(t, net, x, y)


# Sequences, clipping, gradients, losses -------------------------------------------------------------------------------


def tagger(t, kind, **options):
    rnn = t.nn.utils.rnn
    embedding, layer = t.nn.Embedding(20, 5), getattr(t.nn, kind)(5, 4, batch_first=True, **options)
    readout = t.nn.Linear(layer(t.ones(1, 1, 5))[0].shape[-1], 6)
    params = [*embedding.parameters(), *layer.parameters(), *readout.parameters()]
    optimizer = t.optim.Adam(params, lr=0.01)
    words, tags, losses = t.randint(0, 20, (3, 7)), t.randint(0, 6, (3, 7)), []
    for _ in range(4):
        optimizer.zero_grad()
        packed = rnn.pack_padded_sequence(embedding(words), [4, 7, 2], batch_first=True, enforce_sorted=False)
        out, _ = rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=7)
        loss = t.nn.functional.cross_entropy(readout(out).flatten(0, 1), tags.flatten())
        loss.backward()
        norm = t.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        losses += [loss.item(), norm.item()]
    return losses


cases(
    "tagger",
    lambda t: tagger(t, "LSTM", bidirectional=True, proj_size=3, num_layers=2),
    lambda t: tagger(t, "GRU", num_layers=2, dropout=0.3),
    lambda t: tagger(t, "RNN", nonlinearity="relu", bidirectional=True, bias=False),
    lambda t: tagger(t, "LSTM", dropout=0.5, num_layers=3),
)


def convolved(t, n, gradient):
    x, w = t.randn(2, 4, *(6,) * n), t.randn(6, 2, *(3,) * n)
    arguments = dict(stride=2, padding=1, dilation=1, groups=2)
    out = getattr(t.nn.functional, f"conv{n}d")(x, w, None, 2, 1, 1, 2)
    given = (x.shape, w) if gradient == "input" else (x, w.shape)
    return getattr(t.nn.grad, f"conv{n}d_{gradient}")(*given, t.randn_like(out), **arguments)


cases("conv_gradients", *(lambda t, n=n, g=g: convolved(t, n, g) for n in (1, 2, 3) for g in ("input", "weight")))
cases(
    "losses",
    lambda t: t.nn.functional.gaussian_nll_loss(t.zeros(2), t.ones(2), -t.ones(2)),
    lambda t: t.nn.functional.gaussian_nll_loss(t.zeros(2), t.ones(2), t.nn.Parameter(-t.ones(2))),
    lambda t: t.nn.functional.gaussian_nll_loss(t.zeros(2), t.ones(2), t.tensor([1.0, 2.0])),
    lambda t: t.nn.functional.gaussian_nll_loss(t.zeros(2), t.ones(2), -2.0),
    lambda t: t.nn.functional.binary_cross_entropy(t.tensor([1.2, 0.5]), t.tensor([0.0, 1.0])),
    lambda t: t.nn.functional.binary_cross_entropy(t.tensor([0.2, 0.5]), t.tensor([0.0, 1.5])),
    lambda t: t.nn.functional.binary_cross_entropy(t.tensor([float("nan"), 0.5]), t.tensor([0.0, 1.0])),
    lambda t: t.nn.functional.binary_cross_entropy(t.tensor([0.0, 1.0]), t.tensor([1.0, 0.0])),
)


def in_pieces(t, reduction="mean", n=8, **options):
    loss = t.nn.LinearCrossEntropyLoss(
        5, 4, bias=True, reduction=reduction, options=t.nn.LinearCrossEntropyOptions(**options)
    )
    x, y = t.randn(n, 5, requires_grad=True), t.randint(0, 4, (n,))
    out = loss(x, y)
    out.sum().backward()
    return repr(loss), out, x.grad, loss.linear.weight.grad, loss.linear.bias.grad


def twice(t, **options):
    loss = t.nn.LinearCrossEntropyLoss(5, 4, options=t.nn.LinearCrossEntropyOptions(**options))
    out = loss(t.randn(8, 5), t.randint(0, 4, (8,)))
    out.backward(retain_graph=True)
    out.backward()
    return loss.linear.weight.grad


cases(
    "linear_cross_entropy",
    in_pieces,
    lambda t: in_pieces(t, batch_chunk_size=3),
    lambda t: in_pieces(t, "none", chunking_method="aspect_ratio:4", acc_policy="accurate"),
    lambda t: in_pieces(t, "sum", chunking_method="aspect_ratio", n=13),
    twice,
    lambda t: twice(t, allow_retain_graph=True),
    lambda t: in_pieces(t, acc_policy="x"),
    lambda t: in_pieces(t, chunking_method="y"),
    lambda t: in_pieces(t, batch_chunk_size=0),
    lambda t: in_pieces(t, acc_dtype=t.int64),
    lambda t: in_pieces(t, batch_chunk_size=3, chunking_method="aspect_ratio"),
    lambda t: in_pieces(t, acc_dtype=t.float64),
)


# Attention ------------------------------------------------------------------------------------------------------------


def attend(t, rank=4, mask=None, **options):
    q, k, v = (t.randn(*(1, 2)[: rank - 2], n, 4) for n in (5, 6, 6))
    return t.nn.functional.scaled_dot_product_attention(q, k, v, mask, **options)


def with_kernels(t, *names):
    kinds = [getattr(t.nn.attention.SDPBackend, name) for name in names]
    with t.nn.attention.sdpa_kernel(kinds, set_priority=True):
        return t.nn.attention._cur_sdpa_kernel_backends(True), attend(t).shape


cases(
    "attention",
    lambda t: attend(t, 3, t.zeros(5, 6), is_causal=True),
    lambda t: attend(t, 4, t.zeros(5, 6), is_causal=True),
    lambda t: attend(t, 4, t.zeros(5, 4)),
    lambda t: attend(t, 2, t.zeros(3, 6)),
    lambda t: attend(t, dropout_p=1.5),
    lambda t: with_kernels(t, "MATH"),
    lambda t: with_kernels(t, "EFFICIENT_ATTENTION"),
    lambda t: with_kernels(t, "EFFICIENT_ATTENTION", "MATH"),
    lambda t: with_kernels(t, "FLASH_ATTENTION"),
    lambda t: t.nn.attention.sdpa_kernel("MATH").__enter__(),
    lambda t: [repr(b) for b in t.nn.attention._cur_sdpa_kernel_backends()],
    lambda t: [str(t.nn.attention.SDPBackend.MATH), int(t.nn.attention.SDPBackend(3))],
    lambda t: t.nn.attention.activate_flash_attention_impl("x"),
)


def biased(t, corner, q=3, k=5, **options):
    bias = getattr(part(t, "nn.attention.bias"), f"causal_{corner}")(q, k)
    tensors = [t.randn(1, 2, n, 4) for n in (q, k, k)]
    return repr(bias), t.nn.functional.scaled_dot_product_attention(*tensors, bias, **options)


cases(
    "causal_bias",
    *(
        lambda t, corner=corner, options=options: biased(t, corner, **options)
        for corner in ("upper_left", "lower_right")
        for options in ({}, {"scale": 0.3}, {"is_causal": True}, {"q": 4, "k": 4})
    ),
    lambda t: part(t, "nn.attention.bias").causal_upper_left(3),
    lambda t: part(t, "nn.attention.bias").CausalBias(1, 2, 3),
)


def flex(t):
    return part(t, "nn.attention.flex_attention")


def causal(b, h, q, k):
    return q >= k


def window(b, h, q, k):
    return q - k <= 100


def block_mask(t, mod=causal, *sizes, **options):
    return flex(t).create_block_mask(mod, *(sizes or (2, None, 300, 260)), device="cpu", **options)


def lists(mask):
    return [value for value in mask.as_tuple() if not callable(value)]


def flexed(t, score_mod=None, mask=None, q=(1, 2, 5, 4), k=(1, 2, 6, 4), **options):
    query, key, value = t.randn(q), t.randn(k), t.randn(*k[:-1], 3)
    return flex(t).flex_attention(query, key, value, score_mod, mask, **options)


def learnt(t, score, b, h, q, k):
    return score + t.linspace(-1, 1, 12).view(2, 6)[h][k]


cases(
    "block_mask",
    lambda t: (str(block_mask(t)), repr(block_mask(t)), lists(block_mask(t)), block_mask(t).to_dense()),
    lambda t: (block_mask(t).to_string(limit=1), block_mask(t).shape, block_mask(t).numel(), block_mask(t).sparsity()),
    lambda t: lists(block_mask(t, window, None, 3, 512, 512, BLOCK_SIZE=(64, 128))),
    lambda t: lists(block_mask(t, causal, 1, 1, 200, 100, separate_full_blocks=False)),
    lambda t: [lists(block_mask(t)[at]) for at in (0, -1, (0, 0), slice(0, 1), (slice(None), slice(None), 0))],
    lambda t: block_mask(t)[0].mask_mod(*t.zeros(4)),
    lambda t: lists(block_mask(t)._adjust(200, 100)),
    lambda t: flexed(t, mask=block_mask(t)[0]),
    lambda t: str(block_mask(t, causal, 1, 1, 4000, 6000)),
    lambda t: lists(
        flex(t).BlockMask.from_kv_blocks(
            t.tensor([[[1, 2]]], dtype=t.int32), t.tensor([[[[0, 1], [0, 1]]]], dtype=t.int32), BLOCK_SIZE=16
        )
    ),
    lambda t: flex(t).BlockMask.from_kv_blocks(t.zeros(1), t.zeros(1)),
    lambda t: flex(t).BlockMask.from_kv_blocks(t.zeros(1, 1), t.zeros(1, 1, 1), t.zeros(1)),
)
cases(
    "flex_masks",
    lambda t: flex(t).create_mask(causal, 1, 1, 4, 5, device="cpu"),
    lambda t: flex(t).create_mask(lambda s, b, h, q, k: t.where(q >= k, s, -float("inf")), 1, 2, 3, 3, device="cpu"),
    lambda t: flex(t).create_mask(flex(t).and_masks(causal, window), 2, None, 3, 3, device="cpu"),
    lambda t: flex(t).create_mask(flex(t).or_masks(causal, window), None, None, 3, 3, device="cpu"),
    lambda t: flex(t).create_mask(flex(t).noop_mask, None, None, 2, 2, device="cpu"),
    lambda t: flex(t).or_masks(1),
    lambda t: flex(t).create_block_mask(lambda s, b, h, q, k: s, 1, 1, 4, 4, device="cpu"),
)
cases(
    "flex_attention",
    flexed,
    lambda t: flexed(t, lambda *args: learnt(t, *args), scale=0.5),
    lambda t: flexed(t, lambda *args: learnt(t, *args), return_aux=flex(t).AuxRequest(lse=True)),
    lambda t: flexed(t, mask=block_mask(t, causal, None, None, 5, 6)),
    lambda t: flexed(t, mask=block_mask(t, lambda b, h, q, k: (q >= k) & (q != 2), 1, 2, 5, 6), return_lse=True),
    lambda t: flexed(t, k=(1, 1, 6, 4)),
    lambda t: flexed(t, k=(1, 1, 6, 4), enable_gqa=True),
    lambda t: flexed(t, q=(1, 3, 5, 4), enable_gqa=True),
    lambda t: flexed(t, q=(2, 2, 5, 4)),
    lambda t: flexed(t, q=(1, 2, 5, 3)),
    lambda t: flexed(t, mask=block_mask(t, causal, 1, 1, 50, 60)),
    lambda t: flexed(t, mask=block_mask(t, causal, 1, 1, 3, 3)),
    lambda t: flexed(t, return_lse=True, return_aux=flex(t).AuxRequest()),
    lambda t: flexed(t, kernel_options={"BACKEND": "foo"}),
    lambda t: flexed(t, kernel_options={"BLOCK_M": 64}),
)


def main():
    import torch

    record = {name: observe(torch, function) for name, function in CASES.items()}
    OUT.write_text(json.dumps(rounded(record), indent=None, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(record), "cases")


def rounded(value):
    """Numbers with six digits, which is what is compared."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    main()
