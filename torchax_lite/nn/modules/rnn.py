"""Recurrent layers and their cells.

One layer and direction is one operation (a scan over the sequence); this file arranges layers, directions and batches.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Iterable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite._generated import internal as _ops
from torchax_lite.nn import functional as F
from torchax_lite.nn import init
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.modules.utils import _autocast_enabled
from torchax_lite.nn.parameter import Parameter
from torchax_lite.nn.utils.rnn import PackedSequence, Padded, constant_runs

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def _layer(mode: str, input: Tensor, state: tuple[Tensor, ...], weights: list[Tensor | None], reverse: bool) -> Any:
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


def _packed_layer(
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
            output, current = _layer(mode, piece, current, weights, True)
            outputs.insert(0, output.reshape(rows, -1))
        return torch.cat(outputs), current
    # From the start: sequences leave as they end.
    current = state
    finished: list[tuple[Tensor, ...]] = []
    for row, rows, steps, size in runs:
        if size < current[0].size(0):
            finished.insert(0, tuple(part[size:] for part in current))
            current = tuple(part[:size] for part in current)
        output, current = _layer(mode, data[row : row + rows].reshape(steps, size, -1), current, weights, False)
        outputs.append(output.reshape(rows, -1))
    parts = [current, *finished]
    return torch.cat(outputs), tuple(torch.cat(pieces) for pieces in zip(*parts))


_CLOSED = 1e4
"""A gate's argument at which its sigmoid is 0 (below zero) or 1 exactly, whatever the state adds to it."""


def _padded_layer(
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
    output, (_, *cell) = _layer(mode, x, state, weights, False)
    last = padded.last.reshape(1, batch, 1).expand(1, batch, output.size(-1))
    final = (output.gather(0, last).squeeze(0), *cell)
    return (turned(output) if reverse else output), final


class RNNBase(Module):
    """What the recurrent layers share: arguments and their checks, parameters, and the order of layers and directions.

    For each layer and direction: ``weight_ih_l{k}`` (gates * hidden_size, input), ``weight_hh_l{k}`` (gates *
    hidden_size, hidden_size), ``bias_ih_l{k}``, ``bias_hh_l{k}`` and, with ``proj_size``, ``weight_hr_l{k}``; the
    reverse direction's names end with ``_reverse``. All are drawn uniformly from ±1/sqrt(hidden_size).

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size: last dimension of the input.
        hidden_size: of the state.
        num_layers: how many layers, each of which reads the one before.
        bias: whether there are biases.
        batch_first: whether sequences are ``(N, T, *)`` rather than ``(T, N, *)``.
        dropout: probability with which outputs of all layers but the last are dropped in training.
        bidirectional: whether each layer also runs from the end.
        proj_size: size to which an LSTM's output is projected; 0 for none.
        device: where the parameters are.
        dtype: of the parameters.
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        gates = _GATES[mode] * hidden_size
        real_hidden = proj_size or hidden_size
        directions = 2 if bidirectional else 1
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            layer_input = input_size if layer == 0 else real_hidden * directions
            for direction in range(directions):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih_l": (gates, layer_input),
                    "weight_hh_l": (gates, real_hidden),
                }
                if bias:
                    shapes["bias_ih_l"] = shapes["bias_hh_l"] = (gates,)
                if proj_size > 0:
                    shapes["weight_hr_l"] = (proj_size, hidden_size)
                names = []
                for stem, shape in shapes.items():
                    names.append(f"{stem}{layer}" + ("_reverse" if direction else ""))
                    setattr(self, names[-1], Parameter(torch.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:  # type: ignore[operator]
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (
            ("input_size", int),
            ("hidden_size", int),
            ("num_layers", int),
            ("bias", bool),
            ("batch_first", bool),
            ("bidirectional", bool),
            ("proj_size", int),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, and the lists of weights that PyTorch keeps among them (for files that it reads)."""
        names, weights = self._flat_weights_names, self._flat_weights
        return {**super().__getstate__(), "_flat_weights_names": names, "_flat_weights": weights}

    def __setstate__(self, d: dict[str, Any]) -> None:
        super().__setstate__({k: v for k, v in d.items() if not k.startswith("_flat_weight")})

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Make the parameters one block of memory: nothing to do here, since programs are compiled as a whole."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless dtype, dimensions and last size of ``input`` fit."""
        weight = self._flat_weights[0]
        if input.dtype != weight.dtype and not _autocast_enabled():
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of a state for ``input``."""
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.size(0) if self.batch_first else input.size(1)
        directions = 2 if self.bidirectional else 1
        return (self.num_layers * directions, batch, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise unless ``hx`` has the shape expected."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit each other and the module."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in the order ``permutation``."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text

    def _weights_of(self, index: int) -> list[Tensor | None]:
        """``w_ih, w_hh, b_ih, b_hh, w_hr`` of one layer and direction; ``None`` for what there is not."""
        by_stem = {name.partition("_l")[0]: getattr(self, name) for name in self._all_weights[index]}
        return [by_stem.get(stem) for stem in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")]

    def _run(
        self, input: Tensor, state: tuple[Tensor, ...], batch_sizes: list[int] | None, padded: Padded | None = None
    ) -> Any:
        """All layers and directions over ``(T, N, I)`` or packed data: the output and the last states."""
        directions = 2 if self.bidirectional else 1
        finals: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                index = layer * directions + direction
                first = tuple(part[index] for part in state)
                weights = self._weights_of(index)
                if padded is not None:
                    output, final = _padded_layer(self.mode, input, padded, first, weights, bool(direction))
                elif batch_sizes is None:
                    output, final = _layer(self.mode, input, first, weights, bool(direction))
                else:
                    output, final = _packed_layer(self.mode, input, batch_sizes, first, weights, bool(direction))
                outputs.append(output)
                finals.append(final)
            input = outputs[0] if directions == 1 else torch.cat(outputs, dim=-1)
            if self.dropout > 0 and self.training and layer < self.num_layers - 1:
                if padded is not None:
                    input = padded.dropout(input, self.dropout)
                else:
                    input = F.dropout(input, self.dropout, training=True)
        return input, tuple(torch.stack(parts, dim=0) for parts in zip(*finals))

    def _check_state_dim(self, hx: Any, batched: bool) -> None:
        expected = 3 if batched else 2
        if hx.dim() != expected:
            what = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {what} input, hx should also be {expected}-D but got {hx.dim()}-D tensor")

    def _state(self, hx: Any) -> tuple[Tensor, ...]:
        """``hx`` as a tuple of its parts."""
        return (hx,)

    def _from_state(self, state: tuple[Tensor, ...]) -> Any:
        """The parts as what the module takes and returns."""
        return state[0]

    def _zero_state(self, like: Tensor, shape: tuple[int, int, int]) -> Any:
        return torch.zeros(shape, dtype=like.dtype, device=like.device)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The outputs of all steps and the last state.

        Args:
            input: ``(T, N, input_size)``, ``(N, T, input_size)`` with ``batch_first``, ``(T, input_size)``, or packed.
            hx: the first state, (layers * directions, N, hidden_size); zeros if left out.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            what = f"{input.dim()}D" if self.mode in ("LSTM", "GRU") else f"{input.dim()}D tensor"
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {what} instead")
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if hx is not None:
            self._check_state_dim(hx, batched)
        if not batched:
            input = input.unsqueeze(batch_dim)
        if hx is None:
            hx = self._zero_state(input, self.get_expected_hidden_size(input, None))
        elif not batched:
            hx = self._from_state(tuple(part.unsqueeze(1) for part in self._state(hx)))
        self.check_forward_args(input, hx, None)
        if self.batch_first:
            input = input.transpose(0, 1)
        output, state = self._run(input, self._state(hx), None)
        if self.batch_first:
            output = output.transpose(0, 1)
        if not batched:
            output = output.squeeze(batch_dim)
            state = tuple(part.squeeze(1) for part in state)
        return output, self._from_state(state)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        padded = packed._padded
        if padded is not None and padded.values.dim() == 3:
            return self._forward_padded(padded, packed, hx)
        data, batch_sizes, sorted_indices, unsorted_indices = packed
        if hx is None:
            hx = self._zero_state(data, self.get_expected_hidden_size(data, batch_sizes))
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        output, state = self._run(data, self._state(hx), batch_sizes.tolist())
        result = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
        return result, self.permute_hidden(self._from_state(state), unsorted_indices)

    def _forward_padded(self, padded: Padded, packed: PackedSequence, hx: Any) -> Any:
        batch_sizes, sorted_indices, unsorted_indices = (
            packed.batch_sizes,
            packed.sorted_indices,
            packed.unsorted_indices,
        )
        first = padded.values[0]
        if hx is None:
            hx = self._zero_state(first, self.get_expected_hidden_size(first, batch_sizes))
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(first, hx, batch_sizes)
        output, state = self._run(padded.filled(0.0), self._state(hx), None, padded)
        result = PackedSequence.from_padded(padded.with_values(output), batch_sizes, sorted_indices, unsorted_indices)
        return result, self.permute_hidden(self._from_state(state), unsorted_indices)


class RNN(RNNBase):
    """hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), or with max(0, ·) for tanh.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        num_layers: how many layers, each of which reads the one before.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: whether there are biases.
        batch_first: whether sequences are ``(N, T, *)`` rather than ``(T, N, *)``.
        dropout: probability with which outputs of all layers but the last are dropped in training.
        bidirectional: whether each layer also runs from the end.
        device: where the parameters are.
        dtype: of the parameters.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    i, f, o = sigmoid(·) and g = tanh(·) of W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh, its rows in the order i, f, g, o;
    cₜ = f cₜ₋₁ + i g; hₜ = o tanh(cₜ), with ``proj_size`` then W_hr hₜ.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        num_layers: how many layers, each of which reads the one before.
        bias: whether there are biases.
        batch_first: whether sequences are ``(N, T, *)`` rather than ``(T, N, *)``.
        dropout: probability with which outputs of all layers but the last are dropped in training.
        bidirectional: whether each layer also runs from the end.
        proj_size: size to which h is projected; 0 for none.
        device: where the parameters are.
        dtype: of the parameters.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of c for ``input``."""
        layers, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        return (layers, batch, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit each other and the module."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(
            hidden[0], self.get_expected_hidden_size(input, batch_sizes), "Expected hidden[0] size {}, got {}"
        )
        self.check_hidden_size(
            hidden[1], self.get_expected_cell_size(input, batch_sizes), "Expected hidden[1] size {}, got {}"
        )

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in the order ``permutation``."""
        if permutation is None:
            return hx
        return hx[0].index_select(1, permutation), hx[1].index_select(1, permutation)

    def _check_state_dim(self, hx: Any, batched: bool) -> None:
        expected = 3 if batched else 2
        if hx[0].dim() != expected or hx[1].dim() != expected:
            what = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {what} input, hx and cx should also be {expected}-D "
                f"but got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )

    def _state(self, hx: Any) -> tuple[Tensor, ...]:
        return tuple(hx)

    def _from_state(self, state: tuple[Tensor, ...]) -> Any:
        return state

    def _zero_state(self, like: Tensor, shape: tuple[int, int, int]) -> Any:
        h = super()._zero_state(like, shape)
        return h, torch.zeros((*shape[:2], self.hidden_size), dtype=like.dtype, device=like.device)


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al., 2014).

    r, z = sigmoid(W_i· xₜ + b_i· + W_h· hₜ₋₁ + b_h·); n = tanh(W_in xₜ + b_in + r (W_hn hₜ₋₁ + b_hn));
    hₜ = (1 - z) n + z hₜ₋₁. The weights' rows are in the order r, z, n.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        num_layers: how many layers, each of which reads the one before.
        bias: whether there are biases.
        batch_first: whether sequences are ``(N, T, *)`` rather than ``(T, N, *)``.
        dropout: probability with which outputs of all layers but the last are dropped in training.
        bidirectional: whether each layer also runs from the end.
        device: where the parameters are.
        dtype: of the parameters.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share: parameters as in a layer, and checks.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        bias: whether there are biases.
        num_chunks: how many gates.
        device: where the parameters are.
        dtype: of the parameters.
    """

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(torch.empty((gates, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(torch.empty((gates, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            if bias:
                setattr(self, name, Parameter(torch.empty(gates, device=device, dtype=dtype)))
            else:
                self.register_parameter(name, None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        if nonlinearity != "tanh":
            text += f", nonlinearity={nonlinearity}"
        return text

    def _step(self, mode: str, input: Tensor, state: Iterable[Tensor] | None, names: tuple[str, ...]) -> Any:
        """One step of ``(N, input_size)`` or ``(input_size,)``: the new state."""
        title = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{title}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        parts = None if state is None else tuple(state)
        for name, part in zip(names, parts or ()):
            if part.dim() not in (1, 2):
                raise ValueError(f"{title}: Expected {name} to be 1D or 2D, got {part.dim()}D instead")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if parts is None:
            zeros = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            parts = (zeros,) * len(names)
        elif not batched:
            parts = tuple(part.unsqueeze(0) for part in parts)
        if input.size(1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}")
        for index, part in enumerate(parts):
            if input.size(0) != part.size(0):
                raise RuntimeError(
                    f"Input batch size {input.size(0)} doesn't match hidden{index} batch size {part.size(0)}"
                )
            if part.dim() != 2 or part.size(1) != self.hidden_size:
                raise RuntimeError(
                    f"hidden{index} has inconsistent hidden_size: got {part.size(1)}, expected {self.hidden_size}"
                )
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None]
        _, new = _layer(mode, input.unsqueeze(0), parts, weights, False)
        return new if batched else tuple(part.squeeze(0) for part in new)


class RNNCell(RNNCellBase):
    """One step h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with max(0, ·) for tanh.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        bias: whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        device: where the parameters are.
        dtype: of the parameters.
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state from ``(N, input_size)`` and ``(N, hidden_size)``, or without N."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        mode = "RNN_TANH" if self.nonlinearity == "tanh" else "RNN_RELU"
        return self._step(mode, input, None if hx is None else (hx,), ("hidden",))[0]


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        bias: whether there are biases.
        device: where the parameters are.
        dtype: of the parameters.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The next h and c from ``(N, input_size)`` and (h, c) of ``(N, hidden_size)`` each, or without N."""
        return self._step("LSTM", input, hx, ("hx[0]", "hx[1]"))


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`.

    Args:
        input_size: last dimension of the input.
        hidden_size: of the state.
        bias: whether there are biases.
        device: where the parameters are.
        dtype: of the parameters.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state from ``(N, input_size)`` and ``(N, hidden_size)``, or without N."""
        return self._step("GRU", input, None if hx is None else (hx,), ("hidden",))[0]
