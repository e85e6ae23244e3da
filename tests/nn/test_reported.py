"""What users of training loops saw: values that differ from PyTorch's, programs that are compiled or run too often."""

from __future__ import annotations

import random

import pytest

import torchax_lite as torch
import torchax_lite.engine as engine
from torchax_lite import nn


def executions_of(step, n=4, warm=4):
    """Programs run and compiled by ``n`` calls of ``step`` after ``warm`` others."""
    for _ in range(warm):
        step()
    before = engine.stats()
    for _ in range(n):
        step()
    after = engine.stats()
    return after.executions - before.executions, after.compiles - before.compiles + after.disk_hits - before.disk_hits


def trained(net, loss_of):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()

    return step


def test_hidden_state_made_by_tensor_new_as_in_word_language_model():
    weight = nn.Linear(3, 2).weight.data
    assert weight.new(2, 4, 3).zero_().shape == (2, 4, 3)
    assert torch.ones(2, dtype=torch.int64).new([1.5, 2]).tolist() == [1, 2]
    assert weight.new().shape == (0,)
    with pytest.raises(TypeError, match=r"new\(\): data must be a sequence \(got float\)"):
        weight.new(2.5)


def test_batches_cut_out_at_random_offsets_ran_a_program_for_each_offset():
    data = torch.arange(300).float()
    net = nn.Linear(8, 8)

    def loss():
        offsets = torch.randint(len(data) - 9, (4,))
        x = torch.stack([data[i : i + 8] for i in offsets])
        y = torch.stack([data[i + 1 : i + 1 + 8] for i in offsets])
        assert torch.equal(y, x + 1)
        return (net(x / 300) - y / 300).pow(2).mean()

    assert loss().requires_grad

    def quiet():
        offsets = torch.randint(len(data) - 9, (4,))
        x = torch.stack([data[i : i + 8] for i in offsets])
        y = torch.stack([data[i + 1 : i + 1 + 8] for i in offsets])
        return (net(x / 300) - y / 300).pow(2).mean()

    assert executions_of(trained(net, quiet)) == (4, 0)


def test_minibatches_of_a_split_permutation_compiled_a_program_for_each_position():
    x = torch.randn(64, 4)
    net = nn.Linear(4, 2)
    parts = iter(torch.randperm(64).split(4))
    assert executions_of(trained(net, lambda: net(x[next(parts)]).pow(2).sum())) == (4, 0)


def test_batch_from_a_replay_memory_compiled_a_program_for_each_sample():
    memory = [(torch.randn(1, 4) @ torch.randn(4, 4)).tanh() for _ in range(20)]
    for state in memory:
        state.sum().item()
    net = nn.Linear(4, 2)
    draw = random.Random(0)
    assert executions_of(trained(net, lambda: net(torch.cat(draw.choices(memory, k=8))).pow(2).sum())) == (4, 0)


def test_reading_rows_of_a_finished_result_ran_programs():
    scores = torch.randn(3, 4) @ torch.randn(4, 5)
    whole = scores.tolist()
    before = engine.stats().executions
    assert [scores[1].tolist(), scores[2, 3].item(), scores.T[1].tolist()] == [
        whole[1], whole[2][3], [row[1] for row in whole],
    ]  # fmt: skip
    assert engine.stats().executions == before


def test_written_to_base_is_seen_by_pieces_of_host_indices():
    order = torch.arange(12)
    piece = order[4:8]
    assert piece.tolist() == [4, 5, 6, 7]
    piece += 10
    order[5] = -1
    assert piece.tolist() == [14, -1, 16, 17] and (piece + 0).tolist() == [14, -1, 16, 17]
