"""One step of recurrent nets: RNNCell, LSTMCell, GRUCell."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torchax_lite as torch
from torchax_lite import Tensor
from torchax_lite.nn import init
from torchax_lite.nn.modules._rnn_layers import run_layer
from torchax_lite.nn.modules.module import Module
from torchax_lite.nn.parameter import Parameter


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
        _, new = run_layer(mode, input.unsqueeze(0), parts, weights, False)
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
