"""What other libraries must be told of Tensors, and the answers to their names."""

from .einops import register_with_einops
from .pytorch import answer_in_class, answer_in_module, answer_pytorch, missing

__all__ = ["answer_in_class", "answer_in_module", "answer_pytorch", "missing", "register_with_einops"]
