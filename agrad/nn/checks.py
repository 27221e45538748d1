"""Checks of the Tensors that layers are called with."""

from __future__ import annotations

from typing import Any

__all__ = ["check_tensors"]


def check_tensors(**inputs: Any) -> None:
    """Raise TypeError for an input that is neither a Tensor nor an array."""
    for name, value in inputs.items():
        if not hasattr(value, "shape"):
            raise TypeError(f"{name} must be a Tensor, not {type(value).__name__}")
