"""Optimizers, named and behaving as PyTorch's ``torch.optim``."""

from ..spellings import answer_in_module
from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .lbfgs import LBFGS
from .lion import Lion
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .sgd import SGD
from .sharded import Sharded

__all__ = [
    "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Sharded", "lr_scheduler", "swa_utils",
]  # fmt: skip

answer_in_module(__name__)
answer_in_module(lr_scheduler.__name__)
