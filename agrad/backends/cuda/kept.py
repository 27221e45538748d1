"""A cache of small arrays, so that the kernel that fills them is launched only once."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import cupy

__all__ = ["kept"]

_kept: dict[tuple[Any, ...], Any] = {}


def kept(make: Callable[..., Any], *args: Any) -> Any:
    """Return the array ``make(*args)``, the same object at each call.

    Each stream has its own array, since only launches on the same stream run in order; and each thread, since it may
    have its own default stream.
    """
    key = cupy.cuda.runtime.getDevice(), cupy.cuda.get_current_stream().ptr, get_ident(), make, *args
    if key not in _kept:
        _kept[key] = make(*args)
    return _kept[key]
