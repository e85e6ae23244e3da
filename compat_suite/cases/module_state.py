"""``torch.nn``: what modules keep, and how layers are set up."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..registry import case, raises, same


@case("torch.nn.Module.register_buffer")
def non_persistent_buffers_are_not_saved(torch: Any) -> None:
    m = torch.nn.Module()
    m.register_buffer("kept", torch.zeros(1))
    m.register_buffer("scratch", torch.zeros(1), persistent=False)
    assert list(m.state_dict()) == ["kept"] and [n for n, _ in m.named_buffers()] == ["kept", "scratch"]
    m.other = 1
    raises(KeyError, "attribute 'other' already exists", m.register_buffer, "other", None)
    raises(KeyError, "contain", m.register_buffer, "a.b", None)


@case("torch.nn.Module.register_parameter")
def none_is_a_placeholder(torch: Any) -> None:
    m = torch.nn.Module()
    m.register_parameter("bias", None)
    assert m.bias is None and list(m.parameters()) == [] and "bias" not in m.state_dict()
    raises(TypeError, "cannot assign", setattr, m, "bias", torch.ones(1))


@case("torch.nn.Module")
def attributes_before_init_raise(torch: Any) -> None:
    class Early(torch.nn.Module):
        def __init__(self) -> None:
            self.layer = torch.nn.Linear(1, 1)

    raises(AttributeError, "cannot assign module before Module.__init__() call", Early)


@case("torch.nn.Module.train")
def mode_reaches_children(torch: Any) -> None:
    m = torch.nn.Sequential(torch.nn.Dropout())
    assert m.training and m.eval() is m and not m[0].training
    m.train(True)
    assert m[0].training
    raises(ValueError, "training mode is expected to be boolean", m.train, 1)


@case("torch.nn.Module.apply")
def children_come_before_the_module(torch: Any) -> None:
    seen: list[str] = []
    torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh()).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["ReLU", "Tanh", "Sequential"]


@case("torch.nn.Module.named_modules")
def shared_modules_appear_once(torch: Any) -> None:
    layer = torch.nn.Linear(1, 1)
    m = torch.nn.Sequential(layer, layer)
    assert [n for n, _ in m.named_modules()] == ["", "0"]
    assert [n for n, _ in m.named_modules(remove_duplicate=False)] == ["", "0", "1"]


@case("torch.nn.Module.get_submodule")
def follows_dots(torch: Any) -> None:
    m = torch.nn.Sequential(OrderedDict(a=torch.nn.Sequential(torch.nn.ReLU())))
    assert isinstance(m.get_submodule("a.0"), torch.nn.ReLU) and m.get_submodule("") is m
    raises(AttributeError, "has no attribute `b`", m.get_submodule, "a.b")


@case("torch.nn.Module.to")
def only_floating_parameters_change_dtype(torch: Any) -> None:
    m = torch.nn.BatchNorm1d(2).to(torch.float64)
    assert m.weight.dtype == torch.float64 and m.num_batches_tracked.dtype == torch.int64
    assert m.half().weight.dtype == torch.float16
    raises(TypeError, "nn.Module.to only accepts floating point or complex dtypes", m.to, torch.int32)


@case("torch.nn.Module.requires_grad_")
def freezes_parameters(torch: Any) -> None:
    m = torch.nn.Linear(1, 1).requires_grad_(False)
    assert not any(p.requires_grad for p in m.parameters())


@case("torch.nn.Module.zero_grad")
def sets_gradients_to_none(torch: Any) -> None:
    m = torch.nn.Linear(1, 1)
    m(torch.ones(1)).backward()
    assert m.weight.grad is not None
    m.zero_grad()
    assert m.weight.grad is None


@case("torch.nn.Module.state_dict")
def tensors_are_detached_but_shared(torch: Any) -> None:
    m = torch.nn.Linear(1, 1)
    state = m.state_dict()
    assert not state["weight"].requires_grad and state["weight"].data_ptr() == m.weight.data_ptr()
    assert list(m.state_dict(prefix="x.")) == ["x.weight", "x.bias"]


@case("torch.nn.Module.load_state_dict")
def shapes_have_to_match_and_assign_keeps_tensors(torch: Any) -> None:
    m = torch.nn.Linear(2, 2, bias=False)
    raises(RuntimeError, "size mismatch for weight: copying a param with shape torch.Size([3, 2]) from checkpoint",
           m.load_state_dict, {"weight": torch.ones(3, 2)})  # fmt: skip
    new = torch.ones(2, 2)
    m.load_state_dict({"weight": new}, assign=True)
    assert m.weight.data_ptr() == new.data_ptr() and isinstance(m.weight, torch.nn.Parameter)


@case("torch.nn.Module.register_forward_hook")
def hooks_may_see_keywords(torch: Any) -> None:
    class Scale(torch.nn.Module):
        def forward(self, x: Any, *, by: float = 1.0) -> Any:
            return x * by

    m, seen = Scale(), []
    m.register_forward_hook(lambda module, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    m(torch.ones(1), by=2.0)
    assert seen == [{"by": 2.0}]


@case("torch.nn.Module.extra_repr")
def appears_in_the_tree(torch: Any) -> None:
    class Named(torch.nn.Module):
        def extra_repr(self) -> str:
            return "size=3"

    assert repr(Named()) == "Named(size=3)"


@case("torch.nn.Sequential")
def can_be_sliced_and_extended(torch: Any) -> None:
    nn = torch.nn
    m = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert len(m[:2]) == 2 and isinstance(m[-1], nn.Sigmoid)
    m.append(nn.Identity())
    m.insert(0, nn.Identity())
    del m[1]
    assert [type(c).__name__ for c in m] == ["Identity", "Tanh", "Sigmoid", "Identity"]
    raises(IndexError, "index 9 is out of range", lambda: m[9])


@case("torch.nn.ModuleList")
def has_no_forward(torch: Any) -> None:
    m = torch.nn.ModuleList([torch.nn.ReLU()])
    m += [torch.nn.Tanh()]
    assert len(m) == 2
    raises(NotImplementedError, 'Module [ModuleList] is missing the required "forward" function', m, torch.ones(1))


@case("torch.nn.ParameterList")
def tensors_become_parameters(torch: Any) -> None:
    plist = torch.nn.ParameterList([torch.ones(1)])
    assert isinstance(plist[0], torch.nn.Parameter) and [n for n, _ in plist.named_parameters()] == ["0"]
    named = torch.nn.ParameterDict({"a": torch.ones(2)})
    assert list(named.keys()) == ["a"] and isinstance(named["a"], torch.nn.Parameter)


@case("torch.nn.Parameter", "generated/torch.nn.parameter.Parameter.html")
def is_a_leaf_that_requires_grad(torch: Any) -> None:
    p = torch.nn.Parameter(torch.ones(2))
    assert p.requires_grad and p.is_leaf and repr(p).startswith("Parameter containing:\n")
    assert not isinstance(p * 1, torch.nn.Parameter)
    raises(RuntimeError, "Only Tensors of floating point and complex dtype can require gradients",
           torch.nn.Parameter, torch.tensor([1]))  # fmt: skip


@case("torch.nn.Conv2d")
def weight_shape_and_text(torch: Any) -> None:
    conv = torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    assert conv.weight.shape == (6, 2, 3, 3) and conv(torch.ones(1, 4, 8, 8)).shape == (1, 6, 4, 4)
    assert repr(conv) == "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2)"
    raises(ValueError, "in_channels must be divisible by groups", torch.nn.Conv2d, 3, 4, 1, groups=2)
    raises(
        ValueError,
        "padding='same' is not supported for strided convolutions",
        torch.nn.Conv2d,
        1,
        1,
        3,
        stride=2,
        padding="same",
    )


@case("torch.nn.LazyLinear")
def gets_its_size_from_the_first_batch(torch: Any) -> None:
    m = torch.nn.LazyLinear(2)
    assert isinstance(m.weight, torch.nn.UninitializedParameter)
    assert m(torch.ones(3, 5)).shape == (3, 2) and type(m) is torch.nn.Linear and m.in_features == 5


@case("torch.nn.Embedding")
def padding_row_starts_at_zero(torch: Any) -> None:
    e = torch.nn.Embedding(3, 2, padding_idx=-1)
    same(e.weight[2], torch.zeros(2))
    assert e.padding_idx == 2 and torch.nn.Embedding.from_pretrained(torch.ones(2, 2)).weight.requires_grad is False


@case("torch.nn.BatchNorm2d")
def momentum_none_averages_all_batches(torch: Any) -> None:
    norm = torch.nn.BatchNorm1d(1, momentum=None)
    norm(torch.tensor([[0.0], [2.0]]))
    norm(torch.tensor([[2.0], [4.0]]))
    same(norm.running_mean, torch.tensor([2.0]))
    raises(ValueError, "expected 4D input (got 2D input)", torch.nn.BatchNorm2d(1), torch.ones(2, 1))


@case("torch.nn.BatchNorm1d")
def without_running_statistics_batches_are_always_used(torch: Any) -> None:
    norm = torch.nn.BatchNorm1d(1, track_running_stats=False).eval()
    assert norm.running_mean is None
    same(norm(torch.tensor([[0.0], [2.0]])), torch.tensor([[-1.0], [1.0]]), atol=1e-4)


@case("torch.nn.GroupNorm")
def groups_divide_channels(torch: Any) -> None:
    same(torch.nn.GroupNorm(1, 2)(torch.tensor([[1.0, 3.0]])), torch.tensor([[-1.0, 1.0]]), atol=1e-4)
    raises(ValueError, "num_channels (3) must be divisible by num_groups (2)", torch.nn.GroupNorm, 2, 3)


@case("torch.nn.RNN")
def gates_and_bounds(torch: Any) -> None:
    assert torch.nn.LSTM(3, 4).weight_ih_l0.shape == (16, 3) and torch.nn.GRU(3, 4).weight_hh_l0.shape == (12, 4)
    bound = 0.5
    assert all(p.abs().max().item() <= bound for p in torch.nn.RNN(3, 4).parameters())
    out, h = torch.nn.GRU(3, 4)(torch.zeros(5, 3))
    assert out.shape == (5, 4) and h.shape == (1, 4)
    raises(
        RuntimeError,
        "input.size(-1) must be equal to input_size. Expected 3, got 2",
        torch.nn.RNN(3, 4),
        torch.zeros(5, 1, 2),
    )


@case("torch.nn.LSTM")
def projections_change_the_hidden_state_only(torch: Any) -> None:
    out, (h, c) = torch.nn.LSTM(3, 4, proj_size=2)(torch.zeros(5, 1, 3))
    assert out.shape == (5, 1, 2) and h.shape == (1, 1, 2) and c.shape == (1, 1, 4)


@case("torch.nn.MultiheadAttention")
def heads_divide_the_width(torch: Any) -> None:
    raises(AssertionError, "embed_dim must be divisible by num_heads", torch.nn.MultiheadAttention, 5, 2)
    out, weights = torch.nn.MultiheadAttention(4, 2)(*[torch.ones(3, 2, 4)] * 3, need_weights=False)
    assert out.shape == (3, 2, 4) and weights is None


@case("torch.nn.Transformer")
def masks_are_minus_infinity_above_the_diagonal(torch: Any) -> None:
    mask = torch.nn.Transformer.generate_square_subsequent_mask(2)
    same(mask, torch.tensor([[0.0, -float("inf")], [0.0, 0.0]]))


@case("torch.nn.Flatten")
def keeps_the_batch(torch: Any) -> None:
    assert torch.nn.Flatten()(torch.zeros(2, 3, 4)).shape == (2, 12)
    assert torch.nn.Unflatten(1, (3, 4))(torch.zeros(2, 12)).shape == (2, 3, 4)


@case("torch.nn.CrossEntropyLoss")
def weight_is_a_buffer(torch: Any) -> None:
    loss = torch.nn.CrossEntropyLoss(weight=torch.ones(3))
    assert list(loss.state_dict()) == ["weight"] and list(loss.parameters()) == []


@case("torch.nn.utils.parameters_to_vector")
def vectors_go_back_to_parameters(torch: Any) -> None:
    m = torch.nn.Linear(2, 1)
    vector = torch.nn.utils.parameters_to_vector(m.parameters())
    assert vector.shape == (3,)
    torch.nn.utils.vector_to_parameters(torch.arange(3.0), m.parameters())
    same(m.weight, torch.tensor([[0.0, 1.0]]))


@case("torch.nn.utils.clip_grad_value_")
def clips_each_element(torch: Any) -> None:
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([-3.0, 0.5])
    torch.nn.utils.clip_grad_value_([p], 1.0)
    same(p.grad, torch.tensor([-1.0, 0.5]))


@case("torch.nn.utils.rnn.pad_sequence")
def batch_is_the_second_dim_by_default(torch: Any) -> None:
    sequences = [torch.tensor([1, 2, 3]), torch.tensor([4])]
    same(torch.nn.utils.rnn.pad_sequence(sequences), torch.tensor([[1, 4], [2, 0], [3, 0]]))
    same(torch.nn.utils.rnn.pad_sequence(sequences, True, 9, "left"), torch.tensor([[1, 2, 3], [9, 9, 4]]))


@case("torch.nn.utils.rnn.pack_padded_sequence")
def data_is_ordered_by_time(torch: Any) -> None:
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(torch.tensor([[1, 4], [2, 5], [3, 0]]), [3, 2])
    same(packed.data, torch.tensor([1, 4, 2, 5, 3]))
    same(packed.batch_sizes, torch.tensor([2, 2, 1]))
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True)
    same(padded, torch.tensor([[1, 2, 3], [4, 5, 0]]))
    same(lengths, torch.tensor([3, 2]))
    raises(RuntimeError, "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True",
           rnn.pack_padded_sequence, torch.zeros(3, 2), [2, 3])  # fmt: skip


@case("torch.nn.init.calculate_gain")
def gains_of_nonlinearities(torch: Any) -> None:
    gain = torch.nn.init.calculate_gain
    assert gain("linear") == 1 and abs(gain("tanh") - 5 / 3) < 1e-12 and abs(gain("relu") - 2**0.5) < 1e-12
    assert abs(gain("leaky_relu", 1.0) - 1.0) < 1e-12
    raises(ValueError, "Unsupported nonlinearity none", gain, "none")


@case("torch.nn.init.orthogonal_")
def columns_are_orthonormal(torch: Any) -> None:
    w = torch.nn.init.orthogonal_(torch.empty(4, 2))
    same(w.t() @ w, torch.eye(2), atol=1e-5)


@case("torch.nn.init.trunc_normal_")
def nothing_is_beyond_the_cut(torch: Any) -> None:
    w = torch.nn.init.trunc_normal_(torch.empty(500), std=2.0, a=-1.0, b=1.0)
    assert w.min().item() >= -1 and w.max().item() <= 1


@case("torch.nn.init.dirac_")
def keeps_the_input_under_convolution(torch: Any) -> None:
    w = torch.nn.init.dirac_(torch.empty(2, 2, 3))
    x = torch.arange(8.0).view(1, 2, 4)
    same(torch.nn.functional.conv1d(x, w, padding=1), x)


@case("torch.nn.init.kaiming_normal_")
def deviation_follows_the_mode(torch: Any) -> None:
    w = torch.nn.init.kaiming_normal_(torch.empty(400, 100), mode="fan_out", nonlinearity="relu")
    assert abs(w.std().item() - (2 / 400) ** 0.5) < 2e-3
    raises(ValueError, "Mode fan not supported", torch.nn.init.kaiming_normal_, torch.empty(2, 2), mode="fan")


@case("torch.nn.utils.parametrize.register_parametrization")
def weights_are_computed_when_read(torch: Any) -> None:
    class Double(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return 2 * x

    m = torch.nn.Linear(1, 1, bias=False)
    before = m.weight.detach().clone()
    torch.nn.utils.parametrize.register_parametrization(m, "weight", Double())
    same(m.weight, 2 * before)
    same(m.parametrizations.weight.original, before)
    torch.nn.utils.parametrize.remove_parametrizations(m, "weight")
    same(m.weight, 2 * before)
