"""OneCycleLR: the 1cycle learning rate policy."""

from __future__ import annotations

from math import cos, pi
from typing import Any

from ...checks import as_integer, check_flags, check_number, check_numbers
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, one_each

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """Set the learning rate by the 1cycle policy: it rises to `max_lr`, then falls far below the initial one.

    Call `step` after every batch.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set.
    max_lr : float, or list of float
        The maximum learning rate, for each group.
    total_steps : int, optional
        The number of steps in the cycle; by default ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
        Used if `total_steps` is not given.
    pct_start : float
        The fraction of the cycle in which the learning rate rises, from 0 to 1.
    anneal_strategy : {"cos", "linear"}
        The shape of the rise and fall.
    cycle_momentum : bool
        Whether momentum (or the first of the betas) is cycled inversely to the learning rate.
    base_momentum, max_momentum : float, or list of float
        The lower and the upper end of the momentum cycle, for each group.
    div_factor : float
        The initial learning rate is ``max_lr / div_factor``.
    final_div_factor : float
        The minimum learning rate, at the end, is the initial one divided by `final_div_factor`.
    three_phase : bool
        Whether the learning rate falls in two phases: to the initial one as fast as it rose, then to the minimum.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        If the number of steps is not given or not positive, if a setting is out of range, or if the optimizer has no
        momentum to cycle; and by `step` after the last step.
    TypeError
        If a setting is not a number.

    Notes
    -----
    PyTorch's schedule, after Smith and Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", 2017.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.4)
    >>> rates = scheduler.get_last_lr()
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     rates += scheduler.get_last_lr()
    >>> [round(rate, 3) for rate in rates]
    [0.04, 1.0, 0.75, 0.25, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_flags(cycle_momentum=cycle_momentum, three_phase=three_phase)
        check_optimizer(optimizer)
        self.total_steps = _number_of_steps(total_steps, epochs, steps_per_epoch)
        check_number("pct_start", pct_start, 0, 1)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
        for name, factor in {"div_factor": div_factor, "final_div_factor": final_div_factor}.items():
            check_number(name, factor, above=0)
        highest_rates = one_each("max_lr", max_lr, optimizer)
        for highest in highest_rates:
            check_number("max_lr", highest, 0)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        rise = pct_start * self.total_steps - 1
        # For each phase: its last step, and the group's entries that hold the learning rate and momentum at its end.
        self.phases = [(rise, "max_lr", "base_momentum")]
        if three_phase:
            self.phases.append((2 * rise, "initial_lr", "max_momentum"))
        self.phases.append((self.total_steps - 1, "min_lr", "max_momentum"))
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, highest_rates, strict=True):
                first = highest / div_factor
                group.update(initial_lr=first, max_lr=highest, min_lr=first / final_div_factor)
        if cycle_momentum:
            self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _begin_momentum(self, optimizer: Optimizer, lowest: Any, highest: Any, last_epoch: int) -> None:
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"{type(optimizer).__name__} has no momentum and no betas to cycle; write cycle_momentum=False"
            )
        lowest, highest = one_each("base_momentum", lowest, optimizer), one_each("max_momentum", highest, optimizer)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, lowest, highest, strict=True):
                check_numbers(0, base_momentum=low, max_momentum=high)
                group.update(base_momentum=low, max_momentum=high)
                _set_momentum(group, high)

    def get_lr(self) -> list[float]:
        """Set the momenta and return the learning rates; see `LRScheduler.get_lr`."""
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"the cycle has {self.total_steps} steps, not {self.last_epoch}; total_steps must be the number of "
                "batches in all epochs"
            )
        begin = 0.0
        lr, momentum = "initial_lr", "max_momentum"
        for end, next_lr, next_momentum in self.phases:
            if self.last_epoch <= end or end == self.phases[-1][0]:
                break
            begin = end
            lr, momentum = next_lr, next_momentum
        part = (self.last_epoch - begin) / (end - begin) if end != begin else 1.0
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                _set_momentum(group, self._anneal(group[momentum], group[next_momentum], part))
        rates = [self._anneal(group[lr], group[next_lr], part) for group in groups]
        return [max(0.0, rate) for rate in rates]  # linear annealing one step past the end would be negative

    def _anneal(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2 * (cos(pi * part) + 1)


def _number_of_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
        total_steps = as_integer("epochs", epochs, 1) * as_integer("steps_per_epoch", steps_per_epoch, 1)
    return as_integer("the number of steps", total_steps, 1)


def _set_momentum(group: dict[str, Any], momentum: float) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
