"""What other libraries must know of Tensors: NumPy's and CuPy's protocols, einops."""

from .einops import register_with_einops

__all__ = ["register_with_einops"]
