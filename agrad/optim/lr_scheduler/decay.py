"""Schedules with a closed formula: step, multi-step, exponential, constant, linear and polynomial."""

from __future__ import annotations

from collections.abc import Iterable

from ...checks import as_integer, as_list, check_number
from ..optimizer import Optimizer
from .base import LRScheduler

__all__ = ["ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR"]


class StepLR(LRScheduler):
    """Multiply the learning rate by `gamma` every `step_size` steps.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    step_size : int
        The period of the decay.
    gamma : float
        The multiplicative factor.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `step_size` is below 1.
    TypeError
        If `step_size` is not an integer, or `gamma` not a number.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = as_integer("step_size", step_size, 1), check_number("gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._current()
        return [lr * self.gamma for lr in self._current()]


class MultiStepLR(LRScheduler):
    """Multiply the learning rate by `gamma` at each milestone.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    milestones : iterable of int
        The steps at which it is multiplied; one that occurs twice counts twice.
    gamma : float
        The multiplicative factor.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    TypeError
        If `gamma` is not a number.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        steps = [as_integer("a milestone", step, 0) for step in as_list("milestones", milestones)]
        self.milestones, self.gamma = sorted(steps), check_number("gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        times = self.milestones.count(self.last_epoch)
        return [lr * self.gamma**times for lr in self._current()]


class ExponentialLR(LRScheduler):
    """Multiply the learning rate by `gamma` after every step.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    gamma : float
        The multiplicative factor.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    TypeError
        If `gamma` is not a number.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = check_number("gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        return self._current() if self._is_initial else [lr * self.gamma for lr in self._current()]


class ConstantLR(LRScheduler):
    """Multiply the learning rate by `factor` for the first `total_iters` steps: a constant warm-up.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    factor : float
        The factor, above 0 and at most 1.
    total_iters : int
        The number of steps.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `factor` is out of range, or `total_iters` is negative.
    TypeError
        If `factor` is not a number, or `total_iters` not an integer.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.25, 0.5, 0.5]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        self.factor = check_number("factor", factor, most=1, above=0)
        self.total_iters = as_integer("total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._current()]
        if self._is_initial or self.last_epoch != self.total_iters:
            return self._current()
        return [lr / self.factor for lr in self._current()]


class LinearLR(LRScheduler):
    """Multiply the learning rate by a factor that changes linearly over `total_iters` steps: a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    start_factor : float
        The first factor, above 0 and at most 1.
    end_factor : float
        The factor after `total_iters` steps and from then on, from 0 to 1.
    total_iters : int
        The number of steps from the first factor to the last.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If a factor is out of range, or `total_iters` is negative.
    TypeError
        If a factor is not a number, or `total_iters` not an integer.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.375, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        check_number("start_factor", start_factor, most=1, above=0)
        check_number("end_factor", end_factor, 0, 1)
        as_integer("total_iters", total_iters, 0)
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._current()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        factor = max(0.0, 1 + rise / before)  # with end_factor=0, rounding may make the last factor negative
        return [lr * factor for lr in self._current()]


class PolynomialLR(LRScheduler):
    """Decay the learning rate to 0 in `total_iters` steps: times ``(1 - t / total_iters)**power`` at step `t`.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    total_iters : int
        The number of steps until the learning rate is 0.
    power : float
        The power of the polynomial; 1 for a linear decay.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `total_iters` or `power` is negative.
    TypeError
        If `total_iters` is not an integer, or `power` not a number.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.5625, 0.25, 0.0625, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = as_integer("total_iters", total_iters, 0), check_number("power", power, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        left = self.total_iters - self.last_epoch
        return [lr * (left / (left + 1)) ** self.power for lr in self._current()]
