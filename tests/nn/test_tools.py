"""Lazy modules, parametrizations, pruning, packed sequences, attention tools and a few losses, against PyTorch's.

The cases and how they are observed are in ``tests/recorders/record_nn_tools.py``.
"""

import gc
import json
import math
import pathlib

import pytest
from recorded import load_recorder

import torchax_lite as torch
from torchax_lite import engine
from torchax_lite.tensor import overriding

TESTS = pathlib.Path(__file__).parents[1]
RECORD = json.loads((TESTS / "data" / "nn_tools.json").read_text())


recorder = load_recorder("record_nn_tools")


def agree(found, expected, path=""):
    """Fail where two nested values differ; numbers may by their rounding."""
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            agree(a, b, f"{path}[{i}]")
    elif isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        for key in found:
            agree(found[key], expected[key], f"{path}[{key!r}]")
    elif type(found) is float and isinstance(expected, (int, float)):
        same = found == expected or (math.isnan(found) and math.isnan(expected))
        assert same or math.isclose(found, expected, rel_tol=2e-4, abs_tol=3e-5), f"{path}: {found} is not {expected}"
    else:
        assert found == expected, f"{path}: {found!r} is not {expected!r}"


def test_every_case_is_recorded():
    assert set(recorder.CASES) == set(RECORD)


@pytest.mark.parametrize("name", recorder.CASES)
def test_as_in_pytorch(name):
    agree(recorder.observe(torch, recorder.CASES[name]), RECORD[name])


def programs_of(net, x, steps=4):
    """Programs that steps of training run and compile, after some others."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

    def step():
        optimizer.zero_grad()
        net(x).pow(2).mean().backward()
        optimizer.step()

    for _ in range(4):
        step()
    before = engine.stats()
    for _ in range(steps):
        step()
    after = engine.stats()
    return after.executions - before.executions, after.compiles - before.compiles + after.disk_hits - before.disk_hits


class Flexed(torch.nn.Module):
    """Attention with a learnt bias of each head and distance."""

    def __init__(self, mask):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.linspace(-1, 1, 2 * 6).view(2, 6))
        self.mask = mask

    def forward(self, x):
        attend = recorder.flex(torch).flex_attention
        return attend(x, x, x, lambda score, b, h, q, k: score + self.bias[h][(q - k).abs()], self.mask)


def test_training_parametrized_pruned_or_flexible_nets_is_one_program_a_step():
    p = recorder.prune(torch)
    made = recorder.normed
    nets = {
        "orthogonal": made(torch, torch.nn.Linear(4, 4), "orthogonal"),
        "spectral_norm": made(torch, torch.nn.Linear(4, 4), "spectral_norm"),
        "weight_norm": made(torch, torch.nn.Linear(4, 4)),
        "pruned": p.l1_unstructured(torch.nn.Linear(4, 4), "weight", 0.5),
        "lazy": torch.nn.LazyLinear(4),
    }
    for name, net in nets.items():
        assert programs_of(net, torch.ones(3, 4)) == (4, 0), name
    mask = recorder.block_mask(torch, recorder.causal, None, None, 6, 6)
    assert programs_of(Flexed(mask), torch.randn(1, 2, 6, 4)) == (4, 0)


def test_gradients_of_flex_attention_reach_tensors_of_the_score_function():
    net = Flexed(recorder.block_mask(torch, recorder.causal, None, None, 6, 6, BLOCK_SIZE=2))
    x = torch.randn(1, 2, 6, 4, requires_grad=True)
    net(x).pow(2).sum().backward()
    distances = (torch.arange(6)[:, None] - torch.arange(6)).abs()
    y, bias = x.detach().requires_grad_(), net.bias.detach().requires_grad_()
    scores = (y @ y.mT / 2 + bias[:, distances]).masked_fill(torch.ones(6, 6).triu(1).bool(), float("-inf"))
    (scores.softmax(-1) @ y).pow(2).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.bias.grad, bias.grad, rtol=1e-4, atol=1e-5)


def test_packed_sequences_attend_as_if_each_were_alone():
    varlen = recorder.part(torch, "nn.attention.varlen")
    q, k, v = (torch.randn(7, 2, 4) for _ in range(3))
    bounds = torch.tensor([0, 2, 7], dtype=torch.int32)
    for window, causal in (((-1, -1), False), ((-1, 0), True)):
        out, lse = varlen.varlen_attn(
            q, k, v, bounds, bounds, 5, 5, window_size=window, return_aux=varlen.AuxRequest(lse=True)
        )
        assert lse.shape == (2, 7)
        for part in (slice(0, 2), slice(2, 7)):
            alone = torch.nn.functional.scaled_dot_product_attention(
                *(x[part].transpose(0, 1) for x in (q, k, v)), is_causal=causal
            )
            torch.testing.assert_close(out[part], alone.transpose(0, 1), rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError, match="block_table"):
        varlen.varlen_attn(q, k, v, bounds, bounds, 5, 5, block_table=bounds)


def test_functions_are_not_slower_once_all_lazy_modules_have_their_shapes():
    lazy = torch.nn.LazyLinear(2)
    gc.collect()
    seen = overriding.LAYER._users
    lazy(torch.ones(1, 3))
    assert overriding.LAYER._users == seen - 2  # weight and bias
