"""PyTorch's spellings that agrad does not have: using one raises an error that shows what to write instead."""

from .calls import CALLS, answer_calls, answer_methods, in_public
from .names import SPELLINGS, answer_in_class, answer_in_module, answer_pytorch, missing, remedies

__all__ = [
    "CALLS", "SPELLINGS", "answer_calls", "answer_in_class", "answer_in_module", "answer_methods", "answer_pytorch",
    "in_public", "missing", "remedies",
]  # fmt: skip
