"""Utilities: gradient clipping, and packed and padded sequences. PyTorch's ``torch.nn.utils``."""

from ...spellings import answer_in_module
from . import rnn
from .clipping import clip_grad_norm_, clip_grad_value_, get_total_norm

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "rnn"]

answer_in_module(__name__)
