"""What several kinds of elementwise functions share."""

from __future__ import annotations

import math
from typing import Any, Final

from ...core.dtypes import as_dtype

__all__ = ["INF", "STEP", "one_plus_square"]

INF: Final = math.inf
STEP: Final = lambda g, xp: xp.zeros_like(g)  # the rule of a step function, whose gradient is 0


def one_plus_square(xp: Any, x: Any) -> tuple[Any, Any]:
    """Return two factors of ``1 + x**2``."""
    if as_dtype(x.dtype).is_complex:
        return 1.0 + 1j * x, 1.0 - 1j * x
    root = xp.hypot(x, xp.ones_like(x))
    return root, root
