"""Recurrent layers and their cells.

One layer and direction is one operation (a scan over the sequence); this file arranges layers, directions and batches.
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import functional as F
from torchax_lite.nn import init
from torchax_lite.nn.modules._rnn_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from torchax_lite.nn.modules._rnn_layers import GATES, run_layer, run_packed_layer, run_padded_layer
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.modules.utils import _autocast_enabled
from torchax_lite.nn.parameter import Parameter
from torchax_lite.nn.utils.rnn import PackedSequence, Padded

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]


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
        gates = GATES[mode] * hidden_size
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
        if self.mode not in GATES:
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
                    output, final = run_padded_layer(self.mode, input, padded, first, weights, bool(direction))
                elif batch_sizes is None:
                    output, final = run_layer(self.mode, input, first, weights, bool(direction))
                else:
                    output, final = run_packed_layer(self.mode, input, batch_sizes, first, weights, bool(direction))
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


for _cell in (RNNCellBase, RNNCell, LSTMCell, GRUCell):
    _cell.__module__ = __name__  # where PyTorch's pickles have them
