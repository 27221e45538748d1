"""Indexing."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor


@primitive(view=True)
def getitem(xp: Any, x: ArrayLike, /, key: Any) -> Tensor:
    """Index."""
    return x[key]
