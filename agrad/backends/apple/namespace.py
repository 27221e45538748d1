"""The array API namespace of MLX: ``mlx.core``, with the functions of the standard that it lacks or names otherwise.

MLX computes in single precision (its float64 exists on the CPU only, with the accuracy of float32), and has linear
algebra for real numbers only. What is missing raises an error that says so. Functions whose result has a
data-dependent shape are computed by NumPy.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import mlx.core as mx

from ..base import names_of
from . import creation, data_type, elementwise, fft, linalg, searching, shapes, statistical

__all__ = ["namespace"]


def namespace() -> Any:
    """Return the namespace."""
    xp = ModuleType("mlx.core")
    vars(xp).update({name: value for name, value in names_of(mx).items() if name != "float64"}, bool=mx.bool_)
    for chapter in (creation, data_type, elementwise, searching, shapes, statistical):
        vars(xp).update(chapter.FUNCTIONS)
    vars(xp).update(linalg=_space("linalg", linalg.FUNCTIONS), fft=_space("fft", fft.FUNCTIONS))
    return xp


def _space(name: str, functions: dict[str, Any]) -> ModuleType:
    made = ModuleType(f"mlx.core.{name}")
    vars(made).update(functions)
    return made
