"""Training on packed sequences: one program, whatever the lengths are."""

import pytest

import torchax_lite as torch
from torchax_lite import engine, nn
from torchax_lite.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_steps_of_other_lengths_are_the_same_program(kind):
    torch.manual_seed(0)
    layer = getattr(nn, kind)(3, 4, batch_first=True, bidirectional=True)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    x = torch.randn(3, 7, 3)
    compiles = []
    for lengths in ([7, 2, 5], [1, 6, 6], [3, 3, 4], [2, 7, 1], [5, 4, 3], [6, 1, 2]):
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        _, state = layer(packed)
        last = state[0] if kind == "LSTM" else state
        optimizer.zero_grad()
        last.pow(2).sum().backward()
        optimizer.step()
        compiles.append(engine.stats().compiles)
    assert compiles[-1] == compiles[-3]


def test_what_is_in_the_padding_does_not_matter():
    torch.manual_seed(0)
    layer = nn.LSTM(3, 4, 2, bidirectional=True)
    x = torch.randn(6, 2, 3)
    lengths = torch.tensor([6, 3])
    results = []
    for filler in (0.0, float("nan")):
        padded = x.clone()
        padded[3:, 1] = filler
        padded.requires_grad_()
        out, (h, c) = layer(pack_padded_sequence(padded, lengths))
        dense, again = pad_packed_sequence(out, padding_value=-2.0)
        (dense.sum() + h.sum() + c.sum()).backward()
        results.append([dense, h, c, padded.grad])
        assert again.tolist() == [6, 3] and (dense[3:, 1] == -2).all() and (padded.grad[3:, 1] == 0).all()
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_a_packed_sequence_is_a_tuple_of_four():
    packed = pack_padded_sequence(torch.arange(6.0).reshape(3, 2), torch.tensor([3, 1]))
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    assert data.tolist() == [0, 1, 2, 4] == packed[0].tolist() == packed.data.tolist()
    assert batch_sizes.tolist() == [2, 1, 1] and sorted_indices is None and unsorted_indices is None
    assert packed.double().data.dtype == torch.float64 and len(packed) == 4
    assert repr(packed).startswith("PackedSequence(data=tensor([0., 1., 2., 4.]), batch_sizes=tensor([2, 1, 1])")
