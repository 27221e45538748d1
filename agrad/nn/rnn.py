"""The recurrent layers RNN, LSTM and GRU."""

from __future__ import annotations

from math import sqrt
from typing import Any

from ..checks import check_integers, check_number
from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.activations import relu, sigmoid
from ..ops.creation import empty, zeros
from ..ops.elementwise import tanh
from ..ops.manipulation import concat, expand_dims, flip, moveaxis, reshape, squeeze, stack, unstack
from . import functional as F
from . import init
from .checks import check_tensors
from .module import Module
from .parameter import Parameter

__all__ = ["GRU", "LSTM", "RNN"]

State = tuple[Tensor, ...]


class _Recurrent(Module):
    """The base class of recurrent layers: parameters, layers, directions and the loop over the sequence.

    A subclass sets the number of gates and of state Tensors, and defines `step`.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: str | Device | None,
        dtype: Any,
    ) -> None:
        super().__init__()
        check_integers(0, input_size=input_size)
        check_integers(1, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bidirectional = num_layers, bidirectional
        self.bias, self.batch_first = bias, batch_first
        self.dropout = check_number("dropout", dropout, 0, 1)
        self._ends = ("", "_reverse") if bidirectional else ("",)
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            size = hidden_size * len(self._ends) if layer else input_size
            for end in self._ends:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, size), "weight_hh": (rows, hidden_size)}
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{end}", Parameter(empty(shape, dtype=dtype, device=device)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next state.

        `from_input` and `from_state` are the gates' sums, ``(batch, gates, hidden_size)``; each Tensor of the state is
        ``(batch, hidden_size)``.
        """
        raise NotImplementedError

    def _run(self, input: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Return the outputs of the last layer, and the last states of all layers."""
        check_tensors(input=input)
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            order = "batch, length" if self.batch_first else "length, batch"
            raise ValueError(
                f"{type(self).__name__} takes an input of shape ({order}, {self.input_size}), or without the batch; "
                f"it has {input.shape}"
            )
        batched = input.ndim == 3
        x = input if batched else expand_dims(input, axis=1)
        x = moveaxis(x, 0, 1) if batched and self.batch_first else x
        if not x.shape[0]:
            raise ValueError(f"a sequence needs at least one element; the input has shape {input.shape}")
        starts = self._starts(x, state, batched)
        lasts: list[State] = []
        for layer in range(self.num_layers):
            x = F.dropout(x, self.dropout, self.training) if layer else x
            directions = []
            for end in self._ends:
                start = tuple(part[len(lasts)] for part in starts)
                outputs, last = self._walk(flip(x, axis=0) if end else x, start, f"_l{layer}{end}")
                directions.append(flip(outputs, axis=0) if end else outputs)
                lasts.append(last)
            x = concat(directions, axis=-1) if len(directions) > 1 else directions[0]
        finals = tuple(stack(parts) for parts in zip(*lasts, strict=True))
        if not batched:
            return squeeze(x, axis=1), tuple(squeeze(part, axis=1) for part in finals)
        return (moveaxis(x, 0, 1) if self.batch_first else x), finals

    def _starts(self, x: Tensor, state: State | None, batched: bool) -> State:
        """Return the initial states, each ``(layers * directions, batch, hidden_size)``."""
        shape = (self.num_layers * len(self._ends), x.shape[1], self.hidden_size)
        if state is None:
            return tuple(zeros(shape, dtype=x.dtype, device=x.device) for _ in range(self.states))
        expected = shape if batched else (shape[0], shape[2])
        for part in state:
            check_tensors(hx=part)
            if part.shape != expected:
                raise ValueError(f"an initial state must have shape {expected} for this input, not {part.shape}")
        return state if batched else tuple(expand_dims(part, axis=1) for part in state)

    def _walk(self, x: Tensor, state: State, end: str) -> tuple[Tensor, State]:
        """Run one layer in one direction over a sequence; return the stacked outputs and the last state."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, name + end, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        by_gate = (x.shape[1], self.gates, self.hidden_size)
        outputs = []
        for element in unstack(reshape(F.linear(x, weight_ih, bias_ih), (x.shape[0], *by_gate))):
            state = self.step(element, reshape(F.linear(state[0], weight_hh, bias_hh), by_gate), state)
            outputs.append(state[0])
        return stack(outputs), state

    def extra_repr(self) -> str:
        """Return the settings."""
        parts = [str(self.input_size), str(self.hidden_size)]
        parts += [f"num_layers={self.num_layers}"] if self.num_layers != 1 else []
        parts += ["bias=False"] if not self.bias else []
        parts += ["batch_first=True"] if self.batch_first else []
        parts += [f"dropout={self.dropout}"] if self.dropout else []
        parts += ["bidirectional=True"] if self.bidirectional else []
        return ", ".join(parts)


class RNN(_Recurrent):
    """An Elman recurrent network: ``h = tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)`` at each step.

    Parameters
    ----------
    input_size, hidden_size, num_layers
        As in `LSTM`.
    nonlinearity : {"tanh", "relu"}
        The activation.
    bias, batch_first, dropout, bidirectional, device, dtype
        As in `LSTM`.

    Raises
    ------
    ValueError
        As `LSTM`, and if `nonlinearity` is unknown.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> outputs, last = nn.RNN(3, 5)(agrad.ones((7, 2, 3)))
    >>> outputs.shape, last.shape
    ((7, 2, 5), (1, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)
        self.nonlinearity = nonlinearity

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next state."""
        total = squeeze(from_input + from_state, axis=1)
        return (tanh(total) if self.nonlinearity == "tanh" else relu(total),)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the outputs and the last state; see `LSTM.forward`, with one Tensor for a state."""
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last


class LSTM(_Recurrent):
    """A long short-term memory (LSTM) network of one or more layers.

    Parameters
    ----------
    input_size : int
        The number of features of the input.
    hidden_size : int
        The number of features of the hidden state.
    num_layers : int
        The number of layers: the outputs of each are the inputs of the next.
    bias : bool
        Whether to add learnable biases.
    batch_first : bool
        Whether sequences are ``(batch, length, features)`` instead of ``(length, batch, features)``.
    dropout : float
        The dropout probability of the outputs of each layer but the last, while training.
    bidirectional : bool
        Whether each layer also runs over the reversed sequence; its outputs are concatenated to the others.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 : Parameter
        Of the first layer: the weights of the input, ``(gates * hidden_size, input_size)``, and of the hidden state,
        ``(gates * hidden_size, hidden_size)``, and their biases. The number is that of the layer; the names of the
        reverse direction end in ``_reverse``.

    Raises
    ------
    ValueError
        If a setting is out of range; on call, if the shapes do not match.

    Notes
    -----
    With ``i, f, g, o`` the sums of the four gates, ``c = sigmoid(f) * c + sigmoid(i) * tanh(g)`` and
    ``h = sigmoid(o) * tanh(c)``. All parameters are initialized uniformly between ``-1 / sqrt(hidden_size)`` and
    ``1 / sqrt(hidden_size)``, as in PyTorch. Source: S. Hochreiter and J. Schmidhuber, "Long short-term memory",
    Neural Computation 9, 1997.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> outputs, (last, cell) = nn.LSTM(3, 5, num_layers=2, batch_first=True)(agrad.ones((2, 7, 3)))
    >>> outputs.shape, last.shape, cell.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    gates = 4
    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next state."""
        i, f, g, o = unstack(from_input + from_state, axis=1)
        cell = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(cell), cell

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the outputs and the last states.

        Parameters
        ----------
        input : Tensor
            ``(length, batch, input_size)``; ``(batch, length, input_size)`` if `batch_first`; ``(length, input_size)``
            without a batch.
        hx : tuple of Tensor, optional
            The initial hidden and cell state, each ``(layers * directions, batch, hidden_size)``; zeros by default.

        Returns
        -------
        outputs : Tensor
            The outputs of the last layer, ``(length, batch, directions * hidden_size)``, its axes ordered as the
            input's.
        (h, c) : tuple of Tensor
            The last hidden and cell state of each layer and direction.
        """
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError("an LSTM takes two initial states; write (h, c)")
        outputs, (last, cell) = self._run(input, hx)
        return outputs, (last, cell)


class GRU(_Recurrent):
    """A gated recurrent unit (GRU) network of one or more layers.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As in `LSTM`.

    Raises
    ------
    ValueError
        As `LSTM`.

    Notes
    -----
    With ``r, z, n`` the sums of the three gates, where the hidden state's part of `n` is multiplied by ``sigmoid(r)``,
    ``h = (1 - sigmoid(z)) * tanh(n) + sigmoid(z) * h``. Source: K. Cho et al., "Learning phrase representations using
    RNN encoder-decoder for statistical machine translation", EMNLP 2014.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> outputs, last = nn.GRU(3, 5, bidirectional=True)(agrad.ones((7, 2, 3)))
    >>> outputs.shape, last.shape
    ((7, 2, 10), (2, 2, 5))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def step(self, from_input: Tensor, from_state: Tensor, state: State) -> State:
        """Return the next state."""
        r, z, n = unstack(from_input, axis=1)
        state_r, state_z, state_n = unstack(from_state, axis=1)
        z = sigmoid(z + state_z)
        return ((1 - z) * tanh(n + sigmoid(r + state_r) * state_n) + z * state[0],)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the outputs and the last state; see `LSTM.forward`, with one Tensor for a state."""
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last
