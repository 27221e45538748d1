"""ReduceLROnPlateau: a smaller learning rate when a metric stops improving."""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import Any

from ...checks import check_integers, check_number, check_numbers
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, one_each, refuse_recording

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rate by `factor` when a metric has not improved for more than `patience` steps.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    mode : {"min", "max"}
        Whether the metric should decrease or increase.
    factor : float
        The multiplicative factor, from 0 to below 1.
    patience : int
        The number of steps in a row without improvement that are allowed.
    threshold : float
        The smallest change that counts as an improvement.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is relative to the best metric or absolute.
    cooldown : int
        The number of steps after a reduction in which steps without improvement are not counted.
    min_lr : float, or list of float
        The lower bound of the learning rate, for each group.
    eps : float
        The smallest reduction: a learning rate that would change by less is left as it is.

    Raises
    ------
    ValueError
        If `factor` is out of range, or a mode is unknown.
    TypeError
        If a setting is not a number.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        check_integers(0, patience=patience, cooldown=cooldown)
        check_numbers(0, threshold=threshold, eps=eps)
        check_number("factor", factor, 0, below=1)
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', not {threshold_mode!r}")
        self.optimizer = check_optimizer(optimizer)
        self.min_lrs = [check_number("min_lr", least, 0) for least in one_each("min_lr", min_lr, optimizer)]
        self.mode, self.factor = mode, factor
        self.patience, self.cooldown = patience, cooldown
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.eps = eps
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = self._current()

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Take the current metric, and reduce the learning rates if it has stopped improving.

        Parameters
        ----------
        metrics : float or Tensor
            The metric, such as the loss on validation data. NaN counts as no improvement.

        Raises
        ------
        TypeError
            If it is not a number.
        """
        refuse_recording()
        value = metrics.item() if hasattr(metrics, "item") else metrics
        if not isinstance(value, Real):
            raise TypeError(f"a metric must be a number or a Tensor of one element, not {metrics!r}; write step(loss)")
        current = float(value)
        self.last_epoch += 1
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            reduced = [
                max(lr * self.factor, least) for lr, least in zip(self._current(), self._minimum_lrs(), strict=True)
            ]
            pairs = zip(self._current(), reduced, strict=True)
            self._set([new if old - new > self.eps else old for old, new in pairs])
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._current()

    def _minimum_lrs(self) -> list[float]:
        """Return the lower bound for each group; groups added later get the one that all others have."""
        count = len(self.optimizer.param_groups)
        if len(self.min_lrs) != count:
            if len(set(self.min_lrs)) > 1:
                raise ValueError(
                    f"min_lr has {len(self.min_lrs)} values for the optimizer's {count} parameter groups; "
                    "write scheduler.min_lrs.append(lr) for each group that was added"
                )
            self.min_lrs = self.min_lrs[:1] * count
        return self.min_lrs

    def _is_better(self, metric: float) -> bool:
        margin = -self.threshold if self.mode == "min" else self.threshold
        goal = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return metric < goal if self.mode == "min" else metric > goal
