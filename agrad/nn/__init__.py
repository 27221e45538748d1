"""Layers, losses and what models are built of, named and behaving as PyTorch's ``torch.nn``."""

from . import functional, init, utils
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .containers import Sequential
from .linear import Linear
from .losses import CrossEntropyLoss, L1Loss, MSELoss
from .module import Module
from .parameter import Parameter
from .shape import Flatten

__all__ = [
    "CrossEntropyLoss", "Flatten", "L1Loss", "Linear", "MSELoss", "Module", "Parameter", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh", "functional", "init", "utils",
]  # fmt: skip
