"""The recurrent layers RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import sqrt
from typing import Any, TypeVar

from ..checks import check_flags, check_integers, check_number, check_tensors
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import arange, empty, zeros
from ..ops.manipulation import concat, expand_dims, moveaxis, squeeze, stack, unstack
from ..ops.searching import where
from . import init
from .functional import dropping as F
from .module import Module
from .parameter import Parameter
from .recurrences import ElmanRecurrence, GRURecurrence, LSTMRecurrence, Recurrence, State
from .utils.rnn import PackedSequence, pad_packed_sequence

__all__ = ["GRU", "LSTM", "RNN"]

Batch = TypeVar("Batch", Tensor, PackedSequence)


class _Recurrent(Recurrence, Module):
    """The base class of recurrent layers: weights, layers, directions and the loop over the sequence."""

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
        dtype: DTypeLike,
    ) -> None:
        super().__init__()
        check_flags(bias=bias, batch_first=batch_first, bidirectional=bidirectional)
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

    def _run(self, input: Any, state: State | None) -> tuple[Any, State]:
        """Return the outputs of the last layer, and the last states of all layers."""
        if isinstance(input, PackedSequence):
            x, lengths = pad_packed_sequence(input)
            self._check_input(x, x.ndim == 3)
            steps = expand_dims(arange(x.shape[0], device=x.device), axis=(1, 2))
            active = unstack(steps < expand_dims(lengths, axis=1))
            outputs, finals = self._run_layers(x, self._starts(x, state, batched=True), active)
            return input.holding(outputs), finals
        check_tensors(input=input)
        self._check_input(input, input.ndim in (2, 3))
        batched = input.ndim == 3
        x = input if batched else expand_dims(input, axis=1)
        x = moveaxis(x, 0, 1) if batched and self.batch_first else x
        if not x.shape[0]:
            raise ValueError(f"a sequence must have at least one element; the input has shape {input.shape}")
        x, finals = self._run_layers(x, self._starts(x, state, batched), None)
        if not batched:
            return squeeze(x, axis=1), tuple(squeeze(part, axis=1) for part in finals)
        return (moveaxis(x, 0, 1) if self.batch_first else x), finals

    def _check_input(self, x: Tensor, fits: bool) -> None:
        if not fits or x.shape[-1] != self.input_size:
            order = "batch, length" if self.batch_first else "length, batch"
            raise ValueError(
                f"{type(self).__name__} takes an input of shape ({order}, {self.input_size}), or without the batch; "
                f"it has {x.shape}"
            )

    def _run_layers(self, x: Tensor, starts: State, active: Sequence[Tensor] | None) -> tuple[Tensor, State]:
        """Run all layers; `active` is True at each step for the sequences that have not ended."""
        lasts: list[State] = []
        for layer in range(self.num_layers):
            x = F.dropout(x, self.dropout, self.training) if layer else x
            directions = []
            for end in self._ends:
                start = tuple(part[len(lasts)] for part in starts)
                outputs, last = self._run_direction(x, start, f"_l{layer}{end}", active)
                directions.append(outputs)
                lasts.append(last)
            x = concat(directions, axis=-1) if len(directions) > 1 else directions[0]
        return x, tuple(stack(parts) for parts in zip(*lasts, strict=True))

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

    def _run_direction(
        self, x: Tensor, state: State, end: str, active: Sequence[Tensor] | None
    ) -> tuple[Tensor, State]:
        """Run one layer in one direction; return the stacked outputs and the last state."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, name + end, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        elements = unstack(self.by_gate(x, weight_ih, bias_ih))
        outputs = []
        for t in reversed(range(len(elements))) if end.endswith("_reverse") else range(len(elements)):
            new = self.step(elements[t], self.by_gate(state[0], weight_hh, bias_hh), state)
            # A sequence that has ended keeps its state.
            state = new if active is None else tuple(map(partial(where, active[t]), new, state))
            outputs.append(state[0])
        return stack(outputs[::-1] if end.endswith("_reverse") else outputs), state

    def extra_repr(self) -> str:
        """Return the settings."""
        parts = [str(self.input_size), str(self.hidden_size)]
        parts += [f"num_layers={self.num_layers}"] if self.num_layers != 1 else []
        parts += ["bias=False"] if not self.bias else []
        parts += ["batch_first=True"] if self.batch_first else []
        parts += [f"dropout={self.dropout}"] if self.dropout else []
        parts += ["bidirectional=True"] if self.bidirectional else []
        return ", ".join(parts)


class RNN(ElmanRecurrence, _Recurrent):
    """An Elman recurrent network: ``h = tanh(x @ W.T + b + h @ V.T + c)`` at each step.

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
        dtype: DTypeLike = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Batch, hx: Tensor | None = None) -> tuple[Batch, Tensor]:
        """Return the outputs and the last hidden state; as `LSTM.forward`, but without a cell state."""
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last


class LSTM(LSTMRecurrence, _Recurrent):
    """A long short-term memory network, with input, forget and output gates and a cell state.

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
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def forward(self, input: Batch, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Batch, tuple[Tensor, Tensor]]:
        """Return the outputs and the last states.

        Parameters
        ----------
        input : Tensor or PackedSequence
            ``(length, batch, input_size)``, or with the first two axes swapped if `batch_first`, or without the batch;
            or sequences of different lengths, packed by `utils.rnn.pack_padded_sequence`.
        hx : tuple of Tensor, optional
            The initial hidden and cell state, each ``(layers * directions, batch, hidden_size)``; zeros by default.

        Returns
        -------
        outputs : Tensor or PackedSequence
            Of the last layer, ``(length, batch, directions * hidden_size)``, with its axes ordered as the input's.
        (h, c) : tuple of Tensor
            The last hidden and cell state of each layer and direction.
        """
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError("the initial state of an LSTM is a tuple of two Tensors; write (h, c)")
        outputs, (last, cell) = self._run(input, hx)
        return outputs, (last, cell)


class GRU(GRURecurrence, _Recurrent):
    """A gated recurrent unit network, with reset and update gates.

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
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def forward(self, input: Batch, hx: Tensor | None = None) -> tuple[Batch, Tensor]:
        """Return the outputs and the last hidden state; as `LSTM.forward`, but without a cell state."""
        outputs, (last,) = self._run(input, None if hx is None else (hx,))
        return outputs, last
