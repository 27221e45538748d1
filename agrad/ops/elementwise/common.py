"""What several kinds of elementwise functions share."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["INF", "STEP"]

INF: Final = math.inf
STEP: Final = lambda g, xp: xp.zeros_like(g)  # the rule of a step function, whose gradient is 0
