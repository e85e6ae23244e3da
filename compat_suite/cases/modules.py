"""``torch.nn``: modules, their state, hooks and initial values."""

from __future__ import annotations

from typing import Any

from ..registry import case, raises, same


@case("torch.nn.Module")
def names_parameters_and_buffers(torch: Any) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    assert [n for n, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert [n for n, _ in model.named_buffers()] == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert list(model.state_dict()) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
    ]  # fmt: skip


@case("torch.nn.Module")
def missing_attributes_and_keys_are_named(torch: Any) -> None:
    raises(AttributeError, "'Module' object has no attribute 'missing'", lambda: torch.nn.Module().missing)
    state = {"weight": torch.ones(2, 2)}
    raises(RuntimeError, 'Missing key(s) in state_dict: "bias"', torch.nn.Linear(2, 2).load_state_dict, state)
    result = torch.nn.Linear(2, 2).load_state_dict({**state, "extra": state["weight"]}, strict=False)
    assert result.missing_keys == ["bias"] and result.unexpected_keys == ["extra"]


@case("torch.nn.Module")
def shared_parameters_are_listed_once(torch: Any) -> None:
    a, b = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2, bias=False)
    b.weight = a.weight
    assert len(list(torch.nn.ModuleList([a, b]).parameters())) == 1


@case("torch.nn.Module")
def forward_hooks_may_replace_the_result(torch: Any) -> None:
    layer = torch.nn.Identity()
    handle = layer.register_forward_hook(lambda module, args, out: out + 1)
    layer.register_forward_pre_hook(lambda module, args: (args[0] * 10,))
    same(layer(torch.ones(1)), torch.tensor([11.0]))
    handle.remove()
    same(layer(torch.ones(1)), torch.tensor([10.0]))


@case("torch.nn.Module")
def full_backward_hooks_see_both_gradients(torch: Any) -> None:
    layer, seen = torch.nn.Linear(2, 1, bias=False), []
    layer.register_full_backward_hook(lambda module, gin, gout: seen.append((gin[0].shape, gout[0].shape)))
    layer(torch.ones(3, 2, requires_grad=True)).sum().backward()
    assert seen == [((3, 2), (3, 1))]


@case("torch.nn.Linear")
def initial_weights_follow_the_seed(torch: Any) -> None:
    weight = torch.nn.Linear(2, 2).weight
    expected = [[-0.005293981172144413, 0.37932288646698], [-0.5819807648658752, -0.5203874707221985]]
    same(weight, torch.tensor(expected))
    assert isinstance(weight, torch.nn.Parameter) and weight.requires_grad


@case("torch.nn.Linear")
def says_which_shapes_do_not_fit(torch: Any) -> None:
    words = "mat1 and mat2 shapes cannot be multiplied (2x4 and 3x2)"
    raises(RuntimeError, words, torch.nn.Linear(3, 2), torch.ones(2, 4))


@case("torch.nn.BatchNorm1d")
def training_updates_the_running_statistics(torch: Any) -> None:
    norm = torch.nn.BatchNorm1d(1, momentum=0.5)
    norm(torch.tensor([[1.0], [3.0]]))
    same(norm.running_mean, torch.tensor([1.0]))
    same(norm.running_var, torch.tensor([1.5]))
    assert norm.num_batches_tracked.item() == 1
    norm.eval()
    same(norm(torch.tensor([[1.0]])), torch.tensor([[0.0]]))


@case("torch.nn.Dropout")
def scales_in_training_and_is_the_identity_in_evaluation(torch: Any) -> None:
    drop = torch.nn.Dropout(0.5)
    assert set(drop(torch.ones(64)).tolist()) == {0.0, 2.0}
    same(drop.eval()(torch.ones(3)), torch.ones(3))
    raises(ValueError, "dropout probability has to be between 0 and 1", torch.nn.Dropout, 1.5)


@case("torch.nn.LSTM")
def states_have_layers_first(torch: Any) -> None:
    lstm = torch.nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    out, (h, c) = lstm(torch.zeros(5, 7, 3))
    assert out.shape == (5, 7, 8) and h.shape == c.shape == (4, 5, 4)


@case("torch.nn.MultiheadAttention")
def weights_are_averaged_over_heads(torch: Any) -> None:
    attention = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    out, weights = attention(*[torch.ones(2, 3, 4)] * 3)
    assert out.shape == (2, 3, 4)
    same(weights, torch.full((2, 3, 3), 1 / 3), atol=1e-6)


@case("torch.nn.ModuleDict")
def keeps_insertion_order(torch: Any) -> None:
    layers = torch.nn.ModuleDict({"b": torch.nn.ReLU(), "a": torch.nn.Tanh()})
    assert list(layers) == ["b", "a"] and "a" in layers and len(layers) == 2


@case("torch.nn.utils.clip_grad_norm_")
def returns_the_norm_before_clipping(torch: Any) -> None:
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3.0, 4.0])
    same(torch.nn.utils.clip_grad_norm_([p], 1.0), torch.tensor(5.0))
    same(p.grad, torch.tensor([0.6, 0.8]), atol=1e-6)


@case("torch.nn.init.xavier_uniform_")
def bound_comes_from_both_fans(torch: Any) -> None:
    w = torch.nn.init.xavier_uniform_(torch.empty(100, 50))
    assert 0.19 < w.abs().max().item() <= 0.2
    raises(ValueError, "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
           torch.nn.init.xavier_uniform_, torch.empty(3))  # fmt: skip
