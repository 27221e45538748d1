"""Layers, losses and what models are built of, named and behaving as PyTorch's ``torch.nn``."""

from . import functional, init, utils
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .containers import Sequential
from .conv import Conv1d, Conv2d, ConvTranspose2d
from .linear import Linear
from .losses import CrossEntropyLoss, L1Loss, MSELoss
from .module import Module
from .parameter import Parameter
from .pooling import AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from .shape import Flatten

__all__ = [
    "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "Conv1d", "Conv2d", "ConvTranspose2d", "CrossEntropyLoss",
    "Flatten", "L1Loss", "Linear", "MSELoss", "MaxPool1d", "MaxPool2d", "Module", "Parameter", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh", "functional", "init", "utils",
]  # fmt: skip
