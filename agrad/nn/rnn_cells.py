"""Recurrent cells: one step of a recurrent layer, for custom loops."""

from __future__ import annotations

from math import sqrt

from ..checks import check_flags, check_integers, check_tensors
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import empty, zeros
from ..ops.manipulation import expand_dims, squeeze
from . import init
from .module import Module
from .parameter import Parameter
from .recurrences import ElmanRecurrence, GRURecurrence, LSTMRecurrence, Recurrence, State

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class _Cell(Recurrence, Module):
    """The base class of recurrent cells: weights, biases and the checks of a step."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias)
        check_integers(0, input_size=input_size)
        check_integers(1, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), dtype=dtype, device=device))
        self.weight_hh = Parameter(empty((rows, hidden_size), dtype=dtype, device=device))
        self.bias_ih = Parameter(empty((rows,), dtype=dtype, device=device)) if bias else None
        self.bias_hh = Parameter(empty((rows,), dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _next(self, input: Tensor, state: State | None) -> State:
        """Return the next state, with a batch axis if the input has one."""
        check_tensors(input=input)
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__} takes an input of shape (batch, {self.input_size}), or without the batch; "
                f"it has {input.shape}"
            )
        expected = (*input.shape[:-1], self.hidden_size)
        if state is None:
            state = (zeros(expected, dtype=input.dtype, device=input.device),) * self.states
        for part in state:
            check_tensors(hx=part)
            if part.shape != expected:
                raise ValueError(f"a state must have shape {expected} for this input, not {part.shape}")
        if input.ndim == 2:
            return self._step(input, state)
        alone = self._step(expand_dims(input, axis=0), tuple(expand_dims(part, axis=0) for part in state))
        return tuple(squeeze(part, axis=0) for part in alone)

    def _step(self, input: Tensor, state: State) -> State:
        from_input = self.by_gate(input, self.weight_ih, self.bias_ih)
        return self.step(from_input, self.by_gate(state[0], self.weight_hh, self.bias_hh), state)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}"


class RNNCell(ElmanRecurrence, _Cell):
    """One step of an Elman recurrent network: ``h = tanh(x @ W.T + b + h @ V.T + c)``.

    Parameters
    ----------
    input_size, hidden_size, bias
        As in `LSTMCell`.
    nonlinearity : {"tanh", "relu"}
        The activation.
    device, dtype
        As in `LSTMCell`.

    Raises
    ------
    ValueError
        As `LSTMCell`, and if `nonlinearity` is unknown.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.RNNCell(3, 5)(agrad.ones((2, 3))).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next hidden state; as `LSTMCell.forward`, but without a cell state."""
        (h,) = self._next(input, None if hx is None else (hx,))
        return h

    def extra_repr(self) -> str:
        """Return the settings."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(LSTMRecurrence, _Cell):
    """One step of a long short-term memory network; see `LSTM`.

    Parameters
    ----------
    input_size : int
        The number of features of the input.
    hidden_size : int
        The number of features of the hidden state.
    bias : bool
        Whether to add learnable biases.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh : Parameter or None
        The weights of the input, ``(gates * hidden_size, input_size)``, and of the hidden state,
        ``(gates * hidden_size, hidden_size)``, and their biases.

    Raises
    ------
    ValueError
        If a setting is out of range; on call, if the shapes do not match.

    Notes
    -----
    The formulas and the initial values are those of `LSTM`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> cell, state = nn.LSTMCell(3, 5), None
    >>> for x in agrad.unstack(agrad.ones((7, 2, 3))):
    ...     state = cell(x, state)
    >>> state[0].shape, state[1].shape
    ((2, 5), (2, 5))
    """

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return the next hidden and cell state.

        Parameters
        ----------
        input : Tensor
            ``(batch, input_size)``, or without the batch.
        hx : tuple of Tensor, optional
            The hidden and cell state, each ``(batch, hidden_size)`` or without the batch; zeros by default.

        Returns
        -------
        tuple of Tensor
            The next hidden and cell state, of the same shapes.
        """
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError("the state of an LSTMCell is a tuple of two Tensors; write (h, c)")
        h, c = self._next(input, hx)
        return h, c


class GRUCell(GRURecurrence, _Cell):
    """One step of a gated recurrent unit network; see `GRU`.

    Parameters
    ----------
    input_size, hidden_size, bias, device, dtype
        As in `LSTMCell`.

    Raises
    ------
    ValueError
        As `LSTMCell`.

    Notes
    -----
    The formulas and the initial values are those of `GRU`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.GRUCell(3, 5)(agrad.ones((2, 3))).shape
    (2, 5)
    """

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next hidden state; as `LSTMCell.forward`, but without a cell state."""
        (h,) = self._next(input, None if hx is None else (hx,))
        return h
