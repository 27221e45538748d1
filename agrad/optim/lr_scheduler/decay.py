"""Schedulers with a closed formula: lambda, step, multi-step, exponential, linear and cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import cos, pi
from types import FunctionType
from typing import Any

from ...checks import as_integer, as_list, check_number
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, one_each

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "StepLR"]


class LambdaLR(LRScheduler):
    """Set the learning rate to the initial one times a function of the step.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    lr_lambda : callable, or list of callable
        Computes the factor from the number of steps; a list has one for each group. Functions are not saved in the
        state dict, the attributes of other callables are.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If a list does not have one function for each group.
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
            raise TypeError(
                f"lr_lambda must be a function of the number of steps, not {lr_lambda!r}; write lambda t: 0.9**t"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        factors = [check_number("what lr_lambda returns", f(self.last_epoch)) for f in self.lr_lambdas]
        return [lr * factor for lr, factor in zip(self.base_lrs, factors, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return the state; see `LRScheduler.state_dict`."""
        saved = [None if isinstance(f, FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return super().state_dict() | {"lr_lambdas": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state; see `LRScheduler.load_state_dict`."""
        own = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = own
        for f, saved in zip(own, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(f).update(saved)


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


class CosineAnnealingLR(LRScheduler):
    """Anneal the learning rate from the initial one to `eta_min` along half a cosine of `T_max` steps.

    After `T_max` steps it rises again.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    T_max : int
        The number of steps to the minimum.
    eta_min : float
        The minimum learning rate.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `T_max` is not above 0.
    TypeError
        If `T_max` is not an integer, or `eta_min` not a number.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, without the restarts.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 3) for rate in rates]
    [0.5, 0.427, 0.25, 0.073, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = as_integer("T_max", T_max, 1), check_number("eta_min", eta_min, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        if self._is_initial:
            return self._current()
        before, now = (1 + cos(pi * t / self.T_max) for t in (self.last_epoch - 1, self.last_epoch))
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the minimum, `before` is 0
            pairs = zip(self._current(), self.base_lrs, strict=True)
            return [lr + (base - self.eta_min) * (1 - cos(pi / self.T_max)) / 2 for lr, base in pairs]
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._current()]
