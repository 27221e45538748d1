"""Schedules with a user-defined function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from ...checks import check_number
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, one_each

__all__ = ["LambdaLR", "MultiplicativeLR"]


class LambdaLR(LRScheduler):
    """The initial learning rate times a function of the number of steps.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    lr_lambda : callable, or list of callable
        A function of the number of steps that returns the factor; a list has one for each parameter group. A function
        is not saved in the state dict; of any other callable, the attributes are.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If a list does not have one function for each parameter group.
    TypeError
        If one is not callable.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = one_each("lr_lambda", lr_lambda, check_optimizer(optimizer))
        if not all(map(callable, self.lr_lambdas)):
            raise TypeError(f"lr_lambda must be a function of the number of steps, not {lr_lambda!r}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        return [lr * factor for lr, factor in zip(self.base_lrs, self._factors(), strict=True)]

    def _factors(self) -> list[float]:
        return [check_number("what lr_lambda returns", f(self.last_epoch), 0) for f in self.lr_lambdas]

    def state_dict(self) -> dict[str, Any]:
        """Return the state; see `LRScheduler.state_dict`."""
        saved = [None if isinstance(f, FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return super().state_dict() | {"lr_lambdas": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a state; see `LRScheduler.load_state_dict`."""
        own = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = own
        for f, saved in zip(own, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(f).update(saved)


class MultiplicativeLR(LambdaLR):
    """The previous learning rate times a function of the number of steps.

    Parameters
    ----------
    optimizer, lr_lambda, last_epoch
        As in `LambdaLR`; the function is not called for the first learning rate.

    Raises
    ------
    ValueError, TypeError
        As `LambdaLR`.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self._is_initial:
            return self._current()
        return [lr * factor for lr, factor in zip(self._current(), self._factors(), strict=True)]
