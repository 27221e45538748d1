"""Saving and loading Tensors: `save`, `load`."""

from .serialization import load, save

__all__ = ["load", "save"]
