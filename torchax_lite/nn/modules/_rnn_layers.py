"""One layer of a recurrent net over all steps: plain, packed or padded."""

from __future__ import annotations

from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops
from torchax_lite.nn.utils.rnn import Padded, constant_runs

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def run_layer(mode: str, input: Tensor, state: tuple[Tensor, ...], weights: list[Tensor | None], reverse: bool) -> Any:
    """One layer in one direction over ``(T, N, I)``: its output and, as a tuple, its last state."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    if mode == "LSTM":
        output, h_n, c_n = _ops.lstm_layer(input, *state, w_ih, w_hh, b_ih, b_hh, w_hr, reverse)
        return output, (h_n, c_n)
    if mode == "GRU":
        output, h_n = _ops.gru_layer(input, *state, w_ih, w_hh, b_ih, b_hh, reverse)
    else:
        nonlinearity = "tanh" if mode == "RNN_TANH" else "relu"
        output, h_n = _ops.rnn_layer(input, *state, w_ih, w_hh, b_ih, b_hh, nonlinearity, reverse)
    return output, (h_n,)


def run_packed_layer(
    mode: str,
    data: Tensor,
    batch_sizes: list[int],
    state: tuple[Tensor, ...],
    weights: list[Tensor | None],
    reverse: bool,
) -> Any:
    """The same over packed data: one run for each stretch of steps with the same number of sequences."""
    runs = []
    row = 0
    for start, stop, size in constant_runs(batch_sizes):
        rows = (stop - start) * size
        runs.append((row, rows, stop - start, size))
        row += rows
    outputs: list[Tensor] = []
    if reverse:
        # From the end: sequences join as they begin.
        size = runs[-1][3]
        current = tuple(part[:size] for part in state)
        for row, rows, steps, size in reversed(runs):
            joined = current[0].size(0)
            if size > joined:
                current = tuple(torch.cat([part, whole[joined:size]]) for part, whole in zip(current, state))
            piece = data[row : row + rows].reshape(steps, size, -1)
            output, current = run_layer(mode, piece, current, weights, True)
            outputs.insert(0, output.reshape(rows, -1))
        return torch.cat(outputs), current
    # From the start: sequences leave as they end.
    current = state
    finished: list[tuple[Tensor, ...]] = []
    for row, rows, steps, size in runs:
        if size < current[0].size(0):
            finished.insert(0, tuple(part[size:] for part in current))
            current = tuple(part[:size] for part in current)
        output, current = run_layer(mode, data[row : row + rows].reshape(steps, size, -1), current, weights, False)
        outputs.append(output.reshape(rows, -1))
    parts = [current, *finished]
    return torch.cat(outputs), tuple(torch.cat(pieces) for pieces in zip(*parts))


_CLOSED = 1e4
"""A gate's argument at which its sigmoid is 0 (below zero) or 1 exactly, whatever the state adds to it."""


def run_padded_layer(
    mode: str, x: Tensor, padded: Padded, state: tuple[Tensor, ...], weights: list[Tensor | None], reverse: bool
) -> Any:
    """The same over a padded batch ``(T, N, I)``: one run, whatever the lengths are.

    Backwards, each sequence is turned round within its length. The last state is the output at its last element; an
    LSTM's cell is kept through the padding by its gates, which a further input closes.
    """
    steps, batch = x.shape[:2]

    def turned(values: Tensor) -> Tensor:
        return values.gather(0, padded.reversal.unsqueeze(-1).expand(steps, batch, values.size(-1)))

    if reverse:
        x = turned(x)
    if mode == "LSTM":
        w_ih, *others = weights
        size = w_ih.size(0) // 4
        gates = torch.zeros(4, size, dtype=x.dtype, device=x.device)
        gates[0], gates[1] = -_CLOSED, _CLOSED
        x = torch.cat([x, (~padded.inside).to(x.dtype).unsqueeze(-1)], dim=-1)
        weights = [torch.cat((w_ih, gates.reshape(-1, 1)), dim=1), *others]
    output, (_, *cell) = run_layer(mode, x, state, weights, False)
    last = padded.last.reshape(1, batch, 1).expand(1, batch, output.size(-1))
    final = (output.gather(0, last).squeeze(0), *cell)
    return (turned(output) if reverse else output), final
