"""Recurrent layers: one layer, in one direction, over a whole sequence.

A layer turns its inputs into gates for all steps at once; what is left is a loop over the steps. Each cell is a formula
on tensors. The cell that is used most, the LSTM's, has besides a kernel of its own for the whole loop and its gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay_reference import autograd
from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.grad_mode import enable_grad, records
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.linear import linear
from assay_reference.ops.joining import cat, stack

State = tuple[Tensor, ...]


class Weights(NamedTuple):
    """The parameters of a layer in one direction: from the input, from the state before, and what projects a state."""

    ih: Tensor
    hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    hr: Tensor | None = None


# -- the cells: what one step makes of the gates of its input, and of the state before --------------------------------


def tanh_cell(gates: Tensor, state: State, weights: Weights) -> State:
    return ((gates + linear(state[0], weights.hh, weights.b_hh)).tanh(),)


def relu_cell(gates: Tensor, state: State, weights: Weights) -> State:
    return ((gates + linear(state[0], weights.hh, weights.b_hh)).relu(),)


def gru_cell(gates: Tensor, state: State, weights: Weights) -> State:
    reset, update, new = gates.chunk(3, -1)
    h_reset, h_update, h_new = linear(state[0], weights.hh, weights.b_hh).chunk(3, -1)
    kept = (update + h_update).sigmoid()
    candidate = (new + (reset + h_reset).sigmoid() * h_new).tanh()
    return ((state[0] - candidate) * kept + candidate,)


def lstm_cell(gates: Tensor, state: State, weights: Weights) -> State:
    hidden, cell = state
    enter, forget, candidate, leave = (gates + linear(hidden, weights.hh, weights.b_hh)).chunk(4, -1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
    hidden = leave.sigmoid() * cell.tanh()
    return (hidden if weights.hr is None else linear(hidden, weights.hr)), cell


CELLS = {"RNN_TANH": tanh_cell, "RNN_RELU": relu_cell, "GRU": gru_cell, "LSTM": lstm_cell}


def step_by_step(mode: str, gates: Iterable[Tensor], start: State, weights: Weights) -> tuple[list[Tensor], State]:
    """Run a cell over the gates of each step; return all its hidden states, and the last state of each sequence.

    A step may have fewer sequences than the one before, whose last ones have ended, or more, whose last ones begin.
    """
    outputs: list[Tensor] = []
    ended: list[State] = []
    state: State | None = None
    for each in gates:
        count = len(each)
        if state is None:
            state = tuple(part[:count] for part in start)
        elif count < len(state[0]):
            ended.insert(0, tuple(part[count:] for part in state))
            state = tuple(part[:count] for part in state)
        elif count > len(state[0]):
            state = tuple(cat([part, new[len(part) : count]]) for part, new in zip(state, start, strict=True))
        state = CELLS[mode](each, state, weights)
        outputs.append(state[0])
    assert state is not None
    return outputs, tuple(map(cat, zip(state, *ended, strict=True))) if ended else state


# -- the LSTM's loop as one kernel ------------------------------------------------------------------------------------


def sigmoid_into(array: Array) -> None:
    """Apply the logistic function 1 / (1 + exp(-x)) in place."""
    array *= -1  # NumPy 2.4 negates a column of float32 wrongly in place
    np.exp(array, out=array)
    array += 1
    np.reciprocal(array, out=array)


@op(function=False, method=False, node="LstmBackward0")
def lstm_sequence(gates: Array, hh: Array, hidden: Array, cell: Array) -> Any:
    """Return for each step the hidden state, the cell's state, and what its gates let through."""
    size = hidden.shape[-1]
    let, outputs, cells = np.empty_like(gates), *(np.empty_like(gates, shape=(*gates.shape[:2], size)) for _ in "hc")
    across, scratch = hh.T.copy(), np.empty_like(hidden)
    for step, each in enumerate(let):
        np.matmul(hidden, across, out=each)
        each += gates[step]
        enter, forget, candidate, leave = (each[:, at * size : (at + 1) * size] for at in range(4))
        sigmoid_into(each[:, : 2 * size])
        np.tanh(candidate, out=candidate)
        sigmoid_into(leave)
        cell = np.multiply(forget, cell, out=cells[step])
        cell += np.multiply(enter, candidate, out=scratch)
        hidden = np.multiply(leave, np.tanh(cell, out=scratch), out=outputs[step])
    return outputs, cells, let


@op(function=False, method=False)
def lstm_gates(
    d_outputs: Array, d_cells: Array, cells: Array, let: Array, hh: Array, cell: Array
) -> tuple[Array, Array, Array]:
    """Send gradients of the states back to the gates, and to the state before the first step."""
    size = cell.shape[-1]
    d_gates, d_hidden, d_cell = np.empty_like(let), np.zeros_like(cell), np.zeros_like(cell)
    for step in range(len(let) - 1, -1, -1):
        enter, forget, candidate, leave = (let[step, :, at * size : (at + 1) * size] for at in range(4))
        before, shown, each = cells[step - 1] if step else cell, np.tanh(cells[step]), d_gates[step]
        d_hidden += d_outputs[step]
        d_cell += d_cells[step]
        d_cell += d_hidden * leave * (1 - shown * shown)
        each[:, :size] = d_cell * candidate * enter * (1 - enter)
        each[:, size : 2 * size] = d_cell * before * forget * (1 - forget)
        each[:, 2 * size : 3 * size] = d_cell * enter * (1 - candidate * candidate)
        each[:, 3 * size :] = d_hidden * shown * leave * (1 - leave)
        d_cell *= forget
        np.matmul(each, hh, out=d_hidden)
    return d_gates, d_hidden, d_cell


@lstm_sequence.vjp
def lstm_sequence_vjp(
    grad: tuple[Tensor, ...], out: tuple[Tensor, ...], gates: Tensor, hh: Tensor, hidden: Tensor, cell: Tensor
) -> tuple[Tensor, ...]:
    if records():
        return through_the_steps(grad, gates, hh, hidden, cell)
    outputs, cells, let = out
    d_gates, d_hidden, d_cell = lstm_gates(grad[0], grad[1], cells, let, hh, cell)
    before = cat([hidden.unsqueeze(0), outputs[:-1]])
    return d_gates, d_gates.flatten(0, 1).t() @ before.flatten(0, 1), d_hidden, d_cell


def through_the_steps(grad: tuple[Tensor, ...], *operands: Tensor) -> tuple[Tensor, ...]:
    """Return gradients that have gradients themselves: those of the cell's formula, run step by step."""
    with enable_grad():
        # Aliases, so that what an operand does by way of another is not counted with it.
        aliases = [each.view_as(each) if each.requires_grad else each.detach().requires_grad_() for each in operands]
        gates, hh, *state = aliases
        states = []
        for each in gates:
            state = list(lstm_cell(each, tuple(state), Weights(hh, hh)))
            states.append(state)
        outputs, cells = (stack(each) for each in zip(*states, strict=True))
        grads: tuple[Any, ...] = autograd.grad([outputs, cells], aliases, grad[:2], create_graph=True)
    return grads


# -- a layer ----------------------------------------------------------------------------------------------------------


def recurrent_layer(
    mode: str, input: Tensor, state: State, weights: Weights, *, reverse: bool = False
) -> tuple[Tensor, State]:
    """Run a layer over a sequence (steps, batch, features), forwards or backwards."""
    if reverse:
        output, state = recurrent_layer(mode, input.flip(0), state, weights)
        return output.flip(0), state
    if mode != "LSTM" or weights.hr is not None:
        outputs, state = step_by_step(mode, linear(input, weights.ih, weights.b_ih), state, weights)
        return stack(outputs), state
    bias = None if weights.b_ih is None else weights.b_ih + weights.b_hh
    outputs, cells, _ = lstm_sequence(linear(input, weights.ih, bias), weights.hh, *state)
    return outputs, (outputs[-1], cells[-1])


def packed_layer(
    mode: str, data: Tensor, sizes: Sequence[int], state: State, weights: Weights, *, reverse: bool = False
) -> tuple[Tensor, State]:
    """Run a layer over a packed batch (all steps, features), of which step after step has so many sequences."""
    steps = linear(data, weights.ih, weights.b_ih).split(list(sizes))
    outputs, state = step_by_step(mode, steps[::-1] if reverse else steps, state, weights)
    return cat(outputs[::-1] if reverse else outputs), state
