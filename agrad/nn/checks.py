"""Checks of what users give: the settings of layers, and the Tensors they are called with."""

from __future__ import annotations

from math import inf
from operator import index
from typing import Any


def check_sizes(least: int = 0, **sizes: Any) -> None:
    """Raise TypeError for a size that is no integer, ValueError for one below the least."""
    for name, size in sizes.items():
        try:
            index(size)
        except TypeError:
            raise TypeError(f"{name} must be an integer, not {size!r}") from None
        if size < least:
            raise ValueError(f"{name} must be {least} or more, not {size!r}")


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Raise ValueError for a number outside of a range."""
    if not least <= value <= most:
        bounds = f"{least} or more" if most == inf else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, not {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raise ValueError for a number that is not above 0."""
    if not value > 0:
        raise ValueError(f"{name} must be positive, not {value!r}")


def check_tensors(**inputs: Any) -> None:
    """Raise TypeError for what is no Tensor and no array."""
    for name, value in inputs.items():
        if not hasattr(value, "shape"):
            raise TypeError(f"{name} must be a Tensor, not {type(value).__name__}")
