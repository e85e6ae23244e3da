"""Recurrent layers: one scan for a layer and direction, with a derivative that gathers each weight's gradient in one
matrix product outside the scan.

Arrays are time first: input ``(T, N, I)``, state ``(N, H)``. The input projection is one matrix product over all
steps; the scan carries only the recurrent part.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from .registry import op
from .samples import T, cases


def _project(input, w_ih, b_ih, *more):
    """``input @ w_ih^T`` plus biases, for all steps at once."""
    out = lax.dot_general(input, w_ih, (((2,), (1,)), ((), ())))
    for b in (b_ih, *more):
        if b is not None:
            out = out + b
    return out


def _rows(x):
    return x.reshape(-1, x.shape[-1])


def _outer_sum(left, right):
    """``sum_t left_t^T right_t``: a weight's gradient over all steps in one product."""
    return lax.dot_general(_rows(left), _rows(right), (((0,), (0,)), ((), ())))


def _previous(states, first, reverse: bool):
    """The state each step started from."""
    if reverse:
        return jnp.concatenate([states[1:], first[None]])
    return jnp.concatenate([first[None], states[:-1]])


def _last(states, reverse: bool):
    return states[0] if reverse else states[-1]


def _check_sizes(input, h0, w_ih, w_hh, gates: int, size: int) -> None:
    if input.ndim != 3:
        raise RuntimeError(f"RNN: Expected input to be 3D, got {input.ndim}D instead")
    if input.shape[2] != w_ih.shape[1]:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {w_ih.shape[1]}, got {input.shape[2]}"
        )
    if w_ih.shape[0] != gates * size or w_hh.shape[0] != gates * size:
        raise RuntimeError(f"Expected weights of {gates * size} rows, got {w_ih.shape[0]} and {w_hh.shape[0]}")
    if h0.shape != (input.shape[1], w_hh.shape[1]):
        raise RuntimeError(f"Expected hidden size {(1, input.shape[1], w_hh.shape[1])}, got {[1, *h0.shape]}")
    if not input.shape[0]:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")


# ---------------------------------------------------------------- LSTM
def lstm_step(h, c, gates, w_hh, w_hr):
    """One LSTM step from the projected input: new state, new cell, activated gates and ``tanh`` of the cell."""
    i, f, g, o = jnp.split(gates + h @ w_hh.T, 4, axis=-1)
    i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
    c = f * c + i * g
    squashed = jnp.tanh(c)
    h = o * squashed
    return h if w_hr is None else h @ w_hr.T, c, (i, f, g, o), squashed


def _lstm_run(x, h0, c0, w_hh, w_hr, reverse):
    def step(state, gates):
        h, c, activated, squashed = lstm_step(*state, gates, w_hh, w_hr)
        return (h, c), (h, c, jnp.concatenate(activated, -1), squashed)

    _, kept = lax.scan(step, (h0, c0), x, reverse=reverse)
    return kept


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def _lstm(x, h0, c0, w_hh, w_hr, reverse):
    """Outputs, last state and last cell from the projected inputs ``(T, N, 4H)``."""
    hs, cs, _, _ = _lstm_run(x, h0, c0, w_hh, w_hr, reverse)
    return hs, _last(hs, reverse), _last(cs, reverse)


def _lstm_forward(x, h0, c0, w_hh, w_hr, reverse):
    hs, cs, gates, squashed = _lstm_run(x, h0, c0, w_hh, w_hr, reverse)
    return (hs, _last(hs, reverse), _last(cs, reverse)), (h0, c0, w_hh, w_hr, hs, cs, gates, squashed)


def _lstm_backward(reverse, kept, cts):
    h0, c0, w_hh, w_hr, hs, cs, gates, squashed = kept
    d_hs, d_last_h, d_last_c = cts

    def step(carry, at):
        dh, dc = carry
        d_out, act, tc, before = at
        i, f, g, o = jnp.split(act, 4, axis=-1)
        dh = dh + d_out
        d_state = dh
        if w_hr is not None:
            dh = dh @ w_hr
        dc = dc + dh * o * (1 - tc * tc)
        d_gates = jnp.concatenate(
            [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), dh * tc * o * (1 - o)], -1
        )
        return (d_gates @ w_hh, dc * f), (d_gates, d_state)

    cells_before = _previous(cs, c0, reverse)
    (dh0, dc0), (d_gates, d_states) = lax.scan(
        step, (d_last_h, d_last_c), (d_hs, gates, squashed, cells_before), reverse=not reverse
    )
    dw_hh = _outer_sum(d_gates, _previous(hs, h0, reverse))
    dw_hr = None
    if w_hr is not None:
        o = jnp.split(gates, 4, axis=-1)[3]
        dw_hr = _outer_sum(d_states, o * squashed)
    return d_gates, dh0, dc0, dw_hh, dw_hr


_lstm.defvjp(_lstm_forward, _lstm_backward)


@op(
    "lstm_layer(Tensor input, Tensor h0, Tensor c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "Tensor? w_hr=None, bool reverse=False) -> (Tensor output, Tensor h_n, Tensor c_n)",
    method=False, out=False, namespaces=("_ops",), keep_residuals=True, grad_name="MkldnnRnnLayerBackward0",
    samples=cases(
        (T((3, 2, 4)), T((2, 5)), T((2, 5)), T((20, 4)), T((20, 5)), T((20,)), T((20,))),
        (T((3, 2, 4)), T((2, 3)), T((2, 5)), T((20, 4)), T((20, 3)), None, None, T((3, 5)), True),
    ),
)  # fmt: skip
def lstm_layer(input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, reverse):
    """One LSTM layer in one direction (gates in the order i, f, g, o); ``w_hr`` projects the state."""
    _check_sizes(input, h0, w_ih, w_hh, 4, c0.shape[-1])
    return _lstm(_project(input, w_ih, b_ih, b_hh), h0, c0, w_hh, w_hr, reverse)


# ---------------------------------------------------------------- GRU
def gru_step(h, x, w_hh, b_hh):
    """One GRU step from the projected input: new state, gates ``(r, z, n)`` and the recurrent part of ``n``."""
    rec = h @ w_hh.T
    if b_hh is not None:
        rec = rec + b_hh
    x_r, x_z, x_n = jnp.split(x, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(rec, 3, axis=-1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + r * h_n)
    return n + z * (h - n), (r, z, n), h_n


def _gru_run(x, h0, w_hh, b_hh, reverse):
    def step(h, xt):
        h, gates, recurrent = gru_step(h, xt, w_hh, b_hh)
        return h, (h, jnp.concatenate(gates, -1), recurrent)

    return lax.scan(step, h0, x, reverse=reverse)[1]


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def _gru(x, h0, w_hh, b_hh, reverse):
    """Outputs and last state from the projected inputs ``(T, N, 3H)``."""
    hs = _gru_run(x, h0, w_hh, b_hh, reverse)[0]
    return hs, _last(hs, reverse)


def _gru_forward(x, h0, w_hh, b_hh, reverse):
    hs, gates, recurrent = _gru_run(x, h0, w_hh, b_hh, reverse)
    return (hs, _last(hs, reverse)), (h0, w_hh, b_hh, hs, gates, recurrent)


def _gru_backward(reverse, kept, cts):
    h0, w_hh, b_hh, hs, gates, recurrent = kept
    before = _previous(hs, h0, reverse)

    def step(dh, at):
        d_out, act, h_n, h = at
        r, z, n = jnp.split(act, 3, axis=-1)
        dh = dh + d_out
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        d_rec = jnp.concatenate([dr, dz, dn * r], -1)
        return d_rec @ w_hh + dh * z, (jnp.concatenate([dr, dz, dn], -1), d_rec)

    dh0, (dx, d_rec) = lax.scan(step, cts[1], (cts[0], gates, recurrent, before), reverse=not reverse)
    return dx, dh0, _outer_sum(d_rec, before), None if b_hh is None else jnp.sum(d_rec, (0, 1))


_gru.defvjp(_gru_forward, _gru_backward)


@op(
    "gru_layer(Tensor input, Tensor h0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "bool reverse=False) -> (Tensor output, Tensor h_n)",
    method=False, out=False, namespaces=("_ops",), keep_residuals=True,
    samples=cases(
        (T((3, 2, 4)), T((2, 5)), T((15, 4)), T((15, 5)), T((15,)), T((15,))),
        (T((3, 2, 4)), T((2, 5)), T((15, 4)), T((15, 5)), None, None, True),
    ),
)  # fmt: skip
def gru_layer(input, h0, w_ih, w_hh, b_ih, b_hh, reverse):
    """One GRU layer in one direction (gates in the order r, z, n)."""
    _check_sizes(input, h0, w_ih, w_hh, 3, h0.shape[-1])
    return _gru(_project(input, w_ih, b_ih), h0, w_hh, b_hh, reverse)


# ---------------------------------------------------------------- plain RNN
def _squash(x, nonlinearity: str):
    return jnp.tanh(x) if nonlinearity == "tanh" else jnp.maximum(x, 0)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _rnn(x, h0, w_hh, nonlinearity, reverse):
    """Outputs and last state from the projected inputs ``(T, N, H)``."""

    def step(h, xt):
        h = _squash(xt + h @ w_hh.T, nonlinearity)
        return h, h

    last, hs = lax.scan(step, h0, x, reverse=reverse)
    return hs, last


def _rnn_forward(x, h0, w_hh, nonlinearity, reverse):
    hs, last = _rnn(x, h0, w_hh, nonlinearity, reverse)
    return (hs, last), (h0, w_hh, hs)


def _rnn_backward(nonlinearity, reverse, kept, cts):
    h0, w_hh, hs = kept

    def step(dh, at):
        d_out, h = at
        dh = dh + d_out
        dx = dh * (1 - h * h) if nonlinearity == "tanh" else jnp.where(h > 0, dh, 0)
        return dx @ w_hh, dx

    dh0, dx = lax.scan(step, cts[1], (cts[0], hs), reverse=not reverse)
    return dx, dh0, _outer_sum(dx, _previous(hs, h0, reverse))


_rnn.defvjp(_rnn_forward, _rnn_backward)


@op(
    "rnn_layer(Tensor input, Tensor h0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "str nonlinearity='tanh', bool reverse=False) -> (Tensor output, Tensor h_n)",
    method=False, out=False, namespaces=("_ops",), keep_residuals=True,
    samples=cases(
        (T((3, 2, 4)), T((2, 5)), T((5, 4)), T((5, 5)), T((5,)), T((5,))),
        (T((3, 2, 4)), T((2, 5)), T((5, 4)), T((5, 5)), None, None, "relu", True),
    ),
)  # fmt: skip
def rnn_layer(input, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, reverse):
    """One Elman layer in one direction: ``h = tanh(x w_ih^T + b_ih + h w_hh^T + b_hh)`` (or relu)."""
    if nonlinearity not in ("tanh", "relu"):
        raise RuntimeError(f"Unknown nonlinearity: {nonlinearity}")
    _check_sizes(input, h0, w_ih, w_hh, 1, h0.shape[-1])
    return _rnn(_project(input, w_ih, b_ih, b_hh), h0, w_hh, nonlinearity, reverse)


# ---------------------------------------------------------------- cells
def _check_cell(input, h, w_ih, w_hh) -> None:
    if input.ndim != 2 or h.ndim != 2:
        raise RuntimeError("Expected 2D input and state; unbatched ones are given a batch dim by the caller")
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")
    if input.shape[0] != h.shape[0]:
        raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden0 batch size {h.shape[0]}")
    if h.shape[1] != w_hh.shape[1]:
        raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {h.shape[1]}, expected {w_hh.shape[1]}")


@op(
    "lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) "
    "-> (Tensor, Tensor)",
    method=False, out=False, grad_name="MulBackward0",
    samples=cases((T((2, 4)), [T((2, 5)), T((2, 5))], T((20, 4)), T((20, 5)), T((20,)), T((20,)))),
)  # fmt: skip
def lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One LSTM step: the new hidden state and cell."""
    h, c = hx
    _check_cell(input, h, w_ih, w_hh)
    h, c, _, _ = lstm_step(h, c, _project(input[None], w_ih, b_ih, b_hh)[0], w_hh, None)
    return h, c


@op(
    "gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
    method=False, out=False, grad_name="AddBackward0",
    samples=cases((T((2, 4)), T((2, 5)), T((15, 4)), T((15, 5)), T((15,)), T((15,)))),
)  # fmt: skip
def gru_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One GRU step."""
    _check_cell(input, hx, w_ih, w_hh)
    return gru_step(hx, _project(input[None], w_ih, b_ih)[0], w_hh, b_hh)[0]


@op(
    "rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
    method=False, out=False, grad_name="TanhBackward0",
    samples=cases((T((2, 4)), T((2, 5)), T((5, 4)), T((5, 5)), T((5,)), T((5,)))),
)  # fmt: skip
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One Elman step with ``tanh``."""
    _check_cell(input, hx, w_ih, w_hh)
    return jnp.tanh(_project(input[None], w_ih, b_ih, b_hh)[0] + hx @ w_hh.T)


@op(
    "rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
    method=False, out=False, grad_name="ReluBackward0",
    samples=cases((T((2, 4)), T((2, 5)), T((5, 4)), T((5, 5)), T((5,)), T((5,)))),
)  # fmt: skip
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One Elman step with ``relu``."""
    _check_cell(input, hx, w_ih, w_hh)
    return jax.nn.relu(_project(input[None], w_ih, b_ih, b_hh)[0] + hx @ w_hh.T)
