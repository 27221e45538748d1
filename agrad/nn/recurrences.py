"""The step of each kind of recurrent network, shared by the layers and the cells."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.tensor import Tensor
from ..ops.activations import relu, sigmoid
from ..ops.elementwise import tanh
from ..ops.manipulation import reshape, squeeze, unstack
from .functional import linear_maps as F

__all__ = ["ElmanRecurrence", "GRURecurrence", "LSTMRecurrence", "Recurrence", "State"]

State = tuple[Tensor, ...]


class Recurrence:
    """The base class of steps: a subclass sets the numbers of gates and states, and defines `step`."""

    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1
    hidden_size: int

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next state, of the shapes of `state`; the others are from `by_gate`."""
        raise NotImplementedError

    def by_gate(self, x: Any, weight: Any, bias: Any) -> Tensor:
        """Return the linear map of an input or a hidden state for all gates, ``(..., gates, hidden_size)``."""
        return reshape(F.linear(x, weight, bias), (*x.shape[:-1], self.gates, self.hidden_size))


class ElmanRecurrence(Recurrence):
    """The step of `RNN` and `RNNCell`."""

    nonlinearity: str

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next hidden state."""
        total = squeeze(from_input + from_state, axis=1)
        return (tanh(total) if self.nonlinearity == "tanh" else relu(total),)


class LSTMRecurrence(Recurrence):
    """The step of `LSTM` and `LSTMCell`."""

    gates = 4
    states = 2

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next hidden and cell state."""
        i, f, g, o = unstack(from_input + from_state, axis=1)
        cell = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(cell), cell


class GRURecurrence(Recurrence):
    """The step of `GRU` and `GRUCell`."""

    gates = 3

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next hidden state."""
        r, z, n = unstack(from_input, axis=1)
        state_r, state_z, state_n = unstack(from_state, axis=1)
        z = sigmoid(z + state_z)
        return ((1 - z) * tanh(n + sigmoid(r + state_r) * state_n) + z * state[0],)
