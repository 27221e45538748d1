"""Optimizers, named and behaving as PyTorch's ``torch.optim``."""

from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Optimizer"]
