"""``mlx.core`` with what it lacks of the standard, or has by other names.

MLX computes in single precision (its float64 exists on the CPU only, with functions of float32's exactness), and linear
algebra of real numbers only: where it lacks something, an error says so. Functions whose result has a shape that
depends on values have NumPy compute it.
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
