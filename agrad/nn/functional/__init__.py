"""The functions behind the layers and losses, named as in PyTorch's ``torch.nn.functional``."""

from ...ops.activations import relu, sigmoid, silu
from ...ops.elementwise import tanh
from ...spellings import answer_in_module
from ..cross_entropy import cross_entropy, nll_loss
from .activations import elu, gelu, hardtanh, leaky_relu, log_softmax, prelu, softmax, softplus
from .attention import scaled_dot_product_attention
from .batch_normalization import batch_norm, instance_norm
from .convolution import conv1d, conv2d, conv3d
from .ctc import ctc_loss
from .distances import cosine_similarity, normalize, pairwise_distance
from .dropping import dropout, dropout2d
from .interpolation import interpolate
from .linear_maps import bilinear, embedding, linear
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
    triplet_margin_loss,
)
from .normalization import group_norm, layer_norm, rms_norm
from .padding import pad
from .pooling import adaptive_avg_pool2d, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from .shapes import flatten
from .transposed_convolution import conv_transpose1d, conv_transpose2d, conv_transpose3d

__all__ = [
    "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm", "bilinear", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "ctc_loss", "dropout",
    "dropout2d", "elu", "embedding", "flatten", "gelu", "group_norm", "hardtanh", "huber_loss", "instance_norm",
    "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax", "max_pool1d", "max_pool2d",
    "mse_loss", "nll_loss", "normalize", "pad", "pairwise_distance", "prelu", "relu", "rms_norm",
    "scaled_dot_product_attention", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softplus", "tanh",
    "triplet_margin_loss",
]  # fmt: skip

answer_in_module(__name__)
