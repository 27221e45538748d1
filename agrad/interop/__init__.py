"""Interoperability: NumPy's and CuPy's dispatch protocols, and einops."""

from .einops import register_with_einops

__all__ = ["register_with_einops"]
