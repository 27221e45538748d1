"""SequentialLR: several schedulers, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, refuse_recording
from .plateau import ReduceLROnPlateau

__all__ = ["SequentialLR"]


class SequentialLR(LRScheduler):
    """Use several schedulers one after the other, such as a warm-up and then a decay.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    schedulers : sequence of LRScheduler
        Schedulers of the same optimizer. Each starts at its own step 0 when it becomes active.
    milestones : sequence of int
        The steps at which the next scheduler becomes active: one fewer than schedulers.

    Raises
    ------
    ValueError
        If there is no scheduler, if the number of milestones is wrong or they do not increase from 0 or more, or if a
        scheduler is a `ReduceLROnPlateau` or has another optimizer.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> from agrad.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> decay = ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = SequentialLR(optimizer, [warm_up, decay], milestones=[3])
    >>> rates = []
    >>> for _ in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self.optimizer = check_optimizer(optimizer)
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        if not schedulers or len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"{len(schedulers)} schedulers need {len(schedulers) - 1} milestones, not {len(milestones)}"
                if schedulers
                else "SequentialLR needs at least one scheduler"
            )
        if any(late <= early for early, late in pairwise([-1, *milestones])):
            raise ValueError(f"milestones must be 0 or more and increase, not {list(milestones)}")
        for scheduler in schedulers:
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError("a ReduceLROnPlateau needs a metric at each step, which SequentialLR does not pass on")
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"all schedulers must have the given optimizer; a {type(scheduler).__name__} has another optimizer"
                )
        # As in PyTorch, the first one starts from the initial learning rates, which creating the others has changed.
        self._restart([group["initial_lr"] for group in optimizer.param_groups])

    def step(self) -> None:
        """Set the next learning rates: call it after the optimizer's `step`."""
        refuse_recording()
        self.last_epoch += 1
        scheduler = self._active()
        if self.last_epoch in self._milestones:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _restart(self, rates: list[float] | None = None) -> None:
        self.last_epoch = 0
        self._active()._restart(rates)
        self._last_lr = self._active().get_last_lr()

    def _active(self) -> LRScheduler:
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def state_dict(self) -> dict[str, Any]:
        """Return the state, including those of the schedulers; see `LRScheduler.state_dict`."""
        return super().state_dict() | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state; see `LRScheduler.load_state_dict`."""
        own = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = own
        for scheduler, saved in zip(own, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(saved)
