"""Cosine annealing schedules, without and with warm restarts."""

from __future__ import annotations

from math import cos, pi

from ...checks import as_integer, check_number
from ..optimizer import Optimizer
from .base import LRScheduler, refuse_recording

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Cosine annealing: from the initial learning rate down to `eta_min` in `T_max` steps, then up again.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    T_max : int
        The number of steps from the initial learning rate to the minimum.
    eta_min : float
        The minimum learning rate.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `T_max` is below 1, or `eta_min` is negative.
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
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the minimum, where `before` is 0
            pairs = zip(self._current(), self.base_lrs, strict=True)
            return [lr + (base - self.eta_min) * (1 - cos(pi / self.T_max)) / 2 for lr, base in pairs]
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._current()]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing from the initial learning rate down to `eta_min`, with warm restarts.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    T_0 : int
        The number of steps until the first restart.
    T_mult : int
        The factor by which the number of steps between restarts grows after each restart.
    eta_min : float
        The minimum learning rate.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If `T_0` or `T_mult` is below 1, or `eta_min` negative.
    TypeError
        If `T_0` or `T_mult` is not an integer, or `eta_min` not a number.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> rates = []
    >>> for _ in range(7):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 3) for rate in rates]
    [0.5, 0.25, 0.5, 0.427, 0.25, 0.073, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0, self.T_mult = as_integer("T_0", T_0, 1), as_integer("T_mult", T_mult, 1)
        self.eta_min = check_number("eta_min", eta_min, 0)
        self.fraction = 0.0  # of the current epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates; see `LRScheduler.get_lr`."""
        t, length = self.last_epoch + self.fraction, self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.T_mult
        height = (1 + cos(pi * t / length)) / 2
        return [self.eta_min + (lr - self.eta_min) * height for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the next learning rates: call it after the optimizer's `step`.

        Parameters
        ----------
        epoch : float, optional
            The epoch to set, which may be fractional, as in ``step(epoch + i / len(loader))`` after each batch; by
            default the next one.

        Raises
        ------
        ValueError, TypeError
            If `epoch` is negative or not a number.
        """
        refuse_recording()
        if epoch is not None:
            whole = int(check_number("epoch", epoch, 0))
            self.last_epoch, self.fraction = whole - 1, epoch - whole
        super().step()
