"""Saving and loading Tensors: `save`, `load`."""

from .checkpoints import load, save

__all__ = ["load", "save"]
