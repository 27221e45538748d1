"""Small arrays that are made once and kept, so that the launch that fills them is not repeated."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import cupy

__all__ = ["kept"]

_kept: dict[tuple[Any, ...], Any] = {}


def kept(make: Callable[..., Any], *args: Any) -> Any:
    """Return the array ``make(*args)``, the same at each call.

    Each stream has its own, as the launches on one follow each other; and each thread, for it may have a default stream
    of its own.
    """
    key = cupy.cuda.runtime.getDevice(), cupy.cuda.get_current_stream().ptr, get_ident(), make, *args
    if key not in _kept:
        _kept[key] = make(*args)
    return _kept[key]
