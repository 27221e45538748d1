"""Functions of shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mlx.core as mx
import numpy as np

from ..typing import Array

__all__ = ["FUNCTIONS"]


def _moveaxis(x: Array, source: Any, destination: Any, /) -> Any:
    if isinstance(source, int):
        return mx.moveaxis(x, source, destination)
    source, destination = ([axis % x.ndim for axis in axes] for axes in (source, destination))
    order = [axis for axis in range(x.ndim) if axis not in source]
    for to, axis in sorted(zip(destination, source, strict=True)):
        order.insert(to, axis)
    return mx.transpose(x, order)


def _repeat(x: Array, repeats: Any, /, *, axis: int | None = None) -> Any:
    x, axis = (mx.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    if not isinstance(repeats, mx.array):
        return mx.repeat(x, repeats, axis=axis)
    places = np.repeat(np.arange(x.shape[axis]), np.broadcast_to(np.array(repeats), (x.shape[axis],)))
    return mx.take(x, mx.array(places), axis=axis)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"moveaxis": _moveaxis, "repeat": _repeat}
