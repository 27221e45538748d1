"""Averages of a model's weights during training: exponential moving average and stochastic weight averaging."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from ..checks import check_flags, check_number
from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..nn.module import Module
from ..nn.reductions import widened
from ..ops.creation import zeros

__all__ = ["AveragedModel", "get_ema_avg_fn", "get_swa_avg_fn"]

Average = Callable[[Tensor, Tensor, Any], Tensor]


class AveragedModel(Module):
    """A copy of a model whose weights are running averages of the model's weights.

    Averaged weights often generalize better than the last ones.

    Parameters
    ----------
    model : Module
        The model that is trained; it is copied.
    device : str or Device, optional
        The device of the averages; by default the model's.
    avg_fn : callable, optional
        Computes the new average from the average, the current weight and the number of weights averaged so far. By
        default the equal average of `get_swa_avg_fn`; see `get_ema_avg_fn` for a moving average.
    use_buffers : bool
        Whether to average buffers too; by default they are copied.

    Attributes
    ----------
    module : Module
        The averaged copy.
    n_averaged : Tensor
        The number of calls of `update_parameters`.

    Notes
    -----
    PyTorch's ``torch.optim.swa_utils.AveragedModel``, with the same names in the state dict. Izmailov et al.,
    "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> from agrad.optim.swa_utils import AveragedModel, get_ema_avg_fn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model, avg_fn=get_ema_avg_fn(0.75))
    >>> for weight in (0.0, 1.0, 2.0):
    ...     with agrad.no_grad():
    ...         model.weight[...] = weight
    ...     average.update_parameters(model)
    >>> average(agrad.ones((1, 1))).item()
    0.6875
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: str | Device | None = None,
        avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        check_flags(use_buffers=use_buffers)
        if not isinstance(model, Module):
            raise TypeError(f"model must be a Module, not {model!r}")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        found = next((p.device for p in self.module.parameters()), None)
        self.register_buffer("n_averaged", zeros((), dtype=int, device=found))
        if avg_fn is not None and not callable(avg_fn):
            raise TypeError(f"avg_fn must be a function, not {avg_fn!r}; write get_ema_avg_fn(decay) for one")
        self.avg_fn = get_swa_avg_fn() if avg_fn is None else avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the averaged model."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Update the averages with the current weights of `model`; call it after the optimizer's step."""
        count = self.n_averaged.item()
        for mine, current in zip(self.module.parameters(), model.parameters(), strict=True):
            self._update(mine, current, count)
        for buffer, current_buffer in zip(self.module.buffers(), model.buffers(), strict=True):
            self._update(buffer, current_buffer, count if self.use_buffers and buffer.dtype.differentiable else 0)
        self.n_averaged += 1

    def _update(self, averaged: Tensor, current: Tensor, count: Any) -> None:
        current = current.detach().to(averaged.device)
        averaged[...] = self.avg_fn(widened(averaged.detach()), widened(current), count) if count else current


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return an `avg_fn` for an exponential moving average: ``decay * average + (1 - decay) * current``.

    Parameters
    ----------
    decay : float
        The decay rate of the average, from 0 to 1.

    Returns
    -------
    callable
        A function of the average, the current weight and the number of weights averaged so far.

    Raises
    ------
    ValueError
        If `decay` is not from 0 to 1.
    TypeError
        If `decay` is not a number.

    Examples
    --------
    >>> from agrad.optim.swa_utils import get_ema_avg_fn
    >>> get_ema_avg_fn(0.75)(4.0, 8.0, 1)
    5.0
    """
    check_number("decay", decay, 0, 1)
    return partial(_moving_average, decay)


def get_swa_avg_fn() -> Average:
    """Return an `avg_fn` for an average in which all weights count equally.

    Returns
    -------
    callable
        A function of the average, the current weight and the number of weights averaged so far.

    Examples
    --------
    >>> from agrad.optim.swa_utils import get_swa_avg_fn
    >>> get_swa_avg_fn()(4.0, 8.0, 3)
    5.0
    """
    return _equal_average


# At module level, because functions defined inside the two above could not be pickled.


def _moving_average(decay: float, averaged: Tensor, current: Tensor, count: Any) -> Tensor:
    return averaged * decay + current * (1 - decay)


def _equal_average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
    return averaged + (current - averaged) / (count + 1)
