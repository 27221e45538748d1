"""The functions beneath the layers and losses: PyTorch's ``torch.nn.functional``, with its names."""

from ...ops.activations import relu, sigmoid
from ...ops.elementwise import tanh
from ..cross_entropy import cross_entropy, nll_loss
from .activation import log_softmax, softmax
from .convolution import conv1d, conv2d, conv_transpose2d
from .linear_maps import linear
from .losses import l1_loss, mse_loss
from .pooling import adaptive_avg_pool2d, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from .shapes import flatten

__all__ = [
    "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "conv1d", "conv2d", "conv_transpose2d", "cross_entropy",
    "flatten", "l1_loss", "linear", "log_softmax", "max_pool1d", "max_pool2d", "mse_loss", "nll_loss", "relu",
    "sigmoid", "softmax", "tanh",
]  # fmt: skip
