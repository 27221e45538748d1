"""What other libraries must be told of Tensors."""

from .einops import register_with_einops

__all__ = ["register_with_einops"]
