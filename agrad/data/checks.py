"""Checks of the settings of loaders, samplers and transforms."""

from __future__ import annotations

from operator import index
from typing import Any


def as_integer(name: str, value: Any) -> int:
    """Return a setting as an int; TypeError names one that is no integer."""
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None


def at_least(least: int, name: str, value: Any) -> int:
    """Return a setting as an int; ValueError names one that is too small."""
    number = as_integer(name, value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return number


def as_seed(value: Any) -> int:
    """Return a seed; refused is what `agrad.manual_seed` refuses."""
    seed = as_integer("seed", value)
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed is an integer from 0 to 2**64 - 1, not {value}")
    return seed
