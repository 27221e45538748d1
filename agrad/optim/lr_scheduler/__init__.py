"""Schedules of the learning rate, named and behaving as PyTorch's ``torch.optim.lr_scheduler``.

A scheduler sets the ``"lr"`` of all groups of an optimizer; call its `step` after those of the optimizer, once an epoch
or once a batch, as the schedule is meant. Several schedulers of one optimizer, each stepped, multiply their effects.
"""

from .base import LRScheduler
from .decay import CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .sequential import SequentialLR

__all__ = [
    "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "OneCycleLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
