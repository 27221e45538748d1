"""The base class of learning rate schedulers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from ...backends import UnknownValueError
from ...checks import as_integer
from ...core.device import traced
from ..optimizer import Optimizer

__all__ = ["LRScheduler", "check_optimizer", "one_each", "refuse_recording"]


class LRScheduler:
    """Base class of learning rate schedulers; a subclass defines `get_lr`.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set. Each group stores its initial one as ``"initial_lr"``.
    last_epoch : int
        The number of steps already taken when training is resumed; -1 to start from the beginning.

    Attributes
    ----------
    base_lrs : list of float
        The initial learning rate of each group.
    last_epoch : int
        The number of steps taken.

    Raises
    ------
    TypeError
        If `optimizer` is not an Optimizer.
    KeyError
        If `last_epoch` is not -1 and a group has no ``"initial_lr"``.

    Notes
    -----
    To resume from a checkpoint, create the optimizer and the scheduler again, then call `load_state_dict` of both.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(optimizer)
        as_integer("last_epoch", last_epoch, -1)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"parameter group {i} has no 'initial_lr', which resuming from step {last_epoch} needs; load the "
                    "optimizer's state first, or leave last_epoch at -1 and load the scheduler's state"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """Return the learning rates of step `last_epoch`, one for each group; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr(); see the example of LRScheduler")

    def get_last_lr(self) -> list[float]:
        """Return the current learning rates, one for each group."""
        return list(self._last_lr)

    def step(self) -> None:
        """Set the next learning rates: call it after the optimizer's `step`."""
        refuse_recording()
        if self._step_count == 1 and not self.optimizer.has_stepped:
            warnings.warn(
                "scheduler.step() was called before optimizer.step(), so the first learning rate is never used; call "
                "optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def _restart(self, rates: list[float] | None = None) -> None:
        """Start the schedule again at step 0, from the initial learning rates or from `rates`."""
        self._set(self.base_lrs if rates is None else rates)
        self.last_epoch = 0
        self._step_count = 1
        self._is_initial = True
        self._set(self.get_lr())
        self._is_initial = False

    def _set(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes except the optimizer, as a dict for `load_state_dict`."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state from a `state_dict`; the current learning rates are in the optimizer's state.

        Raises
        ------
        ValueError
            If it is the state of another class of scheduler; nothing is changed then.
        TypeError
            If it is not a dict.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"a state must be a dict, as from state_dict(), not {type(state_dict).__name__}")
        expected, given = self.state_dict().keys(), state_dict.keys()
        if expected != given:
            raise ValueError(
                f"this is not the state of a {type(self).__name__}: missing {sorted(expected - given)}, "
                f"unexpected {sorted(given - expected)}"
            )
        vars(self).update(state_dict)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, lr={self._last_lr})"


def check_optimizer(optimizer: Any) -> Optimizer:
    """Return `optimizer`; TypeError if it is not an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a scheduler needs an optimizer, not {type(optimizer).__name__}")
    return optimizer


def one_each(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a list with one value for each parameter group, from one value for all groups or a list of them."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} has {len(value)} values for the optimizer's {count} parameter groups")
    return list(value)


def refuse_recording() -> None:
    """Raise UnknownValueError under `agrad.compile`, where a scheduler would step once, when the step is recorded."""
    if traced.get() is not None:
        raise UnknownValueError(
            "scheduler.step() in a function under agrad.compile would set the same learning rate at each call; call it "
            "after the function, which then uses the new one"
        )
